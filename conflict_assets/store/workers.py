"""The limit of workers over all runs: each prefix at work holds one of so many advisory locks of the store.

The lock belongs to the transaction in which the prefix is detected and committed. Whatever ends that transaction frees
it: a commit, an error, the death of the process, of its connection or of the server. It holds for every executor, with
or without a daemon, and behind a PgBouncer that hands connections on between transactions.
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
        """How PostgreSQL shows its session; PostgreSQL keeps 63 letters."""
        return f"{APPLICATION_NAME} {self.run_id} {self.prefix}"

    @classmethod
    def of_name(cls, name: str) -> "Worker":
        """Read it back; of a session that is named otherwise nothing is known."""
        _, _, rest = name.partition(f"{APPLICATION_NAME} ")
        run_id, _, prefix = rest.partition(" ")
        return cls(run_id or "unknown", prefix or "unknown")


@dataclass(frozen=True)
class WorkerLimit:
    """How many workers there may be over all runs, and who is told, in words, that one has to wait."""

    most: int = 256
    tell: Callable[[str], None] = lambda _text: None


class NoFreeWorker(Exception):  # noqa: N818 - a state that passes, not an error
    """All workers are at work; the message says who has them."""


def become_worker(connection: psycopg.Connection[Any], worker: Worker, most: int) -> None:
    """Hold one of `most` places until the caller's transaction ends.

    Raises:
        NoFreeWorker: all of them are held.
    """
    connection.execute("SELECT set_config('application_name', %s, true)", [worker.name])
    if connection.execute(_TAKE, [most, WORKER_LOCK]).fetchone() is None:
        raise NoFreeWorker(waiting_line(workers_at_work(connection), most))


def workers_at_work(connection: psycopg.Connection[Any]) -> list[Worker]:
    """Who holds a place now."""
    return [Worker.of_name(name) for (name,) in connection.execute(_AT_WORK, [WORKER_LOCK]).fetchall()]


def waiting_line(workers: Sequence[Worker], most: int) -> str:
    """`Waiting for a free worker: MAX_WORKERS_ALL_RUNS=2 are at work (run 1f0c... on prefixes 04, 17)`."""
    return f"Waiting for a free worker: MAX_WORKERS_ALL_RUNS={most} are at work ({described(workers)})"


def described(workers: Sequence[Worker]) -> str:
    """Each run with its prefixes."""
    prefixes: dict[str, list[str]] = {}
    for worker in workers:
        prefixes.setdefault(worker.run_id, []).append(worker.prefix)
    return "; ".join(f"run {run_id} on prefix {', '.join(found)}" for run_id, found in _sorted(prefixes)) or "none"


def _sorted(prefixes: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [(run_id, sorted(found)) for run_id, found in sorted(prefixes.items())]
