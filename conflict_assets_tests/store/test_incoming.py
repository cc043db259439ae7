"""What a run brings to a prefix: conflicts of which both visits lie in the window, its first and last date included."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from conflict_assets.store.errors import StoreError
from conflict_assets.store.incoming import incoming_of
from conflict_assets_tests.store.nights import SSN, WINDOW, Pair, night

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


def test_a_conflict_without_one_of_its_visits_is_refused_before_anything_is_written():
    found = night([Pair("a", "b"), Pair("c", "d")])
    for lost in "abcd":
        visits = found.visits.filter(pc.not_equal(found.visits["visit_id"], lost))
        with pytest.raises(
            StoreError, match=r"2 of 4 conflict rows of prefix 04 name a visit that .* 3 to be stored"
        ) as told:
            incoming_of(night([Pair("a", "b"), Pair("c", "d")], visits=visits))
        assert SSN not in str(told.value)


def test_a_visit_of_another_ssn_is_not_the_one_that_a_conflict_names():
    found = night([Pair()])
    other = pa.array(["040000002"] * found.visits.num_rows)
    visits = found.visits.set_column(found.visits.schema.get_field_index("ssn"), "ssn", other)
    with pytest.raises(StoreError, match="2 of 2 conflict rows"):
        incoming_of(night([Pair()], visits=visits))
