"""Columns of any type as text columns: Arrow strings."""

from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.single_values import is_missing, refuse_type
from conflict_assets.domain.normalization import MOST_ZEROS_LOST, with_lost_zeros

ALLOWED = "text or whole numbers"
_MOST_EXACT = float(2**53)
"""Up to here, floats hold every whole number."""


def as_text(values: pa.Array | list[Any], name: str, *, digits: int = 0) -> pa.Array:
    """Return a column as Arrow strings (plain, large or dictionary-encoded).

    Whole numbers become text. Numbers that lack one or two of `digits` digits get back the zeros that they have lost.

    Raises:
        TypeError: the column holds something that is neither text nor a number.
        ValueError: it holds numbers that are not whole.
    """
    if isinstance(values, list):
        return _text_of_objects(values, name, digits)
    kind = values.type
    if pa.types.is_dictionary(kind):
        if pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type):
            return values
        return as_text(values.dictionary_decode(), name, digits=digits)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _with_lost_zeros(_whole(values, name).cast(pa.string()), digits)
    raise refuse_type(name, str(kind), ALLOWED)


def _text_of_objects(values: list[Any], name: str, digits: int) -> pa.Array:
    texts = [_text(value, name, digits) for value in values]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        raise ValueError(f"column {name!r} has text that is no valid Unicode; allowed: {ALLOWED}") from None


def _with_lost_zeros(texts: pa.Array, digits: int) -> pa.Array:
    if not digits:
        return texts
    lack = pc.subtract(digits, pc.utf8_length(texts))
    return pc.if_else(pc.less_equal(lack, MOST_ZEROS_LOST), pc.utf8_lpad(texts, digits, "0"), texts)


def _whole(numbers: pa.Array, name: str) -> pa.Array:
    if pa.types.is_integer(numbers.type):
        return numbers
    if pa.types.is_floating(numbers.type):
        numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
        if pc.any(pc.greater(pc.abs(numbers), _MOST_EXACT)).as_py():
            raise _not_whole(name)
    try:
        return numbers.cast(pa.decimal128(38, 0) if pa.types.is_decimal(numbers.type) else pa.int64())
    except pa.ArrowInvalid:
        raise _not_whole(name) from None


def _not_whole(name: str) -> ValueError:
    return ValueError(f"column {name!r} has numbers that are not whole, or too long to be exact; allowed: {ALLOWED}")


def _text(value: Any, name: str, digits: int) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | Decimal | np.number):
        raise refuse_type(name, type(value).__name__, ALLOWED)
    too_long = isinstance(value, float) and abs(value) > _MOST_EXACT
    if not isfinite(value) or too_long or value != int(value):
        raise _not_whole(name)
    return with_lost_zeros(str(int(value)), digits)
