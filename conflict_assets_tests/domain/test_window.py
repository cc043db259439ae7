from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from conflict_assets.domain.window import start_of_day, window_at


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), date(2024, 11, 23), date(2027, 1, 7)),
        (datetime(2026, 11, 24, 3, tzinfo=UTC), date(2024, 11, 23), date(2027, 1, 7)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), date(2026, 2, 28), date(2028, 4, 14)),
    ],
    ids=["noon", "still the day before in New York", "leap day"],
)
def test_the_window_is_two_years_back_and_45_days_ahead_of_the_day_in_the_zone(as_of, first, last):
    window = window_at(as_of, "America/New_York")
    assert (window.first, window.last) == (first, last)


def test_a_date_begins_at_its_first_instant_in_every_zone_and_on_every_day_of_clock_changes():
    tick = timedelta(microseconds=1)
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
        for moment in (noon + timedelta(days=day) for day in range(366)):
            start = start_of_day(moment, name)
            day = moment.astimezone(zone).date()
            assert start <= moment
            assert (start.astimezone(zone).date(), (start - tick).astimezone(zone).date() < day) == (day, True), name


@pytest.mark.parametrize(
    ("zone", "moment", "start"),
    [
        ("America/New_York", "2026-01-07T06:59+00:00", "2026-01-07T05:00+00:00"),
        ("America/New_York", "2026-01-07T04:59+00:00", "2026-01-06T05:00+00:00"),
        ("Pacific/Kiritimati", "2026-01-07T10:00+00:00", "2026-01-07T10:00+00:00"),
        ("Pacific/Midway", "2026-01-07T10:59+00:00", "2026-01-06T11:00+00:00"),
        ("Africa/Cairo", "2026-04-24T05:00+00:00", "2026-04-23T22:00+00:00"),
        ("America/Havana", "2026-11-01T12:00+00:00", "2026-11-01T04:00+00:00"),
    ],
    ids=["winter", "late in the evening", "east", "west", "a midnight that is skipped", "a midnight that comes twice"],
)
def test_a_date_begins_at_midnight_of_its_zone(zone, moment, start):
    assert start_of_day(datetime.fromisoformat(moment), zone) == datetime.fromisoformat(start)
