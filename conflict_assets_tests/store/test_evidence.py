"""Each event keeps what its verdict rested on: both visits as they were judged, and the policy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pyarrow as pa
import pytest
from psycopg.rows import dict_row

from conflict_assets.domain.detection import detect_conflicts_table
from conflict_assets.domain.explanation import explain_pair
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.store import replace as replacing
from conflict_assets.store import schema
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.stored_columns import EVENT_FACTS
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import DAY, SSN, Pair, night

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
BATTERY = {"latitude": 40.70, "longitude": -74.00, "p_zip_code": "10004"}
BRONX = {"latitude": 40.85, "longitude": -73.88, "p_zip_code": "10458"}
HOURLY = {"rate": 30.0, "rate_type": "Hourly", "billed": False}


def span(kind, start, minutes):
    first = NINE + timedelta(minutes=start)
    return {f"{kind}_start_time": first, f"{kind}_end_time": first + timedelta(minutes=minutes)}


def visit(visit_id, agency, **more):
    return {"visit_id": visit_id, "ssn": SSN, "provider_id": agency, "visit_date": DAY} | HOURLY | more


WORKED = visit("a", "P", **span("visit", 0, 60), **span("sch", -30, 120), **BATTERY)
PLANNED = visit("b", "Q", **span("sch", 30, 60), **BRONX)
FAR = visit("c", "R", **span("visit", 80, 40), **BRONX)
HALF_WORKED = visit("d", "S", **span("sch", 45, 60), visit_start_time=NINE)
VISITS = [
    *(WORKED, PLANNED, FAR, HALF_WORKED),
    visit("e", "T", **span("visit", 0, 60)),
    visit("f", "U", **span("sch", 30, 60)),
    visit("g", "V", **span("sch", 0, 60), **BRONX),
    visit("h", "W", **span("visit", 10, 40), p_zip_code="00501"),
]
"""Visits among which every rule holds."""


def judged(visits, number, policy=None):
    """The commit of a night that judges these visits."""
    policy = policy or DetectionPolicy()
    table = pa.Table.from_pylist(
        [{name: each.get(name) for name in VISIT_SCHEMA.names} for each in visits], VISIT_SCHEMA
    )
    conflicts = detect_conflicts_table(table, policy).conflicts_table()
    return night([], number=number, conflicts=conflicts, visits=table, policy=policy)


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def events(url, visit_id, con_visit_id):
    """The events of a pair as a reader sees them."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT * FROM conflict_events WHERE visit_id = %s AND con_visit_id = %s ORDER BY event_id",
            [visit_id, con_visit_id],
        ).fetchall()


def told_again(event):
    """The two visits, and the policy, as nothing but an event has them."""
    kept = dict(event["policy"])
    policy = DetectionPolicy(**kept | {"speed_bands": tuple(map(tuple, kept["speed_bands"]))})
    return [_visit(event, ""), _visit(event, "con_")], policy


def _visit(event, side):
    kind = "visit" if event[f"{side}basis"] == "actual" else "sch"
    return {
        **{name: event[side + name] for name in ("visit_id", "provider_id", "visit_date", "latitude", "longitude")},
        "ssn": SSN,
        "p_zip_code": event[f"{side}zip_code"],
        f"{kind}_start_time": event[f"{side}starts_at"],
        f"{kind}_end_time": event[f"{side}ends_at"],
    }


PATHS = pytest.mark.parametrize("empty", [True, False], ids=["an empty prefix", "a comparison"])


@pytest.fixture
def path(empty, monkeypatch):
    """Whether a first night finds the prefix empty, or compares."""
    if not empty:
        monkeypatch.setattr(replacing, "_is_empty", lambda _connection, _prefix: False)


