"""A commit whose visits, code and policy are those of the last one is repeated: it writes what a detection would."""

from dataclasses import fields, replace
from datetime import timedelta

import psycopg
import pytest

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.store import schema
from conflict_assets.store.commit import CommitOrigin
from conflict_assets.store.commit_record import PREFIX_LOCK
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StaleSnapshot
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import DAY, WINDOW, Pair, night
from conflict_assets_tests.store.test_hands import HANDS

AB, AC, DE, GONE = Pair("a", "b"), Pair("a", "c"), Pair("d", "e", ssn="040000002"), Pair("x", "y")
PAIRS = [AB, AC, DE]
CONTENT = "visits of the night, code of today"
TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""
OWN = (
    "detect_seconds",
    "write_seconds",
    "committed_at",
    "made_at",
    "first_used_at",
    "settled_xid",
    "event_id",
    "policy_id",
)
"""Columns that differ between two stores to which the same was done.

A store that was emptied for a test goes on with its numbers.
"""

POLICIES = """
    SELECT root_run_id, ssn_prefix, policy FROM prefix_runs LEFT JOIN detection_policies USING (policy_id)
    ORDER BY 1, 2"""


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(tonight(1, [*PAIRS, GONE], content="other visits"))
        store.conflicts.replace_prefix(tonight(2))
        yield store


def tonight(number, pairs=PAIRS, **changes):
    return night(pairs, number=number, **{"content": CONTENT} | changes)


def origin_of(commit):
    """All that is known of a commit before anything is detected."""
    known = {field.name: getattr(commit, field.name) for field in fields(CommitOrigin)}
    return CommitOrigin(**known | {"detect_seconds": 0.0})


def repeated(store, number, **changes):
    return store.conflicts.repeat_commit(origin_of(tonight(number, **changes)))


def all_rows(url, left_out=()):
    """Every row of the store, without some columns."""
    with psycopg.connect(url) as connection:
        tables = [table for (table,) in connection.execute(TABLES).fetchall()]
        read = "SELECT to_jsonb(t) - %s::text[] FROM {} AS t ORDER BY 1"
        return {table: connection.execute(read.format(table), [list(left_out)]).fetchall() for table in tables}


def is_detected(store, url, number, **changes):
    """Hold that the commit is not repeated, and that nothing is written."""
    before = all_rows(url)
    assert repeated(store, number, **changes) is None
    assert all_rows(url) == before


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": (WINDOW[0] + timedelta(days=1), WINDOW[1] + timedelta(days=1))},
        {"counts": {"visits_seen": 1200, "contested": 100, "usable": 1100}, "batches_total": 3},
        {"counts": {"visits_seen": 1000, "contested": 0, "usable": 900}},
        {"run_id": "run-2", "root_run_id": "run-2", "as_of": night([], number=2).as_of},
        {"run_id": "again", "root_run_id": "run-2", "resumed": ("run-2",), "as_of": night([], number=2).as_of},
    ],
    ids=["a day later", "in the next window", "other counts", "nothing contested", "the same run", "a re-execution"],
)
def test_a_repeated_commit_leaves_what_a_detection_leaves(store, store_url, make_store, changes):
    twin_url = make_store(2)
    with ConflictStore(url=twin_url, prefix_length=2) as twin:
        twin.conflicts.replace_prefix(tonight(1, [*PAIRS, GONE], content="other visits"))
        twin.conflicts.replace_prefix(tonight(2))
        for each in (store, twin):
            each.conflicts.replace_prefix(night([Pair(ssn="050000001")], prefix="05", number=3))
        expected = twin.conflicts.replace_prefix(tonight(3, **changes))
        outcome = repeated(store, 3, **changes)
        assert replace(outcome, write_seconds=0) == replace(expected, write_seconds=0)
        assert (outcome.conflicts, outcome.rows) == (3, 6)
        assert all_rows(store_url, OWN) == all_rows(twin_url, OWN)
        assert rows(store_url, POLICIES) == rows(twin_url, POLICIES)
        assert store.runs.prefix_counts(["04"])["04"] == twin.runs.prefix_counts(["04"])["04"]
        assert store.runs.snapshot_times(["04"]) == twin.runs.snapshot_times(["04"])
    assert rows(store_url, "SELECT detect_seconds FROM prefix_runs WHERE latest AND ssn_prefix = '04'") == [(0.0,)]


def test_a_commit_is_repeated_night_after_night(store, store_url):
    before = rows(store_url, "SELECT xmin, * FROM visit_conflicts ORDER BY ssn, visit_id, con_visit_id")
    for number in (3, 4, 5):
        assert repeated(store, number).unchanged == 3
    assert rows(store_url, "SELECT xmin, * FROM visit_conflicts ORDER BY ssn, visit_id, con_visit_id") == before
    assert rows(store_url, "SELECT run_id FROM prefix_runs WHERE latest") == [("run-5",)]
    assert rows(store_url, "SELECT DISTINCT status FROM open_conflicts") == [("open",)]
    store.conflicts.replace_prefix(tonight(6, [AB, AC]))
    assert rows(store_url, "SELECT event, run_id FROM conflict_history WHERE pair_id = %s", [DE.pair_id]) == [
        ("detected", "run-1"),
        ("resolved", "run-6"),
    ]


