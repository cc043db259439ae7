"""The columns of a pandas frame, of any of the types that pandas has.

It is loaded only where a frame is given: no command has one, and pandas takes longer to load than all that they need.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from conflict_assets.domain.columns.arrays import Floats, Ints
from conflict_assets.domain.columns.instants import is_beyond_years
from conflict_assets.domain.columns.python_objects import typed, typed_text
from conflict_assets.domain.columns.table_source import taken

_USUAL = (np.dtype(np.float64), pd.StringDtype(na_value=np.nan))


class FrameSource:
    """A frame of visits, whose index is ignored.

    Raises:
        TypeError: it is no frame.
    """

    def __init__(self, visits: pd.DataFrame) -> None:
        if not isinstance(visits, pd.DataFrame):
            raise TypeError(f"visits is a {type(visits).__name__}; allowed: a pandas.DataFrame or a pyarrow.Table")
        self._visits = visits
        self.names: Sequence[Any] = list(visits.columns)

    def __len__(self) -> int:
        return len(self._visits)

    def is_usual(self, name: str) -> bool:
        """Whether a column's type needs no closer look."""
        return self._visits.dtypes[name] in _USUAL

    def read(self, name: str, rows: Ints | None, *, as_text: bool = False) -> pa.Array | list[Any]:
        """Return a column, or some of its rows.

        Mixed Python values are returned as they are, to be read one by one. With `as_text` a column of Python texts is
        read faster.

        Raises:
            TypeError: pandas has a type for it that Arrow does not have.
        """
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
            return (typed_text if as_text else typed)(series.to_numpy())
        try:
            array = pa.Array.from_pandas(series)
        except (pa.ArrowException, TypeError, ValueError, UnicodeEncodeError):
            raise TypeError(f"column {name!r} has type {series.dtype}, which can't be read") from None
        return taken(array, rows if late else None)

    def datetimes(self, name: str, *, local: bool) -> npt.NDArray[np.datetime64] | None:
        """Return a column of NumPy's own datetimes, which need no conversion, in their own unit.

        They are by the clock of their zone if `local`, else in UTC. A column of another type is None.
        """
        column = self._visits[name]
        zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
        if not zoned and not (isinstance(column.dtype, np.dtype) and column.dtype.kind == "M"):
            return None
        values: npt.NDArray[np.datetime64] = column.to_numpy(dtype=f"datetime64[{column.dt.unit}]")
        return _local(column, values) if zoned and local else values

    def floats(self, name: str) -> Floats | None:
        """Return a column of NumPy's own floats, and None for another type."""
        column = self._visits[name]
        return column.to_numpy() if column.dtype == np.float64 else None


def _local(column: "pd.Series[Any]", in_utc: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Return a datetime column by the clock of its zone.

    What lies outside the years 1 to 9999 stays by the clock of UTC: pandas has no zones for other years, and no zone
    brings these years into the calendar.
    """
    beyond = is_beyond_years(in_utc)
    local: npt.NDArray[np.datetime64] = column.mask(beyond).dt.tz_localize(None).to_numpy()
    return np.where(beyond, in_utc, local)
