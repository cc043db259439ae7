"""What a run brings to a prefix: conflicts of which both visits lie in the window, its first and last date included."""

from datetime import timedelta

import pytest

from conflict_assets.store.incoming import incoming_of
from conflict_assets_tests.store.nights import WINDOW, Pair, night

FIRST, LAST = WINDOW
ONE_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "con_day", "conflicts"),
    [
        (FIRST, FIRST, 1),
        (FIRST, FIRST + ONE_DAY, 1),
        (LAST - ONE_DAY, LAST, 1),
        (FIRST - ONE_DAY, FIRST, 0),
        (LAST, LAST + ONE_DAY, 0),
        (FIRST - ONE_DAY, FIRST - ONE_DAY, 0),
        (LAST + ONE_DAY, LAST + ONE_DAY, 0),
    ],
)
def test_a_conflict_is_kept_with_both_its_rows_when_both_dates_lie_in_the_window(day, con_day, conflicts):
    incoming = incoming_of(night([Pair(day=day, con_day=con_day)]))
    assert (incoming.conflicts, incoming.rows) == (conflicts, 2 * conflicts)
