"""The dates that a date or a time may have.

Every part of the product can read them, in any time zone.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

FIRST_DAY, LAST_DAY = date(1, 1, 2), date(9999, 12, 30)
"""A day inside the years 1 to 9999, so that no zone leads out of them."""


def first_moment(zone: ZoneInfo | None = None) -> datetime:
    """The first moment of the calendar, by a zone's clock.

    Without a zone, the clock is UTC.
    """
    return _midnight(FIRST_DAY, zone)


def end_of_calendar(zone: ZoneInfo | None = None) -> datetime:
    """The first moment after the calendar's end, by a zone's clock.

    Without a zone, the clock is UTC.
    """
    return _midnight(LAST_DAY + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo | None) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone or UTC).astimezone(UTC)
