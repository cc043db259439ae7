"""How much a night writes, by PostgreSQL's own counters."""

import time

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.nights import Pair, night

PAIRS = 1_000
COUNTERS = """
    SELECT i.inhparent::regclass::text, sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::int
    FROM pg_stat_user_tables AS s JOIN pg_inherits AS i ON i.inhrelid = s.relid
    GROUP BY 1"""
TABLES = ("conflict_visits", "visit_conflicts")


def commit(url, pairs, number):
    """Commit on a connection of its own: its counters are published when it closes."""
    with ConflictStore(url=url, prefix_length=1) as store:
        store.conflicts.replace_prefix(night(pairs, number=number, prefix="0"))


def written(url, least=0):
    """Rows written so far; waits until at least so many have been published."""
    deadline = time.monotonic() + 10
    while True:
        found = dict(rows(url, COUNTERS))
        counts = tuple(found.get(table, 0) for table in TABLES)
        if min(counts) >= least or time.monotonic() > deadline:
            return counts
        time.sleep(0.05)


def pairs(changed=0):
    return [
        Pair(
            f"a{number}",
            f"b{number}",
            overlap=30.0 if number < changed else 60.0,
            visit={"aide_name": "New" if number < changed else "Old"},
        )
        for number in range(PAIRS)
    ]


@pytest.fixture
def filled(pg_server):
    url = pg_server.make_store(1)
    before = written(url)
    commit(url, pairs(), 1)
    after = written(url, least=max(before) + 2 * PAIRS)
    assert [now - was for was, now in zip(before, after, strict=True)] == [2 * PAIRS, 2 * PAIRS]
    yield url
    pg_server.drop(url)


def test_a_night_over_unchanged_data_writes_no_conflict_and_no_visit(filled):
    before = written(filled)
    commit(filled, pairs(), 2)
    assert rows(filled, "SELECT count(*) FROM prefix_runs") == [(2,)]
    time.sleep(0.5)
    assert written(filled) == before


def test_a_night_with_one_percent_changed_writes_one_percent(filled):
    before = written(filled)
    commit(filled, pairs(changed=PAIRS // 100), 2)
    after = written(filled, least=max(before) + 10)
    visits, conflicts = (now - was for was, now in zip(before, after, strict=True))
    assert visits == PAIRS // 100
    assert conflicts == 2 * PAIRS // 100
