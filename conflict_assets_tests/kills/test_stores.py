"""The harness tells a store that is right from one that has lost, doubled or mixed up anything."""

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.kills.stores import content, faults
from conflict_assets_tests.pg import execute
from conflict_assets_tests.store.nights import Pair, night

FIRST, SECOND = Pair("a", "b"), Pair("c", "d")
EVENT = """
    INSERT INTO conflict_history (ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, happened_at)
    SELECT ssn_prefix, ssn, pair_id, visit_id, con_visit_id, '{event}', now()
    FROM visit_conflicts WHERE visit_id = 'a'"""


@pytest.fixture
def nights(store_url):
    """A store after nights in which a conflict came, went and came back."""
    with ConflictStore(url=store_url, prefix_length=2) as store:
        for number, pairs in enumerate(([FIRST, SECOND], [FIRST], [FIRST, SECOND]), 1):
            store.conflicts.replace_prefix(night(pairs, number=number))
    return store_url


def test_a_store_after_whole_nights_is_right(nights):
    assert faults(nights, content(nights), 1) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM visit_conflicts WHERE visit_id = 'a'", "not two rows"),
        ("DELETE FROM visit_conflicts WHERE 'a' IN (visit_id, con_visit_id)", "without a conflict"),
        ("UPDATE visit_conflicts SET overlap_minutes = 61", "conflicts: Rows"),
        ("UPDATE visit_conflicts SET resolved_at = now(), resolved_reason = 'gone'", "last event is not their state"),
        ("DELETE FROM conflict_visits WHERE visit_id = 'a'", "without their visit"),
        ("DELETE FROM conflict_history", "without an event"),
        (EVENT.format(event="detected"), "not exactly once"),
        (EVENT.format(event="reopened"), "out of order"),
        ("UPDATE prefix_runs SET latest = false", "without exactly one latest run"),
        (
            """UPDATE prefix_runs SET latest = false;
               UPDATE prefix_runs SET latest = true WHERE run_id = 'run-1'""",
            "not the newest",
        ),
        ("INSERT INTO rejected_visits (reason, run_id, as_of) VALUES ('no_times', 'r', now())", "rejected: Rows"),
    ],
)
def test_damage_is_told(nights, damage, said):
    expected = content(nights)
    execute(nights, damage)
    assert any(said in fault for fault in faults(nights, expected, 1))


def test_a_prefix_that_the_night_has_left_out_is_told(nights):
    with ConflictStore(url=nights, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([], number=4, prefix="05"))
    assert any("(2, 2) instead of (2, 1)" in fault for fault in faults(nights, content(nights), 2))
