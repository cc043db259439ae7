"""Text columns as codes of distinct values, and without blanks at their ends.

They hold ids, codes and ZIP codes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import NO_CODE, Bools, Ints
from conflict_assets.domain.columns.words import buffers_of, common_length
from conflict_assets.domain.normalization import trimmed

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
