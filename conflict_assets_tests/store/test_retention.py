"""What the store lets go of, and what it keeps whatever its age."""

from datetime import date, timedelta

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.errors import StoreError
from conflict_assets.store.retention import Retention
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import START, Pair, night

KEEP = Retention(rejected_visits=30, closed_conflicts=30, history=30, prefix_runs=31)
LATER = START + timedelta(days=100)
SOON = START + timedelta(days=10)
RESOLVED, OPEN = Pair("c", "d", visit={"latitude": 40.7, "longitude": -74.0, "p_zip_code": "10004"}), Pair()


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([OPEN, RESOLVED], number=1))
        store.conflicts.replace_prefix(night([OPEN], number=2))
        yield store


def stored(url):
    return {row[0] for row in rows(url, "SELECT pair_id FROM visit_conflicts")}


def test_a_resolved_conflict_goes_with_its_visits_and_events_when_it_is_old_enough(store, store_url):
    purged = store.administration.purge(KEEP, now=LATER)
    assert (purged.conflicts, purged.visits, purged.events) == (1, 2, 2)
    assert stored(store_url) == {OPEN.pair_id}
    assert rows(store_url, "SELECT visit_id FROM conflict_visits ORDER BY 1") == [("a",), ("b",)]
    assert {row[0] for row in rows(store_url, "SELECT pair_id FROM conflict_history")} == {OPEN.pair_id}


def test_a_young_one_stays_and_a_second_purge_finds_nothing(store, store_url):
    assert not store.administration.purge(KEEP, now=SOON)
    assert stored(store_url) == {OPEN.pair_id, RESOLVED.pair_id}
    assert store.administration.purge(KEEP, now=LATER)
    assert not store.administration.purge(KEEP, now=LATER)


def test_a_conflict_that_left_the_window_long_ago_goes(store, store_url):
    gone = (OPEN.day + timedelta(days=31), date(2026, 3, 1))
    store.conflicts.replace_prefix(night([], number=3, window=gone))
    assert store.administration.purge(KEEP, now=SOON).conflicts == 1
    assert stored(store_url) == {RESOLVED.pair_id}


def test_a_decided_conflict_stays_until_its_decision_is_cleared(store, store_url):
    store.decisions.decide([Decision(parse_pair(RESOLVED.pair_id), DecisionValue.WHITELISTED, "explained")])
    assert store.administration.purge(KEEP, now=LATER).conflicts == 0
    store.decisions.decide([Decision(parse_pair(RESOLVED.pair_id), DecisionValue.CLEARED, "taken back")])
    assert store.administration.purge(KEEP, now=LATER).conflicts == 1
    events = rows(store_url, "SELECT event, ssn FROM conflict_history WHERE pair_id = %s", [RESOLVED.pair_id])
    assert events == [("decided", None), ("decided", None)]
    places = "SELECT DISTINCT latitude, longitude, zip_code FROM conflict_history WHERE event = 'decided'"
    assert rows(store_url, places) == [(None, None, None)]
    assert rows(store_url, "SELECT decision FROM conflict_decisions ORDER BY decision_id") == [
        ("whitelisted",),
        ("cleared",),
    ]


def test_runs_go_but_not_the_latest_ones_nor_what_tells_when_a_conflict_was_last_detected(store, store_url):
    for number in range(3, 8):
        store.conflicts.replace_prefix(night([OPEN], number=number))
    keep = Retention(rejected_visits=30, closed_conflicts=9999, history=9999, prefix_runs=31)
    before = rows(store_url, "SELECT * FROM conflict_states ORDER BY visit_id")
    assert store.administration.purge(keep, now=LATER).prefix_runs == 4
    assert rows(store_url, "SELECT run_id FROM prefix_runs ORDER BY 1") == [("run-1",), ("run-6",), ("run-7",)]
    assert rows(store_url, "SELECT * FROM conflict_states ORDER BY visit_id") == before


def test_rejected_visits_stay_while_their_prefix_is_read(store, store_url):
    for prefix in ("04", "05", None):
        execute(
            store_url,
            "INSERT INTO rejected_visits (ssn_prefix, visit_id, reason, run_id, as_of) VALUES (%s, 'x', 'x', 'r', %s)",
            [prefix, START],
        )
    store.conflicts.replace_prefix(night([], prefix="04", number=80))
    assert store.administration.purge(KEEP, now=LATER).rejected_visits == 1
    assert rows(store_url, "SELECT ssn_prefix FROM rejected_visits ORDER BY 1") == [("04",), (None,)]


def test_rejected_visits_go_by_age(store, store_url):
    execute(
        store_url,
        "INSERT INTO rejected_visits (visit_id, reason, run_id, as_of) VALUES ('x', 'no_times', 'r', %s)",
        [START],
    )
    assert store.administration.purge(KEEP, now=SOON).rejected_visits == 0
    assert store.administration.purge(KEEP, now=LATER).rejected_visits == 1


def test_a_login_that_may_not_delete_is_told_what_to_grant(store, store_url):
    store.administration.set_up_roles()
    with ConflictStore(url=store_url, prefix_length=2) as writer:
        writer.session.run(lambda connection: connection.execute("SET ROLE conflicts_writer"))
        with pytest.raises(StoreError, match="GRANT DELETE ON visit_conflicts"):
            writer.administration.purge(KEEP, now=LATER)
    assert stored(store_url) == {OPEN.pair_id, RESOLVED.pair_id}
