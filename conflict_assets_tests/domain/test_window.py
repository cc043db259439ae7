from datetime import UTC, date, datetime

import pytest

from conflict_assets.domain.window import window_at


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
