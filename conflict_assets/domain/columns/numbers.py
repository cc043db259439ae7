"""Columns of numbers and of yes or no."""

import re
from math import inf, nan
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import Bools, Floats
from conflict_assets.domain.columns.single_values import is_missing, refuse_type
from conflict_assets.domain.normalization import trimmed

YES = frozenset({"yes", "y", "true", "1"})
NUMBER_TEXT = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
"""A text that is a number, as a regular expression that Python, DuckDB and Snowflake read alike."""


def as_numbers(values: pa.Array | list[Any], name: str) -> tuple[Floats, Bools]:
    """Return a column as floats, and which rows hold anything at all.

    What is missing or no number is NaN.

    Raises:
        TypeError: the column holds something that is neither a number nor text.
    """
    if isinstance(values, list):
        numbers = np.array([_number(value, name) for value in values], dtype=np.float64)
        held = [not is_missing(value) and not (isinstance(value, str) and not trimmed(value)) for value in values]
        return numbers, np.array(held, dtype=np.bool_)
    kind = values.type
    if pa.types.is_dictionary(kind):
        return as_numbers(values.dictionary_decode(), name)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return as_numbers(values.to_pylist(), name)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind) or kind == pa.null()):
        raise refuse_type(name, str(kind), "numbers, or text that is one")
    floats = pc.fill_null(values.cast(pa.float64(), safe=False), nan).to_numpy()
    return floats, ~np.isnan(floats)


def _number(value: Any, name: str) -> float:
    if is_missing(value):
        return nan
    if isinstance(value, bool | np.bool_):
        raise refuse_type(name, type(value).__name__, "numbers, or text that is one")
    if isinstance(value, str):
        value = trimmed(value)
        if not re.fullmatch(NUMBER_TEXT, value):
            return nan
    try:
        return float(value)
    except OverflowError:
        return inf
    except ValueError:
        return nan
    except TypeError:
        raise refuse_type(name, type(value).__name__, "numbers, or text that is one") from None


def as_flags(values: pa.Array | list[Any], name: str) -> Bools:
    """Return a column of yes or no as booleans.

    The column holds booleans, 1 and 0, or text. The texts `yes`, `y`, `true` and `1` are True, and all others are
    False. A missing value is False.

    Raises:
        TypeError: the column holds another type.
    """
    if isinstance(values, pa.Array) and pa.types.is_boolean(values.type):
        flags: Bools = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
        return flags
    python = values if isinstance(values, list) else values.to_pylist()
    return np.fromiter((_flag(value, name) for value in python), dtype=np.bool_, count=len(python))


def _flag(value: Any, name: str) -> bool:
    if is_missing(value):
        return False
    if isinstance(value, str):
        return trimmed(value).lower() in YES
    try:
        return bool(value == 1 or float(value) == 1)
    except OverflowError:
        return False
    except (TypeError, ValueError):
        raise refuse_type(name, type(value).__name__, "booleans, 1 and 0, or yes and no") from None
