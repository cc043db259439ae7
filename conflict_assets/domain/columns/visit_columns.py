"""Read the columns of a frame of visits into arrays.

The columns may come in any of several types, and the arrays have known types.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from conflict_assets.domain.columns.arrays import Bools, Floats, Ints
from conflict_assets.domain.columns.instants import (
    as_days,
    as_instants,
    as_midnights,
    days_in_calendar,
    instants_in_calendar,
    is_beyond_years,
    scaled,
)
from conflict_assets.domain.columns.numbers import as_flags, as_numbers
from conflict_assets.domain.columns.python_objects import typed, typed_text
from conflict_assets.domain.columns.text_types import as_text
from conflict_assets.domain.visits import REQUIRED_COLUMNS, VISIT_SCHEMA

OPTIONAL_TEXTS = ("p_zip_code", "rate_type", "visit_status")
OPTIONAL_NUMBERS = ("latitude", "longitude", "billed_hours", "rate", "billed_rate", "bill_rate_non_billed")
READERS = {
    **dict.fromkeys(OPTIONAL_TEXTS, "text"),
    **dict.fromkeys(OPTIONAL_NUMBERS, "numbers"),
    "billed": "flags",
    "last_updated_date": "instants",
}
"""What the engine reads where it is given, and how."""

_USUAL = (np.dtype(np.float64), pd.StringDtype(na_value=np.nan))


class VisitColumns:
    """The columns of a frame or an Arrow table of visits.

    Its index, its column order and its extra columns are ignored.

    Raises:
        TypeError: it is neither a frame nor a table.
        ValueError: a required column is missing, or a column appears twice.
        TypeError: an optional column has a type that can't be read, which else only some nights would bring to light.
    """

    def __init__(self, visits: pd.DataFrame | pa.Table) -> None:
        if not isinstance(visits, pd.DataFrame | pa.Table):
            raise TypeError(f"visits is a {type(visits).__name__}; allowed: a pandas.DataFrame or a pyarrow.Table")
        self._visits = visits
        names = list(visits.column_names if isinstance(visits, pa.Table) else visits.columns)
        self._names = {name for name in names if isinstance(name, str)}
        missing = [name for name in REQUIRED_COLUMNS if name not in self._names]
        if missing:
            raise ValueError(f"visits lack the columns {', '.join(missing)}; needed: {', '.join(REQUIRED_COLUMNS)}")
        twice = [name for name in VISIT_SCHEMA.names if names.count(name) > 1]
        if twice:
            raise ValueError(f"visits have two columns of one name: {', '.join(twice)}; each may appear once")

        self._check_types()

    def __len__(self) -> int:
        return len(self._visits)

    def has(self, name: str) -> bool:
        """Whether the column was given."""
        return name in self._names

    def text(self, name: str, rows: Ints | None = None, *, digits: int = 0) -> pa.Array:
        """Return a column as Arrow strings, plain or dictionary-encoded.

        Numbers get back lost zeros, up to `digits` digits.
        """
        return as_text(self._read(name, rows, typed_text), name, digits=digits)

    def days(self, name: str) -> tuple[Ints, Bools]:
        """Return a column of dates as days since 1970-01-01.

        The second result says which rows hold a date that the calendar does not have. The days of these rows are
        missing.
        """
        column = self._visits[name]
        if _is_datetime(column):
            return days_in_calendar(as_midnights(_local(column), name))
        return days_in_calendar(as_days(self._read(name, None), name))

    def instants(self, name: str, rows: Ints | None = None) -> tuple[Ints, Bools]:
        """Return a column of times as microseconds since 1970-01-01 in UTC.

        Naive times are UTC. The second result says which rows hold a time that the calendar does not have. The instants
        of these rows are missing.
        """
        column = self._visits[name]
        if _is_datetime(column):
            values = scaled(_in_utc(column), "us")
            return instants_in_calendar(values if rows is None else values[rows])
        return instants_in_calendar(as_instants(self._read(name, rows), name))

    def numbers(self, name: str, rows: Ints | None = None) -> tuple[Floats, Bools]:
        """Return a column as floats, and which rows hold anything at all.

        A text that is no number is NaN, but its row holds something. An absent column is missing in every row.
        """
        if not self.has(name):
            size = len(self) if rows is None else len(rows)
            return np.full(size, np.nan), np.zeros(size, dtype=np.bool_)
        column = self._visits[name]
        if isinstance(column, pd.Series) and column.dtype == np.float64:
            floats: Floats = column.to_numpy()
            floats = floats if rows is None else floats[rows]
            return floats, ~np.isnan(floats)
        return as_numbers(self._read(name, rows), name)

    def flags(self, name: str, rows: Ints) -> Bools:
        """Return a column as booleans.

        A missing value is False, and so is every value of an absent column.
        """
        if not self.has(name):
            return np.zeros(len(rows), dtype=np.bool_)
        return as_flags(self._read(name, rows), name)

    def _check_types(self) -> None:
        no_rows = np.zeros(0, dtype=np.int64)
        for name in self._names.intersection(READERS):
            # The types that these columns mostly have need no closer look.
            if not isinstance(self._visits, pd.DataFrame) or self._visits.dtypes[name] not in _USUAL:
                getattr(self, READERS[name])(name, no_rows)

    def _read(
        self, name: str, rows: Ints | None, type_objects: Callable[[npt.NDArray[np.object_]], Any] | None = None
    ) -> pa.Array | list[Any]:
        if isinstance(self._visits, pa.Table):
            chunked = self._visits.column(name)
            if _is_empty_dictionary(chunked):
                return pa.nulls(len(self) if rows is None else len(rows))
            array = _takeable(chunked.combine_chunks() if chunked.num_chunks != 1 else chunked.chunk(0))
            return array if rows is None else array.take(pa.array(rows))
        series = self._visits[name]
        if isinstance(series.dtype, pd.CategoricalDtype) and series.isna().all():
            return pa.nulls(len(self) if rows is None else len(rows))
        # Text that is held as Arrow becomes an Arrow array at no cost: its rows are taken afterwards, which is faster.
        late = isinstance(series.dtype, pd.ArrowDtype) or (
            isinstance(series.dtype, pd.StringDtype) and series.dtype.storage == "pyarrow"
        )
        if rows is not None and not late:
            series = series.iloc[rows]
        if series.dtype == object:
            return (type_objects or typed)(series.to_numpy())
        try:
            array = pa.Array.from_pandas(series)
        except (pa.ArrowException, TypeError, ValueError, UnicodeEncodeError):
            raise TypeError(f"column {name!r} has type {series.dtype}, which can't be read") from None
        if _is_empty_dictionary(array):
            return pa.nulls(len(self) if rows is None else len(rows))
        array = _takeable(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)
        return array.take(pa.array(rows)) if rows is not None and late else array


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


def _is_datetime(column: Any) -> bool:
    """Whether a column is made of NumPy's own datetimes.

    They need no conversion.
    """
    return isinstance(column, pd.Series) and (
        isinstance(column.dtype, pd.DatetimeTZDtype)
        or (isinstance(column.dtype, np.dtype) and column.dtype.kind == "M")
    )


def _in_utc(column: "pd.Series[Any]") -> npt.NDArray[np.datetime64]:
    """Return the instants of a datetime column in their own unit."""
    values: npt.NDArray[np.datetime64] = column.to_numpy(dtype=f"datetime64[{column.dt.unit}]")
    return values


def _local(column: "pd.Series[Any]") -> npt.NDArray[np.datetime64]:
    """Return a datetime column by the clock of its zone.

    What lies outside the years 1 to 9999 stays by the clock of UTC.
    """
    values = _in_utc(column)
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        return values
    # Pandas has no zones for other years, and no zone brings these years into the calendar.
    beyond = is_beyond_years(values)
    local: npt.NDArray[np.datetime64] = column.mask(beyond).dt.tz_localize(None).to_numpy()
    return np.where(beyond, values, local)
