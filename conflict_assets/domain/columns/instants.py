"""Columns of dates and of times, as integers.

Dates are days, and times are microseconds in UTC. What the calendar does not have stays what it is, or becomes `FAR`.
`days_in_calendar` and `instants_in_calendar` then separate it from the rest.
"""

import re
from collections.abc import Callable
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.calendar import FIRST_DAY, LAST_DAY, end_of_calendar, first_moment
from conflict_assets.domain.columns.arrays import FAR, MISSING, Bools, Ints
from conflict_assets.domain.columns.single_values import is_missing, refuse_type
from conflict_assets.domain.normalization import trimmed

DATES = "dates, midnights, or ISO text such as 2025-01-31"
TIMES = "datetimes, or ISO text such as 2025-01-31T09:00:00-05:00"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_CALENDAR_DAYS = (FIRST_DAY.toordinal() - _EPOCH_DAY, LAST_DAY.toordinal() - _EPOCH_DAY + 1)
_CALENDAR_MOMENTS = ((first_moment() - _EPOCH) // _MICROSECOND, (end_of_calendar() - _EPOCH) // _MICROSECOND)
_FINEST_UNITS = frozenset({"ns", "ps", "fs", "as", "generic"})
"""NumPy's units that reach only a few centuries, and the one of NaT alone."""

_YEARS = (np.datetime64("0001-01-01"), np.datetime64("10000-01-01"))
_FAR_TEXT = re.compile(
    r"[+-]?inf(inity)?|(\+?\d{5,}|-\d{4,}|0000)-\d\d-\d\d(?!\d).*|\d{4,}-\d\d-\d\d(?!\d).*\bBC\b.*",
    re.ASCII | re.IGNORECASE,
)
"""Infinity, and the years outside 1 to 9999, as ISO 8601 and as DuckDB and PostgreSQL write them."""


def days_in_calendar(days: Ints) -> tuple[Ints, Bools]:
    """Return days, and which of them the calendar does not have.

    Those are missing in the days that are returned.
    """
    return _in_calendar(days, *_CALENDAR_DAYS)


def instants_in_calendar(instants: Ints) -> tuple[Ints, Bools]:
    """Return instants, and which of them the calendar does not have.

    Those are missing in the instants that are returned.
    """
    return _in_calendar(instants, *_CALENDAR_MOMENTS)


def _in_calendar(values: Ints, first: int, end: int) -> tuple[Ints, Bools]:
    odd = (values < first) | (values >= end)
    if not odd.any():
        return values, odd
    odd &= values != MISSING
    return np.where(odd, MISSING, values), odd


def is_beyond_years(values: npt.NDArray[np.datetime64]) -> Bools:
    """Which of NumPy's datetimes lie outside the years 1 to 9999."""
    if np.datetime_data(values.dtype)[0] in _FINEST_UNITS:
        return np.zeros(len(values), dtype=np.bool_)
    first, end = (year.astype(values.dtype) for year in _YEARS)
    beyond: Bools = (values < first) | (values >= end)
    return beyond


def scaled(values: npt.NDArray[np.datetime64], unit: str) -> Ints:
    """Return NumPy's datetimes as integers of a unit.

    The unit is days or microseconds.
    """
    beyond = is_beyond_years(values) if unit != "D" else np.zeros(0, dtype=np.bool_)
    if beyond.any():
        # They may be too far away for the unit.
        near: Ints = np.where(beyond, np.datetime64("NaT"), values).astype(f"datetime64[{unit}]").view(np.int64)
        return np.where(beyond, FAR, near)
    integers: Ints = values.astype(f"datetime64[{unit}]").view(np.int64)
    return integers


def as_days(values: pa.Array | list[Any], name: str) -> Ints:
    """Return a column of dates as days since 1970-01-01.

    A zoned midnight has its date in its own zone.

    Raises:
        TypeError: the column holds something that is neither a date nor text.
        ValueError: it holds a datetime that is not a midnight, or text that is no ISO date.
    """
    if isinstance(values, list):
        return _each(values, name, _day)
    values = _decoded(values)
    kind = values.type
    if pa.types.is_date(kind):
        return scaled(values.cast(pa.date32()).to_numpy(zero_copy_only=False), "D")
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
        _, odd = days_in_calendar(days)
        if not (whole | missing | odd).all():
            raise _not_midnight(name)
        days[missing] = MISSING
    return days


def _not_midnight(name: str) -> ValueError:
    return ValueError(f"column {name!r} has a time of day that is not midnight; allowed: {DATES}")


def as_instants(values: pa.Array | list[Any], name: str) -> Ints:
    """Return a column of times as microseconds since 1970-01-01 in UTC.

    Naive times are UTC.

    Raises:
        TypeError: the column holds something that is neither a datetime nor text.
        ValueError: it holds text that is no ISO time.
    """
    if isinstance(values, list):
        return _instants(values, name)
    values = _decoded(values)
    if pa.types.is_timestamp(values.type):
        return scaled(values.to_numpy(zero_copy_only=False), "us")
    return _each_distinct(values, name, _instant, TIMES)


def _instants(values: list[Any], name: str) -> Ints:
    kinds = {type(value) for value in values if not is_missing(value)}
    if all(map(_is_time, kinds)) and (kinds == {datetime} or not any(map(_is_far, values))):
        try:
            instants = pa.array(values, pa.timestamp("us", tz="UTC"), from_pandas=True)
            return scaled(instants.to_numpy(zero_copy_only=False), "us")
        except (pa.ArrowException, OverflowError):
            # An offset that leads out of the years 1 to 9999, or parts of a microsecond.
            return _each(values, name, _instant)
    return _each(values, name, _instant)


def _decoded(values: pa.Array) -> pa.Array:
    """Undo a dictionary encoding, and turn all-missing floats into nulls.

    Frames hold columns without values as missing floats.
    """
    if pa.types.is_dictionary(values.type):
        return values.dictionary_decode()
    if pa.types.is_floating(values.type) and pc.all(pc.is_nan(values), min_count=0).as_py():
        return pa.nulls(len(values))
    return values


def _is_time(kind: type) -> bool:
    """Whether a type is Python's time or pandas' own."""
    return kind is datetime or (issubclass(kind, datetime) and kind.__name__ == "Timestamp")


def _is_far(value: Any) -> bool:
    """Whether a pandas time is outside the range of Python's own."""
    return isinstance(value, datetime) and not is_missing(value) and not 1 <= value.year <= MAXYEAR


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
    if is_missing(value) or (isinstance(value, str) and not trimmed(value)):
        return MISSING
    if isinstance(value, str):
        value = _parsed(value, name, DATES)
    if value is _FAR_AWAY or _is_far(value):
        return FAR
    if isinstance(value, np.datetime64):
        return int(as_midnights(np.array([value]), name)[0])
    if isinstance(value, datetime):
        if value.time() != time() and FIRST_DAY <= value.date() <= LAST_DAY:
            raise _not_midnight(name)
        return value.toordinal() - _EPOCH_DAY
    if isinstance(value, date):
        return value.toordinal() - _EPOCH_DAY
    raise refuse_type(name, type(value).__name__, DATES)


def _instant(value: Any, name: str) -> int:
    if is_missing(value) or (isinstance(value, str) and not trimmed(value)):
        return MISSING
    if isinstance(value, str):
        value = _parsed(value, name, TIMES)
    if value is _FAR_AWAY or _is_far(value):
        return FAR
    if isinstance(value, np.datetime64):
        return int(scaled(np.array([value]), "us")[0])
    if not isinstance(value, datetime):
        raise refuse_type(name, type(value).__name__, TIMES)
    # Not astimezone(): it fails where the offset leads out of the years 1 to 9999.
    since = value.replace(tzinfo=UTC) - _EPOCH - (value.utcoffset() or timedelta())
    return since // _MICROSECOND


_FAR_AWAY = object()


def _parsed(text: str, name: str, allowed: str) -> Any:
    try:
        return datetime.fromisoformat(trimmed(text))
    except ValueError:
        if _FAR_TEXT.fullmatch(trimmed(text)):
            return _FAR_AWAY
        raise ValueError(f"column {name!r} has text that is no ISO date or time; allowed: {allowed}") from None
