"""A hand in the store: whatever somebody has done to the rows of a prefix, the next night mends them.

Rows that the night can't know of stay as they are: resolved conflicts, and those that have left the window.
"""

from dataclasses import replace

import psycopg
import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

AB, AC, DE, GONE = Pair("a", "b"), Pair("a", "c"), Pair("d", "e", ssn="040000002"), Pair("x", "y")
PAIRS = [AB, AC, DE]
SHORTER = [replace(AB, overlap=15.0), AC, DE]
LIVE = "SELECT {} FROM visit_conflicts WHERE resolved_at IS NULL ORDER BY ssn, visit_id, con_visit_id"
ROWS = LIVE.format("*")
VISITS = "SELECT * FROM conflict_visits WHERE visit_id < 'x' AND ssn < '040000009' ORDER BY ssn, visit_id"
EVENTS = "SELECT event FROM conflict_history WHERE pair_id = %s ORDER BY event_id"

HANDS = {
    "a row is deleted": "DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('a', 'b')",
    "its other row is deleted": "DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('b', 'a')",
    "both rows are deleted": "DELETE FROM visit_conflicts WHERE 'b' IN (visit_id, con_visit_id)",
    "a row is deleted and its other one changed": """
        DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('a', 'b');
        UPDATE visit_conflicts SET overlap_minutes = 1 WHERE (visit_id, con_visit_id) = ('b', 'a')""",
    "a row is deleted and another added": """
        DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('a', 'b');
        CREATE TEMPORARY TABLE copied AS SELECT * FROM visit_conflicts WHERE visit_id = 'b';
        ALTER TABLE copied DROP COLUMN rule;
        UPDATE copied SET con_visit_id = 'z';
        INSERT INTO visit_conflicts SELECT * FROM copied""",
    "a row is resolved": """
        UPDATE visit_conflicts SET resolved_at = now(), resolved_reason = 'gone'
        WHERE (visit_id, con_visit_id) = ('a', 'b')""",
    "a row is resolved and its other one deleted": """
        UPDATE visit_conflicts SET resolved_at = now(), resolved_reason = 'gone' WHERE visit_id = 'b';
        DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('a', 'b')""",
    "both rows are resolved": """
        UPDATE visit_conflicts SET resolved_at = now(), resolved_reason = 'gone'
        WHERE 'b' IN (visit_id, con_visit_id)""",
    "a resolved conflict is opened": "UPDATE visit_conflicts SET resolved_at = NULL, resolved_reason = NULL",
    "a row is changed": "UPDATE visit_conflicts SET overlap_minutes = 1, shift_amount = NULL WHERE visit_id = 'b'",
    "a row is moved to another group": "UPDATE visit_conflicts SET group_id = 'g' WHERE visit_id = 'b'",
    "a row gets another name": "UPDATE visit_conflicts SET pair_id = 'p' WHERE visit_id = 'b'",
    "a row is moved out of the window": "UPDATE visit_conflicts SET visit_date = '1999-01-01' WHERE visit_id = 'b'",
    "a visit is changed": "UPDATE conflict_visits SET office = 'South', aide_name = NULL WHERE visit_id = 'a'",
    "a visit is deleted": "DELETE FROM conflict_visits WHERE visit_id = 'b'",
    "a visit is deleted and another added": """
        DELETE FROM conflict_visits WHERE visit_id = 'b';
        INSERT INTO conflict_visits (ssn_prefix, ssn, visit_id, visit_date, provider_id)
        VALUES ('04', '040000009', 'b', now(), 'P')""",
    "all is deleted": "DELETE FROM visit_conflicts; DELETE FROM conflict_visits",
}
"""What somebody may do to the rows of prefix 04."""


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([*PAIRS, GONE], number=1))
        store.conflicts.replace_prefix(night(PAIRS, number=2))
        yield store


COLUMNS = """SELECT attname FROM pg_attribute WHERE attrelid = 'visit_conflicts'::regclass AND attnum > 0
    ORDER BY attnum"""


def expected(url, pairs):
    """What nights that nobody disturbs leave, but for when conflicts were detected."""
    with ConflictStore(url=url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([*PAIRS, GONE], number=1))
        store.conflicts.replace_prefix(night(PAIRS, number=2))
        store.conflicts.replace_prefix(night(pairs, number=3))
    return rows(url, ROWS), rows(url, VISITS)


@pytest.mark.parametrize("pairs", [PAIRS, SHORTER], ids=["the same visits", "a visit is shorter"])
@pytest.mark.parametrize("hand", HANDS)
def test_the_next_night_leaves_what_it_would_have_left_without_the_hand(store, store_url, make_store, hand, pairs):
    whole, visits = expected(make_store(2), pairs)
    execute(store_url, HANDS[hand])
    store.conflicts.replace_prefix(night(pairs, number=3))
    found = rows(store_url, ROWS)
    detected = [name[0] for name in rows(store_url, COLUMNS)].index("first_detected_at")
    if hand in {"both rows are deleted", "all is deleted"}:
        found, whole = ([(*row[:detected], *row[detected + 1 :]) for row in each] for each in (found, whole))
    assert found == whole
    assert rows(store_url, VISITS) == visits
    assert rows(store_url, "SELECT count(*) FROM open_conflicts") == [(3,)]