@PATHS
@pytest.mark.usefixtures("path")
def test_the_verdict_of_every_event_can_be_found_again_from_what_the_event_keeps(store, store_url):
    policy = DetectionPolicy(extra_distance_factor=1.5, speed_bands=((0, None, 20.0),))
    store.conflicts.replace_prefix(judged(VISITS, 1, policy))
    of_id = {each["visit_id"]: each for each in VISITS}
    pairs = rows(store_url, "SELECT visit_id, con_visit_id FROM conflict_history ORDER BY event_id")
    assert rows(store_url, "SELECT DISTINCT rule FROM conflict_history ORDER BY rule") == [(n,) for n in range(1, 8)]
    for one, other in pairs:
        (event,) = events(store_url, one, other)
        visits, kept = told_again(event)
        found, known = explain_pair(*visits, kept), explain_pair(of_id[one], of_id[other], policy)
        assert kept == policy
        assert (found.first, found.second) == (
            replace(known.first, one_actual_time=False),
            replace(known.second, one_actual_time=False),
        )
        assert (found.rule, found.trip, found.overlap_minutes) == (known.rule, known.trip, known.overlap_minutes)
        assert (event["rule"], event["overlap_minutes"]) == (known.rule, known.overlap_minutes)
        trip = known.trip
        miles = (event["distance_miles"], event["average_miles_per_hour"], event["eta_travel_minutes"])
        assert miles == ((trip.distance_miles, trip.band[2], trip.eta_travel_minutes) if trip else (None, None, None))


@PATHS
@pytest.mark.usefixtures("path")
def test_the_amounts_of_both_sides_are_kept(store, store_url):
    store.conflicts.replace_prefix(judged([WORKED, PLANNED | {"rate": 60.0}], 1))
    (event,) = events(store_url, "a", "b")
    amounts = ("visit_type", "rate_per_minute", "shift_amount", "overlap_amount")
    assert [event[name] for name in amounts] == ["confirmed", 0.5, 30.0, 15.0]
    assert [event[f"con_{name}"] for name in amounts] == ["scheduled", 1.0, 60.0, 30.0]


def test_a_change_keeps_the_new_facts_and_leaves_those_of_the_events_before(store, store_url):
    store.conflicts.replace_prefix(judged([WORKED, PLANNED], 1))
    store.conflicts.replace_prefix(
        judged([WORKED | span("visit", 0, 45), PLANNED], 2, DetectionPolicy(cross_midnight=False))
    )
    detected, changed = events(store_url, "a", "b")
    assert (detected["event"], detected["ends_at"]) == ("detected", NINE + timedelta(minutes=60))
    assert (changed["event"], changed["ends_at"]) == ("changed", NINE + timedelta(minutes=45))
    assert [each["policy"]["cross_midnight"] for each in (detected, changed)] == [True, False]


def test_a_resolved_conflict_keeps_the_facts_on_which_it_last_held_although_its_visit_has_moved(store, store_url):
    store.conflicts.replace_prefix(judged([WORKED, PLANNED], 1))
    moved = PLANNED | span("sch", 300, 60)
    store.conflicts.replace_prefix(judged([WORKED, moved, visit("z", "T", **span("sch", 310, 60))], 2))
    resolved = events(store_url, "a", "b")[-1]
    assert (resolved["event"], resolved["con_starts_at"]) == ("resolved", NINE + timedelta(minutes=30))
    assert events(store_url, "b", "z")[-1]["starts_at"] == NINE + timedelta(minutes=300)


def test_a_conflict_that_is_reopened_keeps_what_it_rests_on_now(store, store_url):
    for number, visits in enumerate(([WORKED, PLANNED], [], [WORKED | BRONX, PLANNED]), 1):
        store.conflicts.replace_prefix(judged(visits, number))
    assert [(each["event"], each["zip_code"]) for each in events(store_url, "a", "b")] == [
        ("detected", "10004"),
        ("resolved", "10004"),
        ("reopened", "10458"),
    ]


def test_a_decision_keeps_what_the_person_saw_and_the_policy_of_the_run_before_it(store, store_url):
    store.conflicts.replace_prefix(judged([WORKED, PLANNED], 1))
    store.decisions.decide([Decision(parse_pair("a,b"), DecisionValue.IGNORED, "known")])
    detected, decided = events(store_url, "a", "b")
    assert (decided["event"], decided["run_id"]) == ("decided", None)
    kept = [*EVENT_FACTS, "policy_id"]
    kept = [name.replace("is_actual", "basis") for name in kept]
    assert {name: decided[name] for name in kept} == {name: detected[name] for name in kept}


def test_a_policy_has_one_version_however_often_it_is_used(store, store_url):
    other = DetectionPolicy(max_visits_per_day=7)
    for number, policy in enumerate((DetectionPolicy(), DetectionPolicy(), other, DetectionPolicy()), 1):
        store.conflicts.replace_prefix(night([Pair(overlap=float(number))], number=number, policy=policy))
    first, second, third, fourth = (
        row[0] for row in rows(store_url, "SELECT policy_id FROM conflict_history ORDER BY event_id")
    )
    assert first == second == fourth != third
    kept = "SELECT policy->>'max_visits_per_day' FROM detection_policies ORDER BY policy_id"
    assert len(rows(store_url, kept)) >= 2
    ids = "SELECT policy_id FROM prefix_runs ORDER BY as_of"
    assert rows(store_url, ids) == [(first,), (first,), (third,), (first,)]


