"""What a night does to a prefix."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from conflict_assets.store import replace as replace_module
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StaleSnapshot, StoreError
from conflict_assets.store.stored_columns import STORED_CONFLICT
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import DAY, Pair, night


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def statuses(url):
    return dict(rows(url, "SELECT pair_id, status FROM conflict_visit_maps"))


def events(url, pair=None):
    query = "SELECT event, reason, run_id FROM conflict_history WHERE pair_id = %s OR %s IS NULL ORDER BY event_id"
    wanted = pair.pair_id if pair else None
    return rows(url, query.replace("%s IS", "%s::text IS"), [wanted, wanted])


def test_a_first_night_stores_both_rows_and_both_visits_of_each_conflict(store, store_url):
    outcome = store.conflicts.replace_prefix(night([Pair("a", "b"), Pair("a", "c")]))
    assert (outcome.conflicts, outcome.rows, outcome.new, outcome.position) == (2, 4, 2, 1)
    assert rows(store_url, "SELECT count(*) FROM visit_conflicts") == [(4,)]
    assert rows(store_url, "SELECT visit_id FROM conflict_visits ORDER BY 1") == [("a",), ("b",), ("c",)]
    assert set(statuses(store_url).values()) == {"new"}


STORED = {
    "visit_conflicts": "ssn, visit_id, con_visit_id",
    "conflict_visits": "ssn, visit_id",
    "conflict_history": "ssn, visit_id, con_visit_id",
}
"""Tables that a commit writes, and what orders their rows."""


def stored(url):
    """All columns of all that was written; events are told by their order, not by their numbers."""
    columns = dict.fromkeys(STORED, "*") | {"conflict_history": "row_number() OVER (ORDER BY event_id), *"}
    tables = {
        table: rows(url, f"SELECT {columns[table]} FROM {table} ORDER BY {order}")  # noqa: S608 - names of this file
        for table, order in STORED.items()
    }
    tables["conflict_history"] = [(row[0], *row[2:]) for row in tables["conflict_history"]]
    return tables


def test_a_prefix_of_which_nothing_is_stored_gets_what_a_comparison_would_write(store, store_url, monkeypatch):
    other = "040000002"
    pairs = [Pair("a", "b"), Pair("a", "c", rule=7, overlap=0.0), Pair("b", "a", ssn=other, group="g"), Pair("Ä", "z")]
    outside = [Pair("x", "y", day=date(2023, 12, 31), con_day=date(2024, 1, 1))]
    found = []
    for is_empty in (True, False):
        if not is_empty:
            monkeypatch.setattr(replace_module, "_is_empty", lambda _connection, _prefix: False)
        outcome = store.conflicts.replace_prefix(night([*pairs, *outside]))
        found.append((replace(outcome, write_seconds=0), stored(store_url)))
        execute(store_url, "TRUNCATE visit_conflicts, conflict_visits, conflict_history, prefix_runs")
    assert found[0] == found[1]
    assert found[0][0].new == len(pairs)
    assert [len(table) for table in found[0][1].values()] == [8, 7 + 2, 4]


def test_a_prefix_with_nothing_but_resolved_conflicts_is_compared(store):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    store.conflicts.replace_prefix(night([], number=2))
    outcome = store.conflicts.replace_prefix(night([Pair()], number=3))
    assert (outcome.new, outcome.reopened) == (0, 1)


def test_the_next_night_makes_new_conflicts_open_and_writes_no_event(store, store_url):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    outcome = store.conflicts.replace_prefix(night([Pair()], number=2))
    assert (outcome.new, outcome.unchanged) == (0, 1)
    assert statuses(store_url) == {Pair().pair_id: "open"}
    assert events(store_url) == [("detected", None, "run-1")]


def test_a_conflict_lives_through_change_resolution_and_return(store, store_url):
    for number, pairs in enumerate(([Pair()], [Pair(overlap=30.0)], [], [Pair(overlap=30.0)]), 1):
        store.conflicts.replace_prefix(night(pairs, number=number))
    assert events(store_url) == [
        ("detected", None, "run-1"),
        ("changed", None, "run-2"),
        ("resolved", "gone", "run-3"),
        ("reopened", None, "run-4"),
    ]
    assert statuses(store_url) == {Pair().pair_id: "open"}
    assert rows(store_url, "SELECT DISTINCT first_detected_at, last_detected_at FROM conflict_visit_maps") == [
        (night([], number=1).as_of, night([], number=4).as_of)
    ]


@pytest.mark.parametrize(
    ("left_out", "exclusion", "reason"),
    [
        ({}, None, "gone"),
        ({"other": "deleted"}, None, "gone"),
        ({"a": "no_times"}, None, "gone"),
        ({"a": "deleted"}, None, "inactive"),
        ({"b": "inactive_status"}, None, "inactive"),
        ({"a": "deleted", "b": "excluded_agency"}, None, "excluded"),
        ({"a": "excluded_ssn"}, None, "excluded"),
        ({"a": "deleted"}, "INSERT INTO excluded_agencies VALUES (' Q ')", "excluded"),
        ({}, "INSERT INTO excluded_ssns VALUES ('040-00-0001')", "excluded"),
        ({}, "INSERT INTO excluded_ssns VALUES ('040-00-0002')", "gone"),
    ],
)
def test_a_resolved_conflict_says_why_it_has_gone(store, store_url, left_out, exclusion, reason):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    if exclusion:
        execute(store_url, exclusion)
    assert store.conflicts.replace_prefix(night([], number=2, left_out=left_out)).resolved == 1
    assert rows(store_url, "SELECT status, resolved_reason FROM conflict_visit_maps") == [("resolved", reason)] * 2


def test_a_pair_that_left_the_window_expires_and_is_never_resolved(store, store_url):
    early = Pair(day=date(2024, 1, 1), con_day=date(2024, 1, 2))
    store.conflicts.replace_prefix(night([early], number=1))
    outcome = store.conflicts.replace_prefix(night([], number=2, window=(date(2024, 1, 2), date(2026, 3, 2))))
    assert outcome.resolved == 0
    assert statuses(store_url) == {early.pair_id: "expired"}
    assert rows(store_url, "SELECT DISTINCT last_detected_at FROM conflict_visit_maps") == [
        (night([], number=1).as_of,)
    ]


def test_a_change_of_group_alone_is_written_but_is_no_event(store, store_url):
    store.conflicts.replace_prefix(night([Pair(group="g")], number=1))
    outcome = store.conflicts.replace_prefix(night([Pair(group="h")], number=2))
    assert (outcome.changed, outcome.unchanged) == (0, 1)
    assert rows(store_url, "SELECT DISTINCT group_id FROM visit_conflicts") == [("h",)]
    assert len(events(store_url)) == 1


def test_a_change_on_one_side_counts_the_conflict_once(store, store_url):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    second = night([Pair()], number=2)
    column = second.conflicts["rate_per_minute"].to_pylist()
    table = second.conflicts.set_column(
        STORED_CONFLICT.get_field_index("rate_per_minute"), "rate_per_minute", [[column[0], 9.0]]
    )
    outcome = store.conflicts.replace_prefix(night([Pair()], number=2, conflicts=table))
    assert (outcome.changed, outcome.unchanged) == (1, 0)
    assert events(store_url)[1:] == [("changed", None, "run-2")]


def test_a_visit_that_changes_is_updated_without_an_event(store, store_url):
    store.conflicts.replace_prefix(night([Pair(visit={"aide_name": "Old"})], number=1))
    store.conflicts.replace_prefix(night([Pair(visit={"aide_name": "New"})], number=2))
    assert rows(store_url, "SELECT aide_name FROM conflict_visits WHERE visit_id = 'a'") == [("New",)]
    assert len(events(store_url)) == 1


def test_an_older_snapshot_is_refused_and_changes_nothing(store, store_url):
    store.conflicts.replace_prefix(night([Pair()], number=2))
    with pytest.raises(StaleSnapshot, match="Materialize active_visits again"):
        store.conflicts.replace_prefix(night([], number=1))
    assert statuses(store_url) == {Pair().pair_id: "new"}


def test_a_repeated_commit_reports_what_the_chain_of_runs_has_done(store, store_url):
    first = store.conflicts.replace_prefix(night([Pair()], number=1))
    again = store.conflicts.replace_prefix(night([Pair()], number=1, run_id="run-1-again"))
    assert (again.new, again.unchanged, again.position) == (first.new, first.unchanged, first.position)
    assert len(events(store_url)) == 1
    assert [(run.prefix, run.run_id) for run in store.runs.summary("run-1")] == [("04", "run-1-again")]


def test_the_chain_s_report_tells_new_changed_resolved_and_reopened_apart(store, store_url):
    a, b, c, d = Pair("a", "b"), Pair("c", "d"), Pair("e", "f"), Pair("g", "h")
    store.conflicts.replace_prefix(night([a, b, d], number=1))
    store.conflicts.replace_prefix(night([b, d], number=2))
    found = [replace(b, overlap=30.0), a, c]
    first = store.conflicts.replace_prefix(night(found, number=3))
    again = store.conflicts.replace_prefix(night(found, number=3, run_id="run-3-again"))
    counts = [(each.new, each.changed, each.resolved, each.reopened, each.unchanged) for each in (first, again)]
    assert counts == [(1, 1, 1, 1, 0)] * 2
    (run,) = store.runs.summary("run-3")
    assert (run.new, run.changed, run.resolved, run.reopened, run.unchanged) == (1, 1, 1, 1, 0)
    written = "SELECT event, count(*) FROM conflict_history WHERE root_run_id = 'run-3' GROUP BY event ORDER BY event"
    assert rows(store_url, written) == [("changed", 1), ("detected", 1), ("reopened", 1), ("resolved", 1)]


def test_positions_count_the_prefixes_with_visits_that_a_root_run_has_committed(store):
    empty = {"visits_seen": 5, "contested": 0, "usable": 5}
    outcomes = [
        store.conflicts.replace_prefix(night([], prefix="04")),
        store.conflicts.replace_prefix(night([], prefix="13", counts=empty)),
        store.conflicts.replace_prefix(night([], prefix="17")),
        store.conflicts.replace_prefix(night([], prefix="17", number=2)),
    ]
    assert [outcome.position for outcome in outcomes] == [1, 0, 2, 1]


def test_positions_go_on_in_a_run_that_resumes_another_whatever_snapshots_both_have(store):
    first = night([], prefix="04", run_id="first", root_run_id="root")
    resuming = {"root_run_id": "root", "resumed": ("first",)}
    outcomes = [
        store.conflicts.replace_prefix(first),
        store.conflicts.replace_prefix(night([], prefix="13", number=2, run_id="second", **resuming)),
        store.conflicts.replace_prefix(night([], prefix="17", number=3, run_id="second", **resuming)),
        store.conflicts.replace_prefix(night([], prefix="17", number=3, run_id="second", **resuming)),
        store.conflicts.replace_prefix(night([], prefix="13", number=2, run_id="anew", root_run_id="root")),
    ]
    assert [outcome.position for outcome in outcomes] == [1, 2, 3, 3, 1]


def test_rows_of_another_prefix_are_refused_without_naming_an_ssn(store, store_url):
    with pytest.raises(StoreError, match="2 conflicts given for prefix 05") as error:
        store.conflicts.replace_prefix(night([Pair()], prefix="05"))
    assert "040000001" not in str(error.value)
    assert rows(store_url, "SELECT count(*) FROM prefix_runs") == [(0,)]


def test_two_ssns_may_share_visit_ids(store, store_url):
    pairs = [Pair(), Pair(ssn="040000002")]
    assert store.conflicts.replace_prefix(night(pairs, number=1)).conflicts == 2
    assert store.conflicts.replace_prefix(night(pairs[:1], number=2)).resolved == 1
    assert rows(store_url, "SELECT ssn, status FROM all_conflict_states WHERE visit_id = 'a' ORDER BY ssn") == [
        ("040000001", "open"),
        ("040000002", "resolved"),
    ]


def test_a_visit_that_moves_to_another_day_changes_its_conflict(store, store_url):
    store.conflicts.replace_prefix(night([Pair()], number=1))
    moved = Pair(day=DAY + timedelta(days=1))
    assert store.conflicts.replace_prefix(night([moved], number=2)).changed == 1
    assert rows(store_url, "SELECT DISTINCT visit_date FROM visit_conflicts") == [(moved.day,)]


def test_missing_numbers_and_texts_with_nul_are_storable(store, store_url):
    first = night([Pair(visit={"aide_name": "A\x00B", "latitude": float("nan")})])
    store.conflicts.replace_prefix(first)
    assert rows(store_url, "SELECT aide_name, latitude FROM conflict_visits WHERE visit_id = 'a'") == [
        ("A\ufffdB", None)
    ]


@pytest.mark.parametrize(
    ("second", "stored"),
    [
        (253_402_214_399, "9999-12-30 23:59:59+00"),
        (253_402_214_400, None),
        (600_000_000_000, None),
        (-62_135_510_400, "0001-01-02 00:00:00+00"),
        (-62_135_510_401, None),
    ],
)
def test_a_time_that_the_calendar_does_not_have_is_stored_as_missing(store, store_url, second, stored):
    first = night([Pair()])
    times = pa.array([second * 1_000_000] * first.visits.num_rows).cast(pa.timestamp("us", "UTC"))
    place = first.visits.schema.get_field_index("evv_start_time")
    store.conflicts.replace_prefix(replace(first, visits=first.visits.set_column(place, "evv_start_time", times)))
    found = "SELECT (evv_start_time AT TIME ZONE 'UTC')::text || '+00' FROM conflict_visits WHERE visit_id = 'a'"
    assert rows(store_url, found) == [(stored,)]


def test_ids_that_a_nul_alone_tells_apart_stay_apart(store, store_url):
    store.conflicts.replace_prefix(night([Pair(a="a\x00x"), Pair(a="ax")]))
    ids = rows(store_url, "SELECT visit_id FROM conflict_visits WHERE visit_id <> 'b' ORDER BY 1")
    assert ids == [("ax",), ("a\ufffdx",)]


def test_other_arrow_types_of_the_same_values_fit(store):
    first = night([Pair()])
    visits = first.visits.set_column(
        first.visits.schema.get_field_index("provider_id"),
        "provider_id",
        first.visits["provider_id"].dictionary_encode(),
    )
    large = first.conflicts.cast(
        pa.schema([(f.name, pa.large_string() if f.type == pa.string() else f.type) for f in first.conflicts.schema])
    )
    assert store.conflicts.replace_prefix(night([Pair()], visits=visits, conflicts=large)).new == 1
