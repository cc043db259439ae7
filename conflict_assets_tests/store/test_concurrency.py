"""Two runs of the same prefix at once, and many prefixes of one run at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.connection import Timeouts
from conflict_assets.store.errors import StaleSnapshot, TransientStoreError
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.nights import Pair, night

CONTENT = """SELECT ssn, visit_id, con_visit_id, overlap_minutes, first_detected_at, resolved_at, resolved_reason
             FROM visit_conflicts ORDER BY 1, 2, 3"""
EVENTS = "SELECT pair_id, event, reason, run_id FROM conflict_history ORDER BY pair_id, event_id"


def content(url):
    return rows(url, CONTENT), rows(url, EVENTS)


def commit_all(url, commits):
    """Commit one after the other; a run that comes too late is refused."""
    with ConflictStore(url=url, prefix_length=2) as store:
        for commit in commits:
            try:
                store.conflicts.replace_prefix(commit)
            except StaleSnapshot:
                continue


def at_once(url, commits):
    ready = Barrier(len(commits))

    def run(commit):
        with ConflictStore(url=url, prefix_length=2) as store:
            ready.wait()
            try:
                store.conflicts.replace_prefix(commit)
            except StaleSnapshot:
                return

    with ThreadPoolExecutor(len(commits)) as pool:
        list(pool.map(run, commits))


@pytest.mark.parametrize("number", range(10))
def test_two_runs_of_one_prefix_leave_what_one_of_their_orders_leaves(make_store, number):
    before = night([Pair(f"a{i}", f"b{i}") for i in range(300)], number=1)
    one = night([Pair(f"a{i}", f"b{i}", overlap=float(i % 7)) for i in range(number * 20, 300)], number=2)
    same_time = {"as_of": one.as_of} if number % 2 else {}
    other = night([Pair(f"a{i}", f"b{i}") for i in range(100, 400 + number)], number=3, **same_time)
    url, forwards, backwards = (make_store() for _ in range(3))
    commit_all(url, [before])
    at_once(url, [one, other])
    commit_all(forwards, [before, one, other])
    commit_all(backwards, [before, other, one])
    assert content(url) in (content(forwards), content(backwards))
    # A deadlock would be tried again, and so be seen nowhere else.
    assert rows(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_prefixes_of_one_run_at_once_get_each_position_once(make_store):
    url = make_store()
    commits = [night([Pair(ssn=f"{number:02d}0000001")], prefix=f"{number:02d}") for number in range(12)]
    for start in range(0, 12, 4):
        at_once(url, commits[start : start + 4])
    positions = rows(url, "SELECT position FROM prefix_runs ORDER BY 1")
    assert positions == [(position,) for position in range(1, 13)]


def test_a_reader_sees_the_old_night_until_the_new_one_is_whole(make_store):
    url = make_store()
    commit_all(url, [night([Pair(f"a{i}", f"b{i}") for i in range(50)], number=1)])
    seen = set()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(commit_all, url, [night([Pair("x", "y")], number=2)])
        while not done.done():
            seen.add(rows(url, "SELECT count(*) FROM open_conflicts")[0][0])
    assert seen <= {50, 1}


def test_a_run_that_waits_too_long_for_another_one_says_so(store_url, monkeypatch):
    monkeypatch.setattr("conflict_assets.store.session.ATTEMPTS", 2)
    impatient = ConflictStore(url=store_url, prefix_length=2, timeouts=Timeouts(lock=1))
    with ConflictStore(url=store_url, prefix_length=2) as holder, impatient as waiter:
        with holder.session.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, 4)", [0x636F6E70])
            with pytest.raises(TransientStoreError, match="lock timeout"):
                waiter.conflicts.replace_prefix(night([Pair()]))
        assert waiter.conflicts.replace_prefix(night([Pair()])).new == 1