def test_a_prefix_without_conflicts_is_repeated(store):
    store.conflicts.replace_prefix(night([], prefix="05", number=2, content=CONTENT))
    outcome = store.conflicts.repeat_commit(origin_of(night([], prefix="05", number=3, content=CONTENT)))
    assert (outcome.conflicts, outcome.rows, outcome.unchanged) == (0, 0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"content": f"{CONTENT}, 0.3.0"},
        {"content": None},
        {"policy": DetectionPolicy(cross_midnight=not DetectionPolicy().cross_midnight)},
        {"policy": DetectionPolicy(speed_bands=((0.0, None, 31.0),))},
        {"prefix": "05"},
    ],
    ids=["other content", "unknown content", "a setting", "a speed band", "never committed"],
)
def test_another_commit_is_not_repeated(store, store_url, changes):
    is_detected(store, store_url, 3, **changes)


def test_a_commit_whose_content_was_unknown_is_not_repeated(store, store_url):
    store.conflicts.replace_prefix(tonight(3, content=None))
    is_detected(store, store_url, 4)
    is_detected(store, store_url, 4, content=None)


def test_the_commit_before_the_last_one_is_not_repeated(store, store_url):
    store.conflicts.replace_prefix(tonight(3, [AB], content="fewer visits"))
    is_detected(store, store_url, 4)


def test_a_commit_that_its_run_has_made_anew_counts_with_its_last_content(store, store_url):
    store.conflicts.replace_prefix(tonight(2, content=f"{CONTENT}, 0.3.0"))
    is_detected(store, store_url, 3)
    assert repeated(store, 3, content=f"{CONTENT}, 0.3.0") is not None


def test_a_store_of_the_release_before_is_detected_once_more(store, store_url):
    schema.migrate(store_url, "0009")
    schema.migrate(store_url)
    is_detected(store, store_url, 3)
    store.conflicts.replace_prefix(tonight(3))
    assert repeated(store, 4) is not None


@pytest.mark.parametrize("hand", HANDS)
def test_what_somebody_has_touched_is_detected_anew(store, store_url, hand):
    execute(store_url, HANDS[hand])
    is_detected(store, store_url, 3)
    store.conflicts.replace_prefix(tonight(3))
    assert repeated(store, 4) is not None


def test_a_change_that_was_begun_before_the_commit_and_ends_after_it_is_detected_anew(store, store_url):
    with psycopg.connect(store_url) as hand:
        hand.execute("UPDATE visit_conflicts SET overlap_minutes = 1 WHERE visit_id = 'b'")
        assert repeated(store, 3) is not None
    is_detected(store, store_url, 4)


def test_a_store_whose_transactions_count_anew_is_detected_anew(store, store_url):
    execute(store_url, "UPDATE conflict_visits SET office = 'South' WHERE visit_id = 'b'")
    execute(store_url, "UPDATE prefix_runs SET settled_xid = '9000000'")
    is_detected(store, store_url, 3)


@pytest.mark.parametrize(
    "hand", ["DELETE FROM open_conflict_columns", "UPDATE open_conflict_columns SET digest = 'of other rows'"]
)
def test_a_store_that_lacks_what_the_report_reads_is_detected_anew(store, store_url, hand):
    execute(store_url, hand)
    is_detected(store, store_url, 3)


def test_a_snapshot_older_than_the_store_is_refused(store, store_url):
    before = all_rows(store_url)
    with pytest.raises(StaleSnapshot):
        repeated(store, 1)
    assert all_rows(store_url) == before


def day(number):
    return DAY + timedelta(days=number)


OLD, LATE = Pair("o", "p", day=day(-30)), Pair("q", "r", day=day(29), con_day=day(30))
WIDE, EARLY, LATER = (day(-40), day(40)), (day(-40), day(20)), (day(-20), day(40))


@pytest.mark.parametrize("last", [day(29), day(28)], ids=["one of its dates", "both of its dates"])
def test_a_pair_that_leaves_the_window_makes_the_prefix_detected(store, store_url, last):
    """As when somebody sets the clock back."""
    store.conflicts.replace_prefix(tonight(3, [*PAIRS, LATE], window=LATER))
    is_detected(store, store_url, 4, window=(LATER[0], last))
    assert repeated(store, 4, window=(LATER[0], day(30))) is not None


def test_an_older_conflict_that_comes_back_into_the_window_is_not_taken_for_one_that_leaves_it(store, store_url):
    store.conflicts.replace_prefix(tonight(3, [OLD], window=WIDE, content="older visits"))
    store.conflicts.replace_prefix(tonight(4, [LATE], window=LATER))
    is_detected(store, store_url, 5, window=EARLY)
    assert repeated(store, 5, window=LATER) is not None


def test_an_older_conflict_that_comes_back_into_the_window_makes_the_prefix_detected(store, store_url):
    store.conflicts.replace_prefix(tonight(3, [OLD], window=WIDE, content="older visits"))
    store.conflicts.replace_prefix(tonight(4, [LATE], window=LATER))
    is_detected(store, store_url, 5, window=WIDE)


def test_a_commit_of_which_the_window_has_left_out_a_pair_is_not_repeated(store, store_url):
    store.conflicts.replace_prefix(tonight(3, [AB, LATE], window=EARLY))
    is_detected(store, store_url, 4, window=WIDE)
    is_detected(store, store_url, 4, window=EARLY)


def test_a_commit_is_not_repeated_while_somebody_has_the_prefix_and_nobody_waits(store, store_url):
    with psycopg.connect(store_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, 4)", [PREFIX_LOCK])
        assert repeated(store, 3) is None
    assert repeated(store, 3) is not None
