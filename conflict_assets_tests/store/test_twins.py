"""A corrected SSN gives a pair of visits a second conflict of the same name: what is shown of the two."""

import pytest

from conflict_assets.domain.statuses import Status
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets.store.retention import Retention
from conflict_assets.store.trend import trend
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.nights import START, ZONE, Pair, night
from conflict_assets_tests.store.store_totals import totals

WRONG, RIGHT, OTHER = Pair(), Pair(ssn="050000001"), Pair("c", "d")


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([WRONG, OTHER], number=1))
        yield store


def correct(store, number=2):
    """The next night finds the pair under another SSN, in another prefix."""
    store.conflicts.replace_prefix(night([OTHER], number=number))
    store.conflicts.replace_prefix(night([RIGHT], number=number, prefix="05"))


def shown(url, view="conflict_visit_maps"):
    return sorted(rows(url, f"SELECT right(ssn, 4), status FROM {view} WHERE pair_id = %s", [WRONG.pair_id]))  # noqa: S608 - names of this file


def exported(store, **query):
    with store.conflicts.export(ExportQuery(statuses=tuple(Status), **query)) as export:
        count, found = export.count(), [row for batch in export.batches() for row in batch.to_pylist()]
    assert count == len(found)
    return sorted((row["ssn"], row["status"]) for row in found if row["pair_id"] == WRONG.pair_id)


@pytest.mark.parametrize("view", ["conflict_visit_maps", "conflict_sides", "conflict_states"])
def test_a_view_leaves_out_the_resolved_twin_of_a_conflict_that_holds(store, store_url, view):
    correct(store)
    assert shown(store_url, view) == [("0001", "new")] * 2
    assert rows(store_url, f"SELECT count(*) FROM {view}") == [(4,)]  # noqa: S608 - names of this file


def test_an_export_a_total_a_report_and_a_look_leave_it_out_too(store):
    correct(store)
    assert exported(store) == [("***-**-0001", "new")]
    assert exported(store, full_ssns=True) == [(RIGHT.ssn, "new")]
    assert store.session.run(totals).by_status == {"new": 1, "open": 1}
    assert store.runs.report_data(time_zone=ZONE, agency_time_zone=ZONE).by_status == {"new": 1, "open": 1}
    assert [each.resolved_at for each in store.conflicts.of_pair(WRONG.pair_id)] == [None]


def test_a_decision_belongs_to_the_pair_whatever_its_ssn(store, store_url):
    store.decisions.decide([Decision(parse_pair("a,b"), DecisionValue.WHITELISTED, "same client")])
    correct(store)
    assert shown(store_url) == [("0001", "whitelisted")] * 2
    assert store.session.run(totals).by_status == {"whitelisted": 1, "open": 1}
    assert exported(store) == [("***-**-0001", "whitelisted")]
    assert rows(store_url, "SELECT count(*) FROM open_conflicts") == [(1,)]
    assert [point.open_conflicts for point in store.session.run(trend, ZONE, 30)][-1] == 1


def test_every_conflict_that_holds_is_shown(store, store_url):
    store.conflicts.replace_prefix(night([RIGHT], number=1, prefix="05"))
    assert len(shown(store_url)) == 4
    assert exported(store, full_ssns=True) == [(WRONG.ssn, "new"), (RIGHT.ssn, "new")]
    assert len(store.conflicts.of_pair(WRONG.pair_id)) == 2
    assert store.session.run(totals).by_status == {"new": 3}


def test_when_both_are_resolved_both_are_shown(store, store_url):
    correct(store)
    store.conflicts.replace_prefix(night([], number=3, prefix="05"))
    assert shown(store_url) == [("0001", "resolved")] * 4
    assert store.session.run(totals).by_status == {"open": 1, "resolved": 2}


def test_when_the_correction_is_taken_back_the_other_one_is_shown(store, store_url):
    correct(store)
    store.conflicts.replace_prefix(night([WRONG, OTHER], number=3))
    store.conflicts.replace_prefix(night([], number=3, prefix="05"))
    assert rows(store_url, "SELECT DISTINCT ssn, status FROM conflict_states WHERE visit_id = 'a'") == [
        (WRONG.ssn, "open")
    ]


def test_a_live_conflict_that_leaves_the_window_still_hides_its_resolved_twin(store, store_url):
    correct(store)
    window = (RIGHT.day.replace(day=20), RIGHT.day.replace(year=2027))
    store.conflicts.replace_prefix(night([], number=3, prefix="05", window=window))
    assert shown(store_url) == [("0001", "expired")] * 2


def test_runs_that_tell_when_a_hidden_twin_was_last_detected_stay(store, store_url):
    for number in range(2, 7):
        store.conflicts.replace_prefix(night([WRONG, OTHER], number=number))
    correct(store, number=7)
    for number in range(8, 11):
        store.conflicts.replace_prefix(night([OTHER], number=number))
    last = "SELECT DISTINCT last_detected_at FROM all_conflict_states WHERE ssn = %s AND visit_id = 'a'"
    before = rows(store_url, last, [WRONG.ssn])
    keep = Retention(rejected_visits=1, closed_conflicts=9999, history=9999, prefix_runs=1)
    assert store.administration.purge(keep, now=START.replace(year=2027)).prefix_runs
    assert rows(store_url, last, [WRONG.ssn]) == before == [(night([], number=6).as_of,)]
