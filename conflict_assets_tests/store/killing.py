"""Nights that are cut off by SIGKILL, beside the same nights undisturbed."""

import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from conflict_assets.store import session as store_session
from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.nights import Pair, night

PAIRS = 1_500
FAILED = 3

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["conflict_assets_tests.store.killing"])

STATE = (
    "SELECT * FROM visit_conflicts ORDER BY ssn_prefix, ssn, visit_id, con_visit_id",
    "SELECT * FROM conflict_visits ORDER BY ssn_prefix, ssn, visit_id",
    """SELECT ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, reason, rule, overlap_minutes,
           happened_at, run_id FROM conflict_history ORDER BY happened_at, ssn, pair_id, event""",
    """SELECT root_run_id, ssn_prefix, as_of, run_id, latest, position, conflicts, conflict_rows, new_conflicts,
           changed, resolved, reopened, unchanged, counts FROM prefix_runs ORDER BY as_of, ssn_prefix""",
)


def state(url: str) -> list[list[tuple[Any, ...]]]:
    """Everything that a night writes, but for its durations."""
    return [rows(url, query) for query in STATE]


def random_night(chance: random.Random, number: int) -> PrefixCommit:
    """A night that adds, changes, resolves and brings back some of everything."""
    pairs = [
        Pair(
            f"a{i}", f"b{i}", overlap=float(chance.choice((60, 60, 60, 30))), visit={"aide_name": chance.choice("XXY")}
        )
        for i in range(PAIRS)
        if chance.random() < 0.9
    ]
    return night(pairs, number=number, prefix="0")


def commit_one(url: str, commit: PrefixCommit, *, attempts: int, begun: Event | None = None) -> None:
    """Commit in a process of its own, and tell when it begins; one that gives up says so by its exit code."""
    store_session.ATTEMPTS = attempts
    try:
        with ConflictStore(url=url, prefix_length=1) as store:
            if begun is not None:
                begun.set()
            store.conflicts.replace_prefix(commit)
    except StoreError:
        os._exit(FAILED)


@dataclass
class Trial:
    """A store whose nights are cut off, a twin whose nights are not, and what was seen of both.

    `struck` counts the kills that met a replace under way; `lost` and `kept` what became of all nights.
    """

    url: str
    twin_url: str
    chance: random.Random = field(default_factory=lambda: random.Random(4))  # noqa: S311 - a test's dice
    seconds: float = 0.2
    struck: int = 0
    kept: int = 0
    lost: int = 0
    number: int = 0

    def next_night(self) -> PrefixCommit:
        self.number += 1
        return random_night(self.chance, self.number)

    def begin(self, commit: PrefixCommit, *, attempts: int = 1) -> BaseProcess:
        """Start a night in a process, and return when its replace begins."""
        begun = PROCESSES.Event()
        process = PROCESSES.Process(
            target=commit_one, args=(self.url, commit), kwargs={"attempts": attempts, "begun": begun}
        )
        process.start()
        assert begun.wait(60)
        return process

    def measure(self) -> None:
        """See how long the replace of an undisturbed night takes."""
        commit = self.next_night()
        process = self.begin(commit)
        started = time.perf_counter()
        process.join()
        self.seconds = time.perf_counter() - started
        assert process.exitcode == 0
        self.twin(commit)

    def twin(self, commit: PrefixCommit) -> None:
        with ConflictStore(url=self.twin_url, prefix_length=1) as store:
            store.conflicts.replace_prefix(commit)

    def pause(self) -> None:
        time.sleep(self.chance.uniform(0, 1.1 * self.seconds))

    def note_strike(self, process: BaseProcess) -> None:
        """Count whether the replace was still under way; later moments after a hit, earlier ones after a miss."""
        under_way = process.is_alive()
        self.struck += under_way
        self.seconds *= 1.05 if under_way else 0.9

    def check_old_or_new_then_retry(self, commit: PrefixCommit, before: list[Any]) -> None:
        """Hold the store to one of the two states, repeat the night, and hold it to the undisturbed one."""
        self.twin(commit)
        after = state(self.twin_url)
        found = state(self.url)
        assert found in (before, after)
        self.lost += found == before
        self.kept += found == after
        commit_one(self.url, commit, attempts=5)
        assert state(self.url) == after

    def kill_worker(self) -> None:
        before = state(self.url)
        commit = self.next_night()
        process = self.begin(commit)
        self.pause()
        self.note_strike(process)
        process.kill()
        process.join()
        self.wait_for_silence()
        self.check_old_or_new_then_retry(commit, before)

    def kill_server(self, home: Path) -> None:
        before = state(self.url)
        commit = self.next_night()
        process = self.begin(commit)
        self.pause()
        self.note_strike(process)
        kill_postmaster(home)
        process.join()
        embedded_url(home)
        self.check_old_or_new_then_retry(commit, before)

    def wait_for_silence(self) -> None:
        """Wait until the server has noticed that the worker is gone."""
        workers = """SELECT FROM pg_stat_activity WHERE application_name = 'conflict-assets'
                     AND datname = current_database()"""
        while rows(self.url, workers):
            time.sleep(0.01)


def kill_postmaster(home: Path) -> None:
    """End the server as the machine's memory killer would."""
    os.kill(int((home / "cluster" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
