"""Text columns as Arrow strings, or as codes of distinct values.

They hold ids, codes and ZIP codes. The codes of distinct values are integers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import NO_CODE, Bools, Ints
from conflict_assets.domain.columns.single_values import is_missing, refuse_type
from conflict_assets.domain.normalization import MOST_ZEROS_LOST, trimmed

ALLOWED = "text or whole numbers"
Words = npt.NDArray[np.uint64]
WORD = 8
_MOST_EXACT = float(2**53)
"""Up to here, floats hold every whole number."""

_PRINTABLE_FROM, _PRINTABLE_TO = 0x21, 0x7E


@dataclass(frozen=True)
class Codes:
    """A text column as positions in a list of distinct values.

    `values` is in code-point order. A missing text has the code `NO_CODE`.
    """

    codes: Ints
    values: list[str]

    def take(self, rows: Ints) -> pa.Array:
        """Return the texts of some rows as Arrow strings."""
        codes = self.codes[rows]
        return pa.array(self.values, pa.string()).take(pa.array(codes, mask=codes == NO_CODE))


def encode(texts: pa.Array, clean: Callable[[str], str] = trimmed) -> Codes:
    """Code a text column by its cleaned values.

    A text that is empty once cleaned is missing.
    """
    distinct, index = _distinct(texts)
    cleaned = ["" if value is None else clean(value) for value in distinct.to_pylist()]
    values = sorted({value for value in cleaned if value})
    position = {value: code for code, value in enumerate(values)}
    lookup = np.array([*(position.get(value, NO_CODE) for value in cleaned), NO_CODE], dtype=np.int64)
    return Codes(lookup[index], values)


def _distinct(texts: pa.Array) -> tuple[pa.Array, Ints]:
    """Return the distinct texts, and every row's position among them.

    The position of a null row may be the one after the last text.
    """
    if not pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_encode()
    indices = texts.indices.cast(pa.int64())
    return texts.dictionary, pc.fill_null(indices, len(texts.dictionary)).to_numpy()


def hash_words(columns: list[Words], start: Words) -> Words:
    """Mix words into one number for each row.

    Equal rows get equal numbers, and unequal rows almost always get unequal numbers.
    """
    hashes = start
    for word in columns:
        hashes = (hashes ^ word) * _ODD
        hashes ^= hashes >> np.uint64(29)
    return hashes


_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: spreads neighbouring numbers (Knuth, The Art of Computer Programming, 6.4)."""


def trim(texts: pa.Array) -> pa.Array:
    """Trim a text column.

    A text that is empty once trimmed becomes null. Columns that need no trimming are not copied.
    """
    plain = texts.cast(pa.string()) if pa.types.is_dictionary(texts.type) else texts
    suspects = ~(_is_printable(plain, at_end=False) & _is_printable(plain, at_end=True))
    if not suspects.any():
        return plain
    texts = [None if text is None else trimmed(text) or None for text in plain.filter(pa.array(suspects)).to_pylist()]
    return pc.replace_with_mask(plain, pa.array(suspects), pa.array(texts, plain.type))


def is_blank(texts: pa.Array) -> Bools:
    """Which texts are null or nothing but blanks."""
    plain = texts.cast(pa.string()) if pa.types.is_dictionary(texts.type) else texts
    blank = ~_is_printable(plain, at_end=False)
    suspects = plain.filter(pa.array(blank)).to_pylist()
    blank[blank] = [text is None or not trimmed(text) for text in suspects]
    return blank


def _is_printable(texts: pa.Array, *, at_end: bool) -> Bools:
    """Find texts whose first or last character is printable ASCII.

    A printable character is no blank. Empty and null texts have none.
    """
    offsets, data = _buffers(texts)
    size = _common_length(offsets)
    if size:
        # Texts of one length lie at even steps, where slicing is many times faster than picking.
        found = data[int(offsets[0]) + (size - 1 if at_end else 0) : int(offsets[-1]) : size]
        return (found >= _PRINTABLE_FROM) & (found <= _PRINTABLE_TO)
    printable = offsets[1:] > offsets[:-1]
    if len(data):
        found = data[np.maximum(offsets[1:] - 1, 0) if at_end else np.minimum(offsets[:-1], len(data) - 1)]
        printable &= (found >= _PRINTABLE_FROM) & (found <= _PRINTABLE_TO)
    return printable


def _common_length(offsets: Ints) -> int:
    """Return the length that all texts have, else 0."""
    size = int(offsets[1] - offsets[0]) if len(offsets) > 1 else 0
    return size if size * (len(offsets) - 1) == offsets[-1] - offsets[0] and (np.diff(offsets) == size).all() else 0


