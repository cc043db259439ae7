"""The limit of workers over all runs.

Each prefix at work holds one of a limited number of advisory locks of the store. The lock belongs to the transaction in
which the prefix is detected and committed. Whatever ends that transaction frees the lock: a commit, an error, the death
of the process, of its connection or of the server. The limit holds for every executor, with or without a daemon, and
behind a PgBouncer that shares connections between transactions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from conflict_assets.store.connection import APPLICATION_NAME

WORKER_LOCK = 0x636F6E77

_TAKE = """
    SELECT n FROM generate_series(1, %s) AS n WHERE pg_try_advisory_xact_lock(%s, n) LIMIT 1"""

_AT_WORK = """
    SELECT coalesce(a.application_name, '') FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.classid = %s AND l.granted
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY 1"""


@dataclass(frozen=True)
class Worker:
    """A prefix that a run works on."""

    run_id: str
    prefix: str

    @property
    def name(self) -> str:
        """Return the worker's name, by which PostgreSQL shows its session.

        PostgreSQL stores 63 letters of it.
        """
        return f"{APPLICATION_NAME} {self.run_id} {self.prefix}"

    @classmethod
    def of_name(cls, name: str) -> "Worker":
        """Return the worker that a session's name stands for.

        The worker of a session with another name is unknown.
        """
        _, _, rest = name.partition(f"{APPLICATION_NAME} ")
        run_id, _, prefix = rest.partition(" ")
        return cls(run_id or "unknown", prefix or "unknown")


@dataclass(frozen=True)
class WorkerLimit:
    """How many workers there may be over all runs.

    `tell` is called with a text when a worker has to wait.
    """

    most: int = 256
    tell: Callable[[str], None] = lambda _text: None


class NoFreeWorker(Exception):  # noqa: N818 - a transient state, not an error
    """All workers are at work.

    The message says which runs have them.
    """


def become_worker(connection: psycopg.Connection[Any], worker: Worker, most: int) -> None:
    """Hold one of `most` places until the caller's transaction ends.

    Raises:
        NoFreeWorker: all places are held.
    """
    connection.execute("SELECT set_config('application_name', %s, true)", [worker.name])
    if connection.execute(_TAKE, [most, WORKER_LOCK]).fetchone() is None:
        raise NoFreeWorker(waiting_line(workers_at_work(connection), most))


def workers_at_work(connection: psycopg.Connection[Any]) -> list[Worker]:
    """Return the workers that hold a place now."""
    return [Worker.of_name(name) for (name,) in connection.execute(_AT_WORK, [WORKER_LOCK]).fetchall()]


def waiting_line(workers: Sequence[Worker], most: int) -> str:
    """Return the line that a waiting run reports.

    An example is `Waiting for a free worker: MAX_WORKERS_ALL_RUNS=2 are at work (run 1f0c... on prefixes 04, 17)`.
    """
    return f"Waiting for a free worker: MAX_WORKERS_ALL_RUNS={most} are at work ({described(workers)})"


def described(workers: Sequence[Worker]) -> str:
    """Return each run with its prefixes, in words."""
    prefixes: dict[str, list[str]] = {}
    for worker in workers:
        prefixes.setdefault(worker.run_id, []).append(worker.prefix)
    return "; ".join(f"run {run_id} on prefix {', '.join(found)}" for run_id, found in _sorted(prefixes)) or "none"


def _sorted(prefixes: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [(run_id, sorted(found)) for run_id, found in sorted(prefixes.items())]
