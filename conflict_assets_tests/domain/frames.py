"""Frames of visits in every type that a caller may bring them in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from typing import Any

import pandas as pd
import pyarrow as pa

from conflict_assets.domain.visits import REQUIRED_COLUMNS


@dataclass(frozen=True)
class Layout:
    """In which types a frame holds its rows: times, dates and texts, and what its index is."""

    times: str = "utc"
    dates: str = "date"
    texts: str = "str"
    index: str = "range"


TIMES = (*REQUIRED_COLUMNS[4:], "last_updated_date")
NUMBERS = ("billed_hours", "billed_rate", "bill_rate_non_billed", "rate")
MIXED = ("latitude", "longitude", "p_zip_code", "billed")
"""Columns that may hold texts and numbers side by side, or truth values and nothing."""


def frame_of(rows: Sequence[Mapping[str, Any]], layout: Layout | None = None) -> pd.DataFrame:
    """Put rows into a frame of every column that one of them has; the columns of no row are the required ones."""
    layout = layout or Layout()
    columns = list(dict.fromkeys(name for row in rows for name in row)) or list(REQUIRED_COLUMNS)
    frame = pd.DataFrame({name: _column(name, [row.get(name) for row in rows], layout) for name in columns})
    if layout.index == "repeated":
        frame.index = pd.Index([7] * len(frame))
    elif layout.index == "text":
        frame.index = pd.Index([f"row {number % 3}" for number in range(len(frame))], dtype="str")
    return frame


def _column(name: str, values: list[Any], layout: Layout) -> "pd.Series[Any]":
    if name in TIMES:
        return _time_column(values, layout.times)
    if name == "visit_date":
        dtype = {"date": "object", "midnight": "datetime64[us]", "arrow": pd.ArrowDtype(pa.date32())}[layout.dates]
        return pd.Series(values, dtype=dtype)
    if name in NUMBERS:
        return pd.Series(values, dtype="float64")
    if name in MIXED:
        return _mixed_column(values)
    if layout.texts == "nan":
        return pd.Series([nan if value is None else value for value in values], dtype="object")
    return pd.Series(values, dtype=pd.ArrowDtype(pa.string()) if layout.texts == "arrow" else layout.texts)


def _mixed_column(values: list[Any]) -> "pd.Series[Any]":
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pd.Series(values, dtype="bool" if None not in values else "boolean")
    return pd.Series(values, dtype="float64" if kinds == {float} else "object")


def _time_column(values: list[datetime | None], kind: str) -> "pd.Series[Any]":
    if kind == "objects":
        return pd.Series(values, dtype="object")
    in_utc = pd.Series([value and value.astimezone(UTC) for value in values], dtype="datetime64[us, UTC]")
    if kind == "new_york":
        return in_utc.dt.tz_convert("America/New_York")
    if kind == "naive":
        return in_utc.dt.tz_localize(None)
    if kind == "nanoseconds" and all(value is None or 1700 < value.year < 2200 for value in values):
        return in_utc.astype("datetime64[ns, UTC]")
    return in_utc.astype(pd.ArrowDtype(pa.timestamp("us", tz="UTC"))) if kind == "arrow" else in_utc
