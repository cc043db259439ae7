"""Columns of dates and of times, as integers: days, and microseconds in UTC."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.arrays import MISSING, Ints
from conflict_assets.domain.scalars import is_missing, refuse_type

DATES = "dates, midnights, or ISO text such as 2025-01-31"
TIMES = "datetimes, or ISO text such as 2025-01-31T09:00:00-05:00"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def as_days(values: pa.Array | list[Any], name: str) -> Ints:
    """Return a column of dates as days since 1970-01-01; a zoned midnight has its date in its own zone.

    Raises:
        TypeError: the column holds something that is neither a date nor text.
        ValueError: it holds a datetime that is not a midnight, or text that is no ISO date.
    """
    if isinstance(values, list):
        return _each(values, name, _day)
    values = _decoded(values)
    kind = values.type
    if pa.types.is_date(kind):
        return _integers(values.cast(pa.date32()), "D")
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(values) if kind.tz else values
        return as_midnights(local.to_numpy(zero_copy_only=False), name)
    return _each_distinct(values, name, _day, DATES)


def as_midnights(values: npt.NDArray[np.datetime64], name: str) -> Ints:
    """Return local midnights as days since 1970-01-01.

    Raises:
        ValueError: one of them is no midnight.
    """
    per_day = int(np.array(1, "timedelta64[D]").astype(values.dtype.str.replace("M8", "m8")).view(np.int64))
    ticks = values.view(np.int64)
    days: Ints = ticks // per_day
    whole = days * per_day == ticks
    if not whole.all():
        missing = ticks == MISSING
        if not (whole | missing).all():
            raise _not_midnight(name)
        days[missing] = MISSING
    return days


def _not_midnight(name: str) -> ValueError:
    return ValueError(f"column {name!r} has a time of day that is not midnight; allowed: {DATES}")


def as_instants(values: pa.Array | list[Any], name: str) -> Ints:
    """Return a column of times as microseconds since 1970-01-01 in UTC; naive times are UTC.

    Raises:
        TypeError: the column holds something that is neither a datetime nor text.
        ValueError: it holds text that is no ISO time.
    """
    if isinstance(values, list):
        return _instants(values, name)
    values = _decoded(values)
    if pa.types.is_timestamp(values.type):
        return _integers(values, "us")
    return _each_distinct(values, name, _instant, TIMES)


def _instants(values: list[Any], name: str) -> Ints:
    if {type(value) for value in values if not is_missing(value)} <= {datetime, pd.Timestamp}:
        try:
            return _integers(pa.array(values, pa.timestamp("us", tz="UTC"), from_pandas=True), "us")
        except (pa.ArrowException, OverflowError):
            # An offset that leads out of the years 1 to 9999, or parts of a microsecond.
            return _each(values, name, _instant)
    return _each(values, name, _instant)


def _decoded(values: pa.Array) -> pa.Array:
    """Undo a dictionary encoding; floats that are all missing become nulls, as frames hold columns without values."""
    if pa.types.is_dictionary(values.type):
        return values.dictionary_decode()
    if pa.types.is_floating(values.type) and pc.all(pc.is_nan(values), min_count=0).as_py():
        return pa.nulls(len(values))
    return values


def _integers(values: pa.Array, unit: str) -> Ints:
    integers: Ints = values.to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]").view(np.int64)
    return integers


def _each(values: list[Any], name: str, read: Callable[[Any, str], int]) -> Ints:
    return np.fromiter((read(value, name) for value in values), dtype=np.int64, count=len(values))


def _each_distinct(values: pa.Array, name: str, read: Callable[[Any, str], int], allowed: str) -> Ints:
    kind = values.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if not is_text and not pa.types.is_null(kind):
        raise refuse_type(name, str(kind), allowed)
    encoded = values.cast(pa.large_string()).dictionary_encode()
    lookup = _each([*encoded.dictionary.to_pylist(), None], name, read)
    distinct: Ints = lookup[pc.fill_null(encoded.indices.cast(pa.int64()), len(lookup) - 1).to_numpy()]
    return distinct


def _day(value: Any, name: str) -> int:
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return MISSING
    if isinstance(value, str):
        value = _parsed(value, name, DATES)
    if isinstance(value, np.datetime64):
        return int(as_midnights(np.array([value]), name)[0])
    if isinstance(value, datetime):
        if value.time() != time():
            raise _not_midnight(name)
        return value.toordinal() - _EPOCH_DAY
    if isinstance(value, date):
        return value.toordinal() - _EPOCH_DAY
    raise refuse_type(name, type(value).__name__, DATES)


def _instant(value: Any, name: str) -> int:
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return MISSING
    if isinstance(value, str):
        value = _parsed(value, name, TIMES)
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[us]").view(np.int64))
    if not isinstance(value, datetime):
        raise refuse_type(name, type(value).__name__, TIMES)
    # Not astimezone(): it fails where the offset leads out of the years 1 to 9999.
    since = value.replace(tzinfo=UTC) - _EPOCH - (value.utcoffset() or timedelta())
    return since // timedelta(microseconds=1)


def _parsed(text: str, name: str, allowed: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"column {name!r} has text that is no ISO date or time; allowed: {allowed}") from None
