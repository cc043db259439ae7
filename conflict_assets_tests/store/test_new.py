"""A conflict is new when it was first detected on the date of its prefix's latest run, however many runs that has."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from conflict_assets.store import schema
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import DAY, WINDOW, ZONE, Pair, night

AB, CD = Pair("a", "b"), Pair("c", "d")


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def at(clock: str, zone: str = ZONE, *, fold: int = 0) -> datetime:
    """A moment by the clocks of a zone; the second of two alike with `fold`."""
    return datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def commit(store, moment, pairs=(AB,), **changes):
    run = f"run-{moment:%d-%H-%M}"
    return store.conflicts.replace_prefix(night(pairs, as_of=moment, **{"run_id": run, "root_run_id": run} | changes))


def statuses(url):
    return dict(rows(url, "SELECT DISTINCT visit_id, status FROM conflict_visit_maps WHERE visit_id IN ('a', 'c')"))


def told_as_new(store, url):
    """How many conflicts the view, the export, the report and the summary by agency call new."""
    with store.conflicts.export(ExportQuery(statuses=["new"])) as export:
        exported = export.count()
    report = store.runs.report_data(time_zone=ZONE, agency_time_zone=ZONE).by_status.get("new", 0)
    view, summary = rows(
        url,
        """SELECT (SELECT count(*) FROM open_conflicts WHERE status = 'new'),
               (SELECT coalesce(sum(new_conflicts), 0)::int FROM conflict_summary)""",
    )[0]
    return view, exported, report, summary / 2


def test_a_repeat_in_the_morning_leaves_what_the_night_has_found_new(store, store_url):
    commit(store, at("2026-01-06 02:00"), [CD])
    commit(store, at("2026-01-07 02:00"), [AB, CD])
    repeated = commit(store, at("2026-01-07 07:00"), [AB, CD])
    assert (repeated.new, repeated.unchanged) == (0, 2)
    assert statuses(store_url) == {"a": "new", "c": "open"}
    assert told_as_new(store, store_url) == (1, 1, 1, 1)
    commit(store, at("2026-01-08 02:00"), [AB, CD])
    assert told_as_new(store, store_url) == (0, 0, 0, 0)


def test_each_prefix_goes_by_its_own_latest_run(store, store_url):
    commit(store, at("2026-01-07 02:00"), [AB])
    commit(store, at("2026-01-07 02:00"), [Pair("c", "d", ssn="050000001")], prefix="05")
    commit(store, at("2026-01-08 02:00"), [AB])
    assert statuses(store_url) == {"a": "open", "c": "new"}


@pytest.mark.parametrize(
    ("zone", "first", "second", "status"),
    [
        ("America/New_York", "2026-01-06 23:30", "2026-01-07 00:30", "open"),
        ("America/New_York", "2026-01-07 00:00", "2026-01-07 23:59:59.999999", "new"),
        ("America/New_York", "2026-01-06 23:59:59.999999", "2026-01-07 00:00", "open"),
        ("America/New_York", "2026-01-06 18:00", "2026-01-06 20:00", "new"),
        ("Pacific/Kiritimati", "2026-01-07 00:30", "2026-01-07 23:30", "new"),
        ("Pacific/Kiritimati", "2026-01-06 23:30", "2026-01-07 00:30", "open"),
        ("Pacific/Midway", "2026-01-07 00:30", "2026-01-07 23:30", "new"),
        ("Pacific/Midway", "2026-01-06 23:30", "2026-01-07 00:30", "open"),
        ("Asia/Kathmandu", "2026-01-07 00:15", "2026-01-07 07:00", "new"),
        ("America/New_York", "2026-03-08 00:30", "2026-03-08 23:30", "new"),
        ("America/New_York", "2026-11-01 00:00", "2026-11-01 23:30", "new"),
        ("America/New_York", "2026-10-31 23:30", "2026-11-01 01:30", "open"),
        ("Africa/Cairo", "2026-04-24 01:00", "2026-04-24 07:00", "new"),
        ("Africa/Cairo", "2026-04-23 23:59", "2026-04-24 01:00", "open"),
        ("America/Havana", "2026-11-01 00:10", "2026-11-01 07:00", "new"),
    ],
)
def test_the_date_is_that_of_the_schedule_s_zone(store, store_url, zone, first, second, status):
    window = (DAY, DAY + timedelta(days=400))
    for clock in (first, second):
        commit(store, at(clock, zone), window=window, zone=zone)
    assert statuses(store_url) == {"a": status}


def test_an_hour_that_clocks_pass_twice_is_of_one_date(store, store_url):
    """In Havana midnight comes twice, an hour apart; both are the first of November."""
    for fold in (0, 1):
        commit(store, at("2026-11-01 00:30", "America/Havana", fold=fold), zone="America/Havana")
    assert statuses(store_url) == {"a": "new"}


def test_a_conflict_that_comes_and_goes_within_its_first_date_is_new_while_it_holds(store, store_url):
    commit(store, at("2026-01-07 02:00"))
    commit(store, at("2026-01-07 05:00"), [])
    assert statuses(store_url) == {"a": "resolved"}
    assert commit(store, at("2026-01-07 07:00")).reopened == 1
    assert statuses(store_url) == {"a": "new"}


def test_a_conflict_that_is_reopened_later_is_open(store, store_url):
    for day, pairs in enumerate(([AB], [], [AB]), 6):
        commit(store, at(f"2026-01-0{day} 02:00"), pairs)
    assert statuses(store_url) == {"a": "open"}


def test_a_repeated_commit_counts_by_the_zone_that_is_set_now(store, store_url):
    moment = at("2026-01-07 02:00")
    commit(store, moment - timedelta(hours=4))
    commit(store, moment)
    assert statuses(store_url) == {"a": "open"}
    commit(store, moment, zone="America/Los_Angeles")
    assert statuses(store_url) == {"a": "new"}


WINDOWS = [(WINDOW[0] + timedelta(days=day), WINDOW[1] + timedelta(days=day)) for day in range(3)]
"""Of three nights, as the release before had them too: a date has one window."""


@pytest.fixture
def old_store(store, store_url):
    """A store of the release before: prefix 04 was run at two and at seven, 05 the night before only."""
    other = Pair("e", "f", ssn="050000001")
    commit(store, at("2026-01-06 02:00"), [CD], window=WINDOWS[0])
    commit(store, at("2026-01-06 02:00"), [other], window=WINDOWS[0], prefix="05")
    commit(store, at("2026-01-07 02:00"), [AB, CD], window=WINDOWS[1])
    commit(store, at("2026-01-07 07:00"), [AB, CD], window=WINDOWS[1])
    schema.migrate(store_url, "0003")
    yield store_url
    schema.migrate(store_url)


EVERYTHING = "SELECT pair_id, status, first_detected_at, last_detected_at FROM conflict_states ORDER BY ssn, visit_id"


def test_a_store_of_the_release_before_tells_what_is_new_before_any_new_run(store, old_store):
    assert statuses(old_store) == {"a": "open", "c": "open"}
    schema.migrate(old_store)
    assert statuses(old_store) == {"a": "new", "c": "open"}
    assert rows(old_store, "SELECT DISTINCT status FROM conflict_visit_maps WHERE visit_id = 'e'") == [("new",)]
    assert told_as_new(store, old_store) == (2, 2, 2, 2)
    assert rows(old_store, "SELECT count(*) FROM prefix_runs WHERE new_since > as_of OR new_since IS NULL") == [(0,)]


def test_a_store_that_goes_up_and_down_keeps_its_rows_and_what_is_made_of_its_views(old_store):
    before = rows(old_store, EVERYTHING)
    runs = rows(old_store, "SELECT ssn_prefix, as_of, latest, conflicts, counts FROM prefix_runs ORDER BY 1, 2")
    execute(old_store, "CREATE VIEW of_somebody AS SELECT * FROM open_conflicts")
    # Later views may have columns between these, and can't be made while somebody's stands on them.
    schema.migrate(old_store, "0007")
    assert rows(old_store, "SELECT count(*) FROM of_somebody") == [(3,)]
    schema.migrate(old_store, "0003")
    assert rows(old_store, EVERYTHING) == before
    assert rows(old_store, "SELECT ssn_prefix, as_of, latest, conflicts, counts FROM prefix_runs ORDER BY 1, 2") == runs
    execute(old_store, "DROP VIEW of_somebody")


def test_what_somebody_touched_before_the_upgrade_is_mended_after_it(store, old_store):
    execute(old_store, "UPDATE visit_conflicts SET overlap_minutes = 1 WHERE visit_id = 'a'")
    schema.migrate(old_store)
    commit(store, at("2026-01-08 02:00"), [AB, CD], window=WINDOWS[2])
    assert rows(old_store, "SELECT count(*) FROM visit_conflicts WHERE overlap_minutes = 1") == [(0,)]


def test_the_first_night_after_the_upgrade_goes_on_as_ever(store, old_store):
    schema.migrate(old_store)
    outcome = commit(store, at("2026-01-08 02:00"), [AB, CD], window=WINDOWS[2])
    assert (outcome.new, outcome.changed, outcome.unchanged) == (0, 0, 2)
    assert statuses(old_store) == {"a": "open", "c": "open"}
