"""The limit of workers over all runs: held by locks that die with their transaction."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.workers import WORKER_LOCK, Worker, WorkerLimit, waiting_line
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

RUN = "0f0e0d0c-1111-2222-3333-444455556666"
HELD = """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
NAMED = "SELECT count(*)::int FROM pg_stat_activity WHERE application_name LIKE %s"
SESSIONS = """SELECT count(*)::int FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'conflict-assets%'"""


def commit_of(prefix):
    return night([Pair(ssn=f"{prefix}0000001")], prefix=prefix)


def open_store(url):
    return ConflictStore(url=url, prefix_length=2)


class Work:
    """Prefixes that are worked on by threads, each as a step would, until they are let go."""

    def __init__(self, url, most):
        self.url, self.most = url, most
        self.go = threading.Event()
        self.told = []
        self.at_work = self.most_at_work = 0
        self.lock = threading.Lock()

    def detect(self, prefix):
        with self.lock:
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        assert self.go.wait(60)
        with self.lock:
            self.at_work -= 1
        return commit_of(prefix)

    def __call__(self, prefix):
        with open_store(self.url) as store:
            limit = WorkerLimit(self.most, self.told.append)
            _, outcome = store.conflicts.work_on_prefix(Worker(RUN, prefix), lambda: self.detect(prefix), limit)
        return outcome


def wait_for(look, wanted, seconds=20):
    deadline = time.monotonic() + seconds
    while look() != wanted:
        assert time.monotonic() < deadline, f"{look()} is not {wanted}"
        time.sleep(0.02)


def held(url):
    return len(rows(url, HELD, [WORKER_LOCK]))


def hold(url, prefix, begun):
    """Be a worker until somebody kills this process."""
    with open_store(url) as store:

        def detect():
            begun.set()
            time.sleep(600)

        store.conflicts.work_on_prefix(Worker(RUN, prefix), detect, WorkerLimit(1))


@pytest.fixture
def holder(store_url):
    """A process that holds the only place."""
    processes = multiprocessing.get_context("forkserver")
    begun = processes.Event()
    process = processes.Process(target=hold, args=(store_url, "04", begun))
    process.start()
    assert begun.wait(60)
    yield process
    process.kill()
    process.join()


def test_no_more_prefixes_are_worked_on_at_once_than_the_limit_says_and_all_get_their_turn(store_url):
    work = Work(store_url, most=2)
    with ThreadPoolExecutor(5) as threads:
        outcomes = [threads.submit(work, f"{number:02d}") for number in range(5)]
        wait_for(lambda: (work.at_work, len(work.told)), (2, 3))
        work.go.set()
        assert [outcome.result().new for outcome in outcomes] == [1] * 5
    assert work.most_at_work == 2
    assert held(store_url) == 0


def test_who_waits_says_once_for_what_and_for_whom_and_holds_no_connection(store_url):
    work = Work(store_url, most=1)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(work, "04")
        wait_for(lambda: work.at_work, 1)
        second = threads.submit(work, "17")
        wait_for(lambda: len(work.told), 1)
        assert work.told == [f"Waiting for a free worker: MAX_WORKERS_ALL_RUNS=1 are at work (run {RUN} on prefix 04)"]
        wait_for(lambda: rows(store_url, SESSIONS)[0][0], 1)
        work.go.set()
        assert first.result().new == second.result().new == 1
    assert len(work.told) == 1


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda sign: sign.name)
def test_the_death_of_a_worker_frees_its_place(store_url, holder, sign):
    assert held(store_url) == 1
    os.kill(holder.pid, sign)
    holder.join()
    wait_for(lambda: held(store_url), 0)
    work = Work(store_url, most=1)
    work.go.set()
    assert work("05").new == 1
    assert not work.told


def test_the_death_of_a_connection_frees_its_place_and_the_worker_takes_one_anew(store_url):
    work = Work(store_url, most=1)
    with ThreadPoolExecutor(1) as threads:
        outcome = threads.submit(work, "04")
        wait_for(lambda: work.at_work, 1)
        ((backend,),) = rows(store_url, HELD, [WORKER_LOCK])
        execute(store_url, "SELECT pg_terminate_backend(%s)", [backend])
        wait_for(lambda: held(store_url), 0)
        work.go.set()
        assert outcome.result().new == 1
    assert work.most_at_work == 1


def test_a_detection_that_fails_frees_its_place(store_url):
    def fail():
        raise ValueError("no such visits")

    with open_store(store_url) as store:
        with pytest.raises(ValueError, match="no such visits"):
            store.conflicts.work_on_prefix(Worker(RUN, "04"), fail, WorkerLimit(1))
        assert held(store_url) == 0


def test_nothing_of_a_place_outlives_its_transaction_so_that_a_pooler_may_hand_the_connection_on(store_url):
    with open_store(store_url) as store:
        store.conflicts.work_on_prefix(Worker(RUN, "04"), lambda: commit_of("04"), WorkerLimit(1))
        assert held(store_url) == 0
        assert rows(store_url, NAMED, [f"%{RUN}%"]) == [(0,)]


@pytest.mark.usefixtures("holder")
def test_the_store_tells_who_is_at_work(store_url):
    with open_store(store_url) as store:
        assert store.runs.at_work() == [Worker(RUN, "04")]


@pytest.mark.usefixtures("holder")
def test_places_of_another_store_on_the_same_server_do_not_count(make_store):
    work = Work(make_store(), most=1)
    work.go.set()
    assert work("04").new == 1
    assert not work.told


@pytest.mark.parametrize(
    ("name", "worker"),
    [
        (Worker(RUN, "123").name, Worker(RUN, "123")),
        ("psql", Worker("unknown", "unknown")),
        ("conflict-assets", Worker("unknown", "unknown")),
        ("", Worker("unknown", "unknown")),
    ],
)
def test_a_worker_is_read_back_from_the_name_of_its_session(name, worker):
    assert Worker.of_name(name) == worker
    assert len(name) <= 63


def test_the_line_names_each_run_once_with_its_prefixes_in_order():
    workers = [Worker("b", "17"), Worker("a", "30"), Worker("b", "04")]
    assert waiting_line(workers, 3).endswith("=3 are at work (run a on prefix 30; run b on prefix 04, 17)")
