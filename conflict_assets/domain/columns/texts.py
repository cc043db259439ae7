"""Text columns as codes of distinct values, and without blanks at their ends.

They hold ids, codes and ZIP codes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import NO_CODE, Bools, Ints
from conflict_assets.domain.columns.words import buffers_of, common_length, hash_words, words
from conflict_assets.domain.normalization import trimmed

_PRINTABLE_FROM, _PRINTABLE_TO = 0x21, 0x7E

_BUCKET_BITS = 20
_TO_BUCKET = np.uint64(64 - _BUCKET_BITS)


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
        if common_length(buffers_of(texts)[0]):
            return _distinct_by_hash(texts)
        texts = texts.dictionary_encode()
    indices = texts.indices.cast(pa.int64())
    return texts.dictionary, pc.fill_null(indices, len(texts.dictionary)).to_numpy()


def _distinct_by_hash(texts: pa.Array) -> tuple[pa.Array, Ints]:
    """Do what `_distinct` does by hashes, for texts of one length.

    This takes half the time that a look-up of each text takes. Some row of each bucket stands for all rows that equal
    it. Rows that don't equal it, because another text shares their bucket, are looked up after all.
    """
    columns = words(texts)
    every_row = np.arange(len(texts))
    bucket = (hash_words(columns, np.zeros(len(texts), dtype=np.uint64)) >> _TO_BUCKET).view(np.int64)
    some_row = np.empty(1 << _BUCKET_BITS, dtype=np.int64)
    some_row[bucket] = every_row
    stands_for = some_row[bucket]
    unlike = np.zeros(len(texts), dtype=np.bool_)
    for word in columns:
        unlike |= word[stands_for] != word
    first = np.flatnonzero(stands_for == every_row)
    index = some_row
    index[bucket[first]] = np.arange(len(first))
    index = index[bucket]
    distinct = texts.take(pa.array(first))
    if unlike.any():
        rest = texts.filter(pa.array(unlike)).dictionary_encode()
        index[unlike] = rest.indices.to_numpy() + len(first)
        distinct = pa.concat_arrays([distinct, rest.dictionary])
    return distinct, index


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
    offsets, data = buffers_of(texts)
    size = common_length(offsets)
    if size:
        # Texts of one length lie at even steps, where slicing is many times faster than picking.
        found = data[int(offsets[0]) + (size - 1 if at_end else 0) : int(offsets[-1]) : size]
        return (found >= _PRINTABLE_FROM) & (found <= _PRINTABLE_TO)
    printable = offsets[1:] > offsets[:-1]
    if len(data):
        found = data[np.maximum(offsets[1:] - 1, 0) if at_end else np.minimum(offsets[:-1], len(data) - 1)]
        printable &= (found >= _PRINTABLE_FROM) & (found <= _PRINTABLE_TO)
    return printable
