"""The window of dates that a run judges."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

YEARS_BACK = 2
DAYS_AHEAD = 45


@dataclass(frozen=True)
class Window:
    """Visit dates from `first` to `last`, both included."""

    first: date
    last: date


def window_at(as_of: datetime, time_zone: str) -> Window:
    """Return the window of a run at `as_of` (aware).

    It goes from two calendar years before the date in the zone to 45 days after it. Two years before a 29 February is
    28 February.
    """
    today = as_of.astimezone(ZoneInfo(time_zone)).date()
    return Window(first=today - relativedelta(years=YEARS_BACK), last=today + timedelta(days=DAYS_AHEAD))


def start_of_day(moment: datetime, time_zone: str) -> datetime:
    """Return the first instant of the date of an instant (aware).

    The date is the one in the zone. A midnight that clocks skip counts as the moment at which they skip it. Of a
    midnight that clocks pass twice, the first counts.
    """
    zone = ZoneInfo(time_zone)
    return datetime.combine(moment.astimezone(zone).date(), time.min, zone).astimezone(UTC)
