"""Read the columns of a frame of visits into arrays.

The columns may come in any of several types, and the arrays have known types.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from conflict_assets.domain.columns.arrays import Bools, Floats, Ints
from conflict_assets.domain.columns.instants import (
    as_days,
    as_instants,
    as_midnights,
    days_in_calendar,
    instants_in_calendar,
    scaled,
)
from conflict_assets.domain.columns.numbers import as_flags, as_numbers
from conflict_assets.domain.columns.table_source import TableSource
from conflict_assets.domain.columns.text_types import as_text
from conflict_assets.domain.visits import REQUIRED_COLUMNS, VISIT_SCHEMA

if TYPE_CHECKING:
    import pandas as pd

    from conflict_assets.domain.columns.frame_source import FrameSource

OPTIONAL_TEXTS = ("p_zip_code", "rate_type", "visit_status")
OPTIONAL_NUMBERS = ("latitude", "longitude", "billed_hours", "rate", "billed_rate", "bill_rate_non_billed")
READERS = {
    **dict.fromkeys(OPTIONAL_TEXTS, "text"),
    **dict.fromkeys(OPTIONAL_NUMBERS, "numbers"),
    "billed": "flags",
    "last_updated_date": "instants",
}
"""What the engine reads where it is given, and how."""


class VisitColumns:
    """The columns of a frame or an Arrow table of visits.

    Its index, its column order and its extra columns are ignored.

    Raises:
        TypeError: it is neither a frame nor a table.
        ValueError: a required column is missing, or a column appears twice.
        TypeError: an optional column has a type that can't be read, which else only some nights would bring to light.
    """

    def __init__(self, visits: "pd.DataFrame | pa.Table") -> None:
        self._source = _source(visits)
        names = list(self._source.names)
        self._names = {name for name in names if isinstance(name, str)}
        missing = [name for name in REQUIRED_COLUMNS if name not in self._names]
        if missing:
            raise ValueError(f"visits lack the columns {', '.join(missing)}; needed: {', '.join(REQUIRED_COLUMNS)}")
        twice = [name for name in VISIT_SCHEMA.names if names.count(name) > 1]
        if twice:
            raise ValueError(f"visits have two columns of one name: {', '.join(twice)}; each may appear once")
        self._check_types()

    def __len__(self) -> int:
        return len(self._source)

    def has(self, name: str) -> bool:
        """Whether the column was given."""
        return name in self._names

    def text(self, name: str, rows: Ints | None = None, *, digits: int = 0) -> pa.Array:
        """Return a column as Arrow strings, plain or dictionary-encoded.

        Numbers get back lost zeros, up to `digits` digits.
        """
        return as_text(self._source.read(name, rows, as_text=True), name, digits=digits)

    def days(self, name: str) -> tuple[Ints, Bools]:
        """Return a column of dates as days since 1970-01-01.

        The second result says which rows hold a date that the calendar does not have. The days of these rows are
        missing.
        """
        datetimes = self._source.datetimes(name, local=True)
        if datetimes is not None:
            return days_in_calendar(as_midnights(datetimes, name))
        return days_in_calendar(as_days(self._source.read(name, None), name))

    def instants(self, name: str, rows: Ints | None = None) -> tuple[Ints, Bools]:
        """Return a column of times as microseconds since 1970-01-01 in UTC.

        Naive times are UTC. The second result says which rows hold a time that the calendar does not have. The instants
        of these rows are missing.
        """
        datetimes = self._source.datetimes(name, local=False)
        if datetimes is not None:
            values = scaled(datetimes, "us")
            return instants_in_calendar(values if rows is None else values[rows])
        return instants_in_calendar(as_instants(self._source.read(name, rows), name))

    def numbers(self, name: str, rows: Ints | None = None) -> tuple[Floats, Bools]:
        """Return a column as floats, and which rows hold anything at all.

        A text that is no number is NaN, but its row holds something. An absent column is missing in every row.
        """
        if not self.has(name):
            size = len(self) if rows is None else len(rows)
            return np.full(size, np.nan), np.zeros(size, dtype=np.bool_)
        floats = self._source.floats(name)
        if floats is not None:
            floats = floats if rows is None else floats[rows]
            return floats, ~np.isnan(floats)
        return as_numbers(self._source.read(name, rows), name)

    def flags(self, name: str, rows: Ints) -> Bools:
        """Return a column as booleans.

        A missing value is False, and so is every value of an absent column.
        """
        if not self.has(name):
            return np.zeros(len(rows), dtype=np.bool_)
        return as_flags(self._source.read(name, rows), name)

    def _check_types(self) -> None:
        no_rows = np.zeros(0, dtype=np.int64)
        for name in self._names.intersection(READERS):
            # The types that these columns mostly have need no closer look.
            if not self._source.is_usual(name):
                getattr(self, READERS[name])(name, no_rows)


def _source(visits: "pd.DataFrame | pa.Table") -> "TableSource | FrameSource":
    if isinstance(visits, pa.Table):
        return TableSource(visits)
    from conflict_assets.domain.columns.frame_source import FrameSource

    return FrameSource(visits)