def words(texts: pa.Array, skip: int = 0) -> list[Words]:
    """Cut texts into big-endian words of eight UTF-8 bytes.

    They are cut from the byte `skip` on, and filled up with zeros. The words and then the `lengths` sort texts as their
    code points do.
    """
    offsets, data = _buffers(texts)
    padded = np.concatenate([data, np.zeros(WORD, dtype=np.uint8)])
    at_each_byte: npt.NDArray[Any] = np.ndarray((len(data) + 1,), dtype=">u8", buffer=padded.data, strides=(1,))
    size = _common_length(offsets)
    if size:
        rows = at_each_byte[int(offsets[0]) : int(offsets[-1])]
        return [rows[start::size].astype(np.uint64) & _keep(size - start) for start in range(skip, size, WORD)]
    left = np.diff(offsets) - skip
    longest = int(left.max(initial=0))
    return [_ragged_word(at_each_byte, offsets[:-1] + skip, left, start) for start in range(0, longest, WORD)]


def _ragged_word(at_each_byte: npt.NDArray[Any], first: Ints, left: Ints, start: int) -> Words:
    word = np.zeros(len(left), dtype=np.uint64)
    # Only the rows that are this long: one text of a million characters must not make a wide matrix of all.
    rows = np.flatnonzero(left > start)
    word[rows] = at_each_byte[first[rows] + start].astype(np.uint64) & _keep(left[rows] - start)
    return word


def _keep(bytes_left: Ints | int) -> Any:
    """Return the masks for the leading bytes of a word.

    A mask covers as many bytes as are left of the text.
    """
    return _MASKS[np.minimum(bytes_left, WORD)]


_MASKS = np.array([(2**64 - 1) ^ (2 ** (8 * (WORD - kept)) - 1) for kept in range(WORD + 1)], dtype=np.uint64)


def rank(texts: pa.Array) -> Ints:
    """Return each text's position among the distinct texts, in code-point order."""
    keys = [*words(texts, _common_prefix(texts)), lengths(texts).astype(np.uint64)]
    order = np.argsort(keys[0])
    tied = np.diff(keys[0][order]) == 0
    in_tie = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
    if len(in_tie):
        rows = order[in_tie]
        order[in_tie] = rows[np.lexsort([key[rows] for key in keys[::-1]])]
    is_new = np.zeros(len(order), dtype=np.bool_)
    for key in keys:
        is_new[1:] |= np.diff(key[order]) != 0
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.cumsum(is_new)
    return ranks


def _common_prefix(texts: pa.Array) -> int:
    """Return how many leading bytes all texts share.

    Beyond these bytes, one word mostly distinguishes two texts.
    """
    bounds = pc.min_max(texts.cast(pa.large_binary())).as_py()
    lowest, highest = bounds["min"] or b"", bounds["max"] or b""
    alike = (a == b for a, b in zip(lowest, highest, strict=False))
    return next((count for count, same in enumerate(alike) if not same), min(len(lowest), len(highest)))


def lengths(texts: pa.Array) -> Ints:
    """Return the lengths of texts in UTF-8 bytes.

    The length of a null is 0.
    """
    return np.diff(_buffers(texts)[0])


def _buffers(texts: pa.Array) -> tuple[Ints, npt.NDArray[np.uint8]]:
    """Return the offsets and bytes of a string array without a copy."""
    _, offsets, data = texts.buffers()
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    if len(texts) == 0 or offsets is None or data is None:
        return np.zeros(len(texts) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    bounds = np.frombuffer(offsets, dtype=width)[texts.offset : texts.offset + len(texts) + 1]
    return bounds.astype(np.int64), np.frombuffer(data, dtype=np.uint8)


def as_text(values: pa.Array | list[Any], name: str, *, digits: int = 0) -> pa.Array:
    """Return a column as Arrow strings (plain, large or dictionary-encoded).

    Whole numbers become text. Numbers that lack one or two of `digits` digits get back the zeros that they have lost.

    Raises:
        TypeError: the column holds something that is neither text nor a number.
        ValueError: it holds numbers that are not whole.
    """
    if isinstance(values, list):
        texts = [_text(value, name, digits) for value in values]
        try:
            return pa.array(texts, pa.string())
        except UnicodeEncodeError:
            raise ValueError(f"column {name!r} has text that is no valid Unicode; allowed: {ALLOWED}") from None
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
    text = str(int(value))
    return text.rjust(digits, "0") if digits - len(text) <= MOST_ZEROS_LOST else text