def test_every_fact_that_an_event_keeps_is_a_column_that_readers_see(store_url):
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    stored, seen = (
        {row[0] for row in rows(store_url, query, [name])} for name in ("conflict_history", "conflict_events")
    )
    assert set(EVENT_FACTS) <= stored
    assert {name.replace("is_actual", "basis") for name in EVENT_FACTS} <= seen


@pytest.fixture
def old_store(store, store_url):
    """A store of the release before, with conflicts, events and decisions."""
    store.conflicts.replace_prefix(judged([WORKED, PLANNED], 1))
    store.conflicts.replace_prefix(night([Pair("x", "y", ssn="050000001")], prefix="05"))
    store.decisions.decide([Decision(parse_pair("x,y"), DecisionValue.IGNORED, "first")], decided_by="ann")
    store.decisions.decide([Decision(parse_pair("x,y"), DecisionValue.WHITELISTED, "then")], decided_by="bob")
    schema.migrate(store_url, "0004")
    yield store_url
    schema.migrate(store_url)


CONFLICTS = "SELECT * FROM conflict_visit_maps ORDER BY visit_id"
OLD_DECISIONS = "SELECT pair_id, decision, reason, decided_by FROM conflict_decisions"


def test_a_store_of_the_release_before_goes_up_with_its_decisions_and_its_events(store, old_store):
    before = rows(old_store, CONFLICTS)
    old = "SELECT event_id, event, rule, overlap_minutes FROM conflict_history ORDER BY event_id"
    known = rows(old_store, old)
    xy = Pair("x", "y").pair_id
    assert rows(old_store, OLD_DECISIONS) == [(xy, "whitelisted", "then", "bob")]
    execute(old_store, "CREATE VIEW of_somebody AS SELECT * FROM open_conflicts")
    # Later views may have columns between these, and can't be made while somebody's stands on them.
    schema.migrate(old_store, "0007")
    assert rows(old_store, CONFLICTS) == before
    assert rows(old_store, old) == known
    assert rows(old_store, OLD_DECISIONS) == [(xy, "whitelisted", "then", "bob")]
    assert rows(old_store, "SELECT DISTINCT basis, starts_at, policy FROM conflict_events") == [(None, None, None)]
    store.decisions.decide([Decision(parse_pair("x,y"), DecisionValue.IGNORED, "again")], decided_by="ann")
    assert rows(old_store, "SELECT decision, decided_by, holds FROM decision_log ORDER BY decision_id") == [
        ("whitelisted", "bob", False),
        ("ignored", "ann", True),
    ]
    schema.migrate(old_store, "0004")
    assert rows(old_store, OLD_DECISIONS) == [(xy, "ignored", "again", "ann")]
    assert rows(old_store, "SELECT count(*) FROM of_somebody") == [(1,)]
    execute(old_store, "DROP VIEW of_somebody")


def test_what_somebody_touched_before_the_upgrade_is_mended_after_it(store, old_store):
    execute(old_store, "UPDATE visit_conflicts SET overlap_minutes = 1 WHERE visit_id = 'a'")
    schema.migrate(old_store)
    store.conflicts.replace_prefix(judged([WORKED, PLANNED], 2))
    assert rows(old_store, "SELECT count(*) FROM visit_conflicts WHERE overlap_minutes = 1") == [(0,)]
    assert [each["basis"] for each in events(old_store, "a", "b")] == [None, "actual"]


def test_the_writer_has_its_rights_anew_after_the_upgrade(store, old_store):
    schema.migrate(old_store)
    store.administration.set_up_roles()
    schema.migrate(old_store, "0004")
    execute(old_store, "GRANT UPDATE ON conflict_decisions TO conflicts_writer")
    store.administration.prepare()
    rights = "SELECT has_table_privilege('conflicts_writer', 'conflict_decisions', %s)"
    assert [rows(old_store, rights, [right]) for right in ("INSERT", "UPDATE")] == [[(True,)], [(False,)]]