@pytest.mark.parametrize("deleted", [("a", "b"), ("b", "a")], ids=" ".join)
def test_half_a_pair_gets_the_overlap_of_a_visit_that_is_shorter_now(store, store_url, deleted):
    execute(store_url, "DELETE FROM visit_conflicts WHERE visit_id = %s AND con_visit_id = %s", deleted)
    outcome = store.conflicts.replace_prefix(night(SHORTER, number=3))
    assert rows(store_url, LIVE.format("visit_id, overlap_minutes")) == [
        ("a", 15.0),
        ("a", 60.0),
        ("b", 15.0),
        ("c", 60.0),
        ("d", 60.0),
        ("e", 60.0),
    ]
    assert (outcome.new, outcome.changed, outcome.unchanged) == (0, 1, 2)
    assert rows(store_url, EVENTS, [AB.pair_id]) == [("detected",), ("changed",)]


@pytest.mark.parametrize("deleted", [("a", "b"), ("b", "a")], ids=" ".join)
def test_half_a_pair_is_made_whole_without_an_event_and_keeps_its_first_detection(store, store_url, deleted):
    execute(store_url, "DELETE FROM visit_conflicts WHERE visit_id = %s AND con_visit_id = %s", deleted)
    outcome = store.conflicts.replace_prefix(night(PAIRS, number=3))
    assert (outcome.new, outcome.changed, outcome.unchanged) == (0, 0, 3)
    assert (
        rows(store_url, LIVE.format("DISTINCT ON (ssn, visit_id, con_visit_id) first_detected_at"))
        == [(night([], number=1).as_of,)] * 6
    )
    assert rows(store_url, EVENTS, [AB.pair_id]) == [("detected",)]


@pytest.mark.parametrize("deleted", [("a", "b"), ("b", "a")], ids=" ".join)
def test_half_a_pair_that_goes_is_told_as_resolved(store, store_url, deleted):
    execute(store_url, "DELETE FROM visit_conflicts WHERE visit_id = %s AND con_visit_id = %s", deleted)
    assert store.conflicts.replace_prefix(night([AC, DE], number=3)).resolved == 1
    assert rows(store_url, EVENTS, [AB.pair_id]) == [("detected",), ("resolved",)]


def test_half_a_pair_that_was_resolved_is_reopened_once(store, store_url):
    execute(store_url, "DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('x', 'y')")
    outcome = store.conflicts.replace_prefix(night([*PAIRS, GONE], number=3))
    assert (outcome.new, outcome.reopened) == (0, 1)
    assert rows(store_url, EVENTS, [GONE.pair_id]) == [("detected",), ("resolved",), ("reopened",)]


def test_a_dry_run_tells_of_half_a_pair_what_the_night_does(store, store_url):
    execute(store_url, "DELETE FROM visit_conflicts WHERE (visit_id, con_visit_id) = ('a', 'b')")
    told = store.conflicts.preview_prefix(night(SHORTER, number=3), examples=5)
    assert (told.new, told.changed, told.unchanged) == (0, 1, 2)
    assert [example.kind for example in told.examples] == ["changed"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE visit_conflicts SET overlap_minutes = 1 WHERE visit_id = 'b'",
        "UPDATE conflict_visits SET office = 'South' WHERE visit_id = 'b'",
    ],
)
def test_a_change_that_was_begun_before_a_night_and_ends_after_it_is_mended_by_the_next(store, store_url, statement):
    whole = rows(store_url, ROWS), rows(store_url, VISITS)
    with psycopg.connect(store_url) as hand:
        hand.execute(statement)
        store.conflicts.replace_prefix(night(PAIRS, number=3))
    assert (rows(store_url, ROWS), rows(store_url, VISITS)) != whole
    store.conflicts.replace_prefix(night(PAIRS, number=4))
    assert (rows(store_url, ROWS), rows(store_url, VISITS)) == whole


def test_a_store_whose_transactions_count_anew_is_compared(store, store_url):
    """As after a restore: what was settled then says nothing of the transactions of another server."""
    execute(store_url, "UPDATE conflict_visits SET office = 'South' WHERE visit_id = 'b'")
    execute(store_url, "UPDATE prefix_runs SET settled_xid = '9000000'")
    store.conflicts.replace_prefix(night(PAIRS, number=3))
    assert rows(store_url, "SELECT count(*) FROM conflict_visits WHERE office = 'South'") == [(0,)]
