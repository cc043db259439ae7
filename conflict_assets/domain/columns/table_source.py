"""The columns of an Arrow table, as a night reads them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from conflict_assets.domain.columns.arrays import Floats, Ints


class TableSource:
    """An Arrow table of visits."""

    def __init__(self, visits: pa.Table) -> None:
        self._visits = visits
        self.names: Sequence[Any] = visits.column_names

    def __len__(self) -> int:
        return int(self._visits.num_rows)

    def is_usual(self, _name: str) -> bool:
        """Whether a column's type needs no closer look."""
        return False

    def read(self, name: str, rows: Ints | None, *, as_text: bool = False) -> pa.Array | list[Any]:  # noqa: ARG002 - a table's types are known
        """Return a column, or some of its rows."""
        return taken(self._visits.column(name), rows)

    def datetimes(self, _name: str, *, local: bool) -> npt.NDArray[np.datetime64] | None:  # noqa: ARG002 - as of a frame
        """Return None: an Arrow table has no columns of NumPy's datetimes."""
        return None

    def floats(self, _name: str) -> Floats | None:
        """Return None: an Arrow table has no columns of NumPy's floats."""
        return None


def taken(column: pa.Array | pa.ChunkedArray, rows: Ints | None) -> pa.Array:
    """Return rows of a column as one array."""
    if _is_empty_dictionary(column):
        return pa.nulls(len(column) if rows is None else len(rows))
    array = _takeable(_whole(column))
    return array if rows is None else array.take(pa.array(rows))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _is_empty_dictionary(array: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a dictionary-encoded column is all missing.

    Its values, if there are any, may then have any type.
    """
    return bool(pa.types.is_dictionary(array.type) and array.null_count == len(array))


def _takeable(array: pa.Array) -> pa.Array:
    """Turn string views, of which Arrow can't take rows, into plain strings."""
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    if pa.types.is_dictionary(array.type) and pa.types.is_string_view(array.type.value_type):
        return pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.large_string()))
    return array
