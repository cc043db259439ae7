"""A night that finds what the last one found compares no rows, unless somebody has touched what is stored."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from conflict_assets.store import replace as replacing
from conflict_assets.store import schema
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, pair_of_visits
from conflict_assets.store.incoming import incoming_of
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import WINDOW, Pair, night

PAIRS = [Pair("a", "b"), Pair("a", "c"), Pair("d", "e", ssn="040000002", shift_amount=None)]
STORED = "SELECT * FROM {} ORDER BY ssn, visit_id"


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


@pytest.fixture
def staged(monkeypatch):
    """The snapshots whose rows were compared with what is stored."""
    found = []
    write = replacing._write

    def watched(connection, commit, *others):
        found.append(commit.as_of)
        return write(connection, commit, *others)

    monkeypatch.setattr(replacing, "_write", watched)
    return found


def sliced(commit):
    """The same rows, in chunks that are slices of longer arrays."""

    def parts(table):
        longer = pa.concat_tables([table.slice(table.num_rows - 1), table, table.slice(0, 1)]).combine_chunks()
        return pa.concat_tables([longer.slice(1, 1), longer.slice(2, table.num_rows - 1)])

    return replace(commit, conflicts=parts(commit.conflicts), visits=parts(commit.visits))


def turned(commit):
    """The same rows from last to first."""
    last_first = [table.take(pa.array(range(table.num_rows))[::-1]) for table in (commit.conflicts, commit.visits)]
    return replace(commit, conflicts=last_first[0], visits=last_first[1])


def test_the_same_rows_are_not_compared_again_and_are_all_unchanged(store, store_url, staged):
    first = store.conflicts.replace_prefix(night(PAIRS, number=1))
    second = store.conflicts.replace_prefix(sliced(night(PAIRS, number=2)))
    assert len(staged) == 1
    assert (second.conflicts, second.rows, second.unchanged) == (first.conflicts, first.rows, 3)
    assert (second.new, second.changed, second.resolved, second.reopened) == (0, 0, 0, 0)
    assert rows(store_url, "SELECT run_id, unchanged FROM prefix_runs WHERE latest") == [("run-2", 3)]
    assert rows(store_url, "SELECT DISTINCT status FROM conflict_visit_maps") == [("open",)]


def test_the_same_rows_in_another_order_are_compared_and_are_all_unchanged(store, staged):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    second = store.conflicts.replace_prefix(turned(night(PAIRS, number=2)))
    assert len(staged) == 2
    assert (second.new, second.changed, second.resolved, second.unchanged) == (0, 0, 0, 3)


def test_an_empty_prefix_that_stays_empty_is_not_compared(store, staged):
    for number in (1, 2):
        store.conflicts.replace_prefix(night([], number=number))
    assert len(staged) == 1


@pytest.mark.parametrize(
    "pairs",
    [
        PAIRS[:2],
        [*PAIRS, Pair("f", "g")],
        [*PAIRS[:2], replace(PAIRS[2], overlap=59.0)],
        [*PAIRS[:2], replace(PAIRS[2], group="g")],
        [*PAIRS[:2], replace(PAIRS[2], shift_amount=0.0)],
        [*PAIRS[:2], replace(PAIRS[2], visit={"office": "North"})],
        [*PAIRS[:2], replace(PAIRS[2], ssn="040000003")],
    ],
    ids=["one less", "one more", "a number", "a group", "no longer missing", "a visit's text", "a caregiver"],
)
def test_any_other_row_is_compared(store, store_url, staged, pairs):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    store.conflicts.replace_prefix(night(pairs, number=2))
    assert len(staged) == 2
    assert incoming_of(night(pairs)).digest != incoming_of(night(PAIRS)).digest
    held = rows(store_url, "SELECT count(*) FROM visit_conflicts WHERE resolved_at IS NULL")
    assert held == [(2 * len(pairs),)]


@pytest.mark.parametrize(
    "meddling",
    [
        "UPDATE visit_conflicts SET overlap_minutes = 1 WHERE visit_id = 'a'",
        "UPDATE visit_conflicts SET resolved_at = now(), resolved_reason = 'gone' WHERE visit_id = 'a'",
        "DELETE FROM visit_conflicts WHERE visit_id = 'a'",
        "UPDATE conflict_visits SET office = 'South' WHERE visit_id = 'a'",
        "DELETE FROM conflict_visits WHERE visit_id = 'a'",
        "UPDATE prefix_runs SET digest = NULL",
    ],
)
def test_what_somebody_else_has_touched_is_mended(store, store_url, staged, meddling):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    whole = [rows(store_url, STORED.format(table)) for table in ("visit_conflicts", "conflict_visits")]
    execute(store_url, meddling)
    store.conflicts.replace_prefix(night(PAIRS, number=2))
    assert len(staged) == 2
    mended = [rows(store_url, STORED.format(table)) for table in ("visit_conflicts", "conflict_visits")]
    assert [len(table) for table in mended] == [len(table) for table in whole]
    assert rows(store_url, "SELECT count(*) FROM open_conflicts") == [(3,)]
    assert rows(store_url, "SELECT count(*) FROM visit_conflicts WHERE overlap_minutes = 1") == [(0,)]
    assert rows(store_url, "SELECT count(*) FROM conflict_visits WHERE office = 'South'") == [(0,)]


def test_decisions_of_people_make_nobody_compare(store, staged):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    store.decisions.decide([Decision(pair_of_visits("a", "b"), DecisionValue.IGNORED, "known")])
    store.conflicts.replace_prefix(night(PAIRS, number=2))
    assert len(staged) == 1


def test_a_pair_that_leaves_the_window_is_compared_and_not_resolved(store, store_url, staged):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    moved = (WINDOW[0] + timedelta(days=800), WINDOW[1] + timedelta(days=800))
    store.conflicts.replace_prefix(night(PAIRS, number=2, window=moved))
    assert len(staged) == 2
    assert rows(store_url, "SELECT count(*) FROM visit_conflicts WHERE resolved_at IS NULL") == [(6,)]


def test_a_window_that_moves_and_holds_the_same_pairs_makes_nobody_compare(store, staged):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    store.conflicts.replace_prefix(night(PAIRS, number=2, window=(date(2024, 1, 2), date(2026, 3, 2))))
    assert len(staged) == 1


def test_a_store_of_the_release_before_is_compared_once_more(store, store_url, staged):
    store.conflicts.replace_prefix(night(PAIRS, number=1))
    schema.migrate(store_url, "0002")
    schema.migrate(store_url)
    for number in (2, 3):
        store.conflicts.replace_prefix(night(PAIRS, number=number))
    assert len(staged) == 2
