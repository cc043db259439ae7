"""The conflict store.

It is one connection to PostgreSQL, and everything that a run does with it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache, partial
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
import pyarrow as pa
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)

from conflict_assets.domain.listed_conflicts import ConflictList, ListedConflict
from conflict_assets.domain.policy import SpeedBand
from conflict_assets.domain.report_data import ChartFigures, NightPoint, ReportData
from conflict_assets.domain.window import Window
from conflict_assets.partitions import all_prefixes
from conflict_assets.store import conflict_lookup, latest_commits, rejects, schema, store_queries
from conflict_assets.store.commit import CommitOutcome, PrefixCommit
from conflict_assets.store.conflict_lookup import MadeDecision, StoredConflict
from conflict_assets.store.connection import DEFAULT_TIMEOUTS, Timeouts, connect, translated
from conflict_assets.store.connections_left import FreeConnections, free_connections
from conflict_assets.store.decisions import Decision, DecisionOutcome, decide, take_over
from conflict_assets.store.errors import TransientStoreError
from conflict_assets.store.export_rows import ConflictExport, ExportQuery, export_conflicts
from conflict_assets.store.known_names import require_known
from conflict_assets.store.listing import Order, costliest_new, list_conflicts
from conflict_assets.store.preview import Preview, preview
from conflict_assets.store.readiness import require_right_to_write
from conflict_assets.store.replace import replace
from conflict_assets.store.report_queries import report_data
from conflict_assets.store.retention import Purged, Retention, purge_lists, purge_prefix, require_right_to_purge
from conflict_assets.store.roles import set_up_roles
from conflict_assets.store.row_types import Exclusions, Found, PrefixCounts, PrefixRun, StoreTotals, VisitVolume
from conflict_assets.store.trend import trend
from conflict_assets.store.workers import NoFreeWorker, Worker, WorkerLimit, become_worker, workers_at_work

__all__ = [
    "ConflictStore",
    "Exclusions",
    "PrefixCounts",
    "PrefixRun",
    "StoreTotals",
    "VisitVolume",
]

ATTEMPTS = 6
RETRY_SECONDS = 180
WAIT_FOR_WORKER = (0.1, 0.5)
"""Seconds between two attempts to find a free worker.

They are drawn anew each time, so that the run that waits longest is not always late.
"""

T = TypeVar("T")


class ConflictStore:
    """The store behind a URL, for prefixes of one length.

    Use it in a `with` statement, since it holds one connection. Every method is one transaction. After a transient
    error (a lost connection, a server that restarts, a deadlock) the method is tried again on a new connection, with
    growing pauses. Each method may be repeated without harm.

    Raises:
        StoreError: from any method, for an error that is not transient. The error is a `TransientStoreError` when a
            transient error has not ended in time.
    """

    def __init__(
        self, *, url: str, prefix_length: int, timeouts: Timeouts = DEFAULT_TIMEOUTS, attempts: int | None = None
    ) -> None:
        self._url = url
        self._prefix_length = prefix_length
        self._timeouts = timeouts
        self._attempts = attempts
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        self._run(lambda _connection: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def prepare(self) -> None:
        """Bring the schema up to date and make the partitions.

        This costs one SELECT when all of it is done already.

        Raises:
            StoreError: the store was made with another prefix length. The message says the way out.
        """
        self._run(lambda connection: schema.prepare(connection, self._url, self._prefix_length))

    def require_right_to_write(self) -> None:
        """Try what a night does to the store, and leave nothing.

        Raises:
            StoreError: the login may not make temporary tables, or lacks a right on a table.
        """
        self._transact(require_right_to_write, keep=False)

    def require_prepared(self) -> None:
        """Refuse a store that `prepare` would have to write to.

        Raises:
            StoreError: its tables or views are missing or not up to date, or it was made with another prefix length.
        """
        self._run(lambda connection: schema.require_prepared(connection, self._prefix_length))

    def exclusions(self) -> Exclusions:
        """Return the agencies and caregivers that do not count."""
        return self._run(store_queries.exclusions)

    def speed_bands(self) -> tuple[SpeedBand, ...]:
        """Return the users' table of speeds by distance.

        Return the defaults when the table is empty.

        Raises:
            StoreError: the table leaves a gap, overlaps, or has a speed of zero or less.
        """
        return self._run(store_queries.speed_bands)

    def visit_volumes(self, prefixes: Sequence[str]) -> dict[str, VisitVolume]:
        """Return the visits at the last commit of each prefix that was committed."""
        return self._run(lambda connection: store_queries.visit_volumes(connection, prefixes))

    def snapshot_times(self, prefixes: Sequence[str]) -> dict[str, datetime]:
        """Return when each prefix's stored snapshot was taken.

        Prefixes without a stored snapshot are absent.
        """
        return self._run(lambda connection: store_queries.snapshot_times(connection, prefixes))

    def open_blocks(self, prefixes: Sequence[str], window: Window, block_days: int) -> dict[str, tuple[int, ...]]:
        """Return the blocks of days with conflicts that hold, by SSN.

        A block is `block_days` days long. Blocks are counted from the window's first day.
        """
        return self._run(lambda connection: store_queries.open_blocks(connection, prefixes, window, block_days))

    def replace_prefix(self, commit: PrefixCommit) -> CommitOutcome:
        """Bring one prefix to what a run has found, in one transaction.

        The same commit may be repeated. Conflicts are new, changed, reopened or unchanged. Conflicts that are stored,
        lie in the window and were not found are resolved. Rows that do not differ are not written. Overlapping runs of
        the same prefix wait for each other.

        Raises:
            StaleSnapshot: the store holds a newer snapshot of the prefix.
            StoreError: a row belongs to another prefix.
        """
        return self._transact(lambda connection: replace(connection, commit))

    def work_on_prefix(
        self, worker: Worker, detect: Callable[[], PrefixCommit], limit: WorkerLimit
    ) -> tuple[PrefixCommit, CommitOutcome]:
        """Detect and replace a prefix as one of the workers over all runs.

        The method waits for a free worker, and holds no connection while it waits. `detect` is called once, when a
        worker is free, inside the transaction that replaces the prefix.

        Raises:
            as `replace_prefix`, and what `detect` raises.
        """
        detected = cache(detect)

        def work(connection: psycopg.Connection[Any]) -> tuple[PrefixCommit, CommitOutcome]:
            become_worker(connection, worker, limit.most)
            commit = detected()
            return commit, replace(connection, commit)

        for attempt in Retrying(
            retry=retry_if_exception_type(NoFreeWorker),
            wait=wait_random(*WAIT_FOR_WORKER),
            before_sleep=partial(self._wait_for_worker, limit),
            reraise=True,
        ):
            with attempt:
                return self._transact(work)
        raise AssertionError("unreachable")

    def _wait_for_worker(self, limit: WorkerLimit, attempt: RetryCallState) -> None:
        self._close()
        if attempt.outcome is not None and attempt.attempt_number == 1:
            limit.tell(str(attempt.outcome.exception()))

    def workers_at_work(self) -> list[Worker]:
        """Return the prefixes that runs work on at this moment."""
        return self._run(workers_at_work)

    def preview_prefix(self, commit: PrefixCommit, *, examples: int = 0) -> Preview:
        """Return what `replace_prefix` would do, and write nothing.

        The preview holds up to `examples` conflicts of each kind.

        Raises:
            StaleSnapshot: the store holds a newer snapshot of the prefix.
            StoreError: a row belongs to another prefix.
        """
        return self._transact(lambda connection: preview(connection, commit, examples=examples), keep=False)

    def committed_prefixes(self, root_run_id: str) -> set[str]:
        """Return the prefixes that a chain of runs has committed."""
        return self._run(lambda connection: store_queries.committed_prefixes(connection, root_run_id))

    def run_summary(self, root_run_id: str) -> list[PrefixRun]:
        """Return the commits of a chain of runs, in their order."""
        return self._run(lambda connection: store_queries.run_summary(connection, root_run_id))

    def last_runs(self, prefix: str, limit: int = 2) -> list[PrefixRun]:
        """Return the last runs of a prefix, newest first."""
        return self._run(lambda connection: store_queries.last_runs(connection, prefix, limit))

    def prefix_counts(self, prefix: str) -> PrefixCounts:
        """Return what is stored of a prefix, for its checks.

        This is what is stored now, and what the run before the latest one has found.
        """
        return self._run(lambda connection: store_queries.prefix_counts(connection, prefix))

    def totals(self) -> StoreTotals:
        """Return the totals of the whole store."""
        return self._run(lambda connection: store_queries.totals(connection, self._prefix_length))

    def open_conflicts(self) -> int:
        """Return how many conflicts of the whole store are open.

        Open conflicts have the status new or open.
        """
        return self._run(store_queries.open_conflicts)

    def trend(self, *, time_zone: str, nights: int = 30) -> list[NightPoint]:
        """Return the open, new and resolved conflicts of the last nights, oldest first.

        Only nights that had a run are included. A night is a date in `time_zone`.
        """
        return self._run(lambda connection: trend(connection, time_zone, nights))

    def report_data(
        self,
        *,
        time_zone: str,
        agency_time_zone: str,
        on_figures: Callable[[ChartFigures], object] | None = None,
    ) -> ReportData:
        """Return all data of the report.

        Nights are dates in `time_zone`. Hours of the week are hours in `agency_time_zone`. `on_figures` receives what
        the charts show as soon as it is read, and again if the reading has to begin anew.
        """
        zones = {"time_zone": time_zone, "agency_time_zone": agency_time_zone}
        return self._run(
            lambda connection: report_data(connection, self._prefix_length, **zones, on_figures=on_figures)
        )

    def list_conflicts(self, query: ExportQuery, *, order: Order, limit: int) -> ConflictList:
        """Return the first conflicts, in an order, of an export of this query.

        SSNs are masked.

        Raises:
            StoreError: prefixes are asked for, and the login may not see them.
        """
        return self._run(lambda connection: list_conflicts(connection, query, order, limit))

    def costliest_new(self, root_run_ids: Sequence[str], limit: int) -> tuple[ListedConflict, ...]:
        """Return the costliest new conflicts that these runs have found.

        SSNs are masked.
        """
        return self._run(lambda connection: costliest_new(connection, root_run_ids, limit))

    def held_pairs(self, first: date, last: date) -> set[tuple[str, str]]:
        """Return the visit ids of every conflict that holds between two dates.

        Both dates of a conflict lie from `first` to `last`. The smaller visit id comes first.
        """
        return self._run(lambda connection: store_queries.held_pairs(connection, first, last))

    def open_pairs(self) -> pa.Table:
        """Return the open conflicts, one row each.

        The columns are `visit_id`, `con_visit_id` and `flag`. `visit_id` is the smaller id, and `flag` is the rule's
        flag.
        """
        return self._run(store_queries.open_pairs)

    def last_window(self) -> Window | None:
        """Return the window of the newest snapshot.

        Return None while nothing was committed.
        """
        return self._run(store_queries.last_window)

    def decide(
        self, decisions: Sequence[Decision], *, decided_by: str | None = None, keep_same: bool = False
    ) -> DecisionOutcome:
        """Append a person's decisions, all or none of them.

        `decided_by` is the process's user unless it is given. With `keep_same` a decision that holds with the same
        reason stays, whoever made it.

        Raises:
            StoreError: a conflict is not in the store.
        """
        return self._transact(
            lambda connection: decide(connection, decisions, decided_by=decided_by, keep_same=keep_same)
        )

    def import_decisions(self, decisions: Sequence[Decision], *, decided_by: str = "import") -> DecisionOutcome:
        """Take over decisions of the replaced system.

        This may be repeated. Decisions that people made here stay as they are.
        """
        return self._transact(lambda connection: take_over(connection, decisions, decided_by=decided_by))

    def set_up_roles(self) -> None:
        """Make the roles `conflicts_writer` and `conflicts_reader`, and give them their rights.

        Roles that exist already are not made again.
        """
        self._transact(set_up_roles)

    def conflicts_of_pair(self, pair_id: str) -> list[StoredConflict]:
        """Return what the store shows of a pair, with masked SSNs.

        This is nothing, one conflict, or one conflict for each SSN that the pair is under.
        """
        return self._run(lambda connection: conflict_lookup.conflicts_of_pair(connection, pair_id))

    def decisions_about(self, pair_ids: Sequence[str]) -> list[MadeDecision]:
        """Return every decision about these pairs, the newest first."""
        return self._run(lambda connection: conflict_lookup.decisions_about(connection, pair_ids))

    def conflicts_of_group(self, group_id: str) -> list[StoredConflict]:
        """Return the conflicts of a group that hold, ordered by day.

        SSNs are masked.
        """
        return self._run(lambda connection: conflict_lookup.conflicts_of_group(connection, group_id))

    @contextmanager
    def export(self, query: ExportQuery) -> Iterator[ConflictExport]:
        """Open an export of conflict rows with both of their visits.

        Unlike other methods, it is not tried again half way.

        Raises:
            StoreError: prefixes or full SSNs are asked for by a login that is not of the writer role.
        """
        self._run(lambda _connection: None)
        if self._connection is None:
            raise AssertionError("unreachable")
        with translated(), export_conflicts(self._connection, query) as opened:
            yield opened

    def require_known(self, query: ExportQuery) -> None:
        """Refuse agencies and payers of an export that no stored conflict has.

        Raises:
            StoreError: a name is unknown. The message lists similar names.
        """
        self._run(lambda connection: require_known(connection, query))

    def latest_found(self) -> Found:
        """Return what the latest commits of all prefixes have found."""
        return self._run(latest_commits.latest_found)

    def latest_visits(self, *, without: Sequence[str], counted: Sequence[str]) -> dict[str, int]:
        """Sum the visit counts of all other prefixes' latest commits, by name.

        The prefixes in `without` are left out. `counted` names the counts.
        """
        return self._run(partial(latest_commits.latest_visits, without=without, counted=counted))

    def free_connections(self) -> FreeConnections:
        """How many more connections this login gets, and what limits them."""
        return self._run(free_connections)

    def write_rejected(
        self,
        run_id: str,
        rows: pa.Table,
        *,
        prefixes: Sequence[str],
        include_without_prefix: bool,
        as_of: datetime,
    ) -> None:
        """Replace the rejected visits of these prefixes, in one transaction.

        The columns of `rows` are `ssn_prefix`, `visit_id` and `reason`.
        """

        self._transact(
            lambda connection: rejects.write_rejected(
                connection,
                run_id,
                rows,
                prefixes=prefixes,
                include_without_prefix=include_without_prefix,
                as_of=as_of,
            )
        )

    def purge(self, keep: Retention, *, now: datetime) -> Purged:
        """Remove what is older than `keep` says, in a transaction for each prefix.

        Decisions and open conflicts stay.

        Raises:
            StoreError: the login may not delete. Nothing is removed.
        """
        self._run(require_right_to_purge)
        purged = self._transact(lambda connection: purge_lists(connection, keep, now=now))
        for prefix in all_prefixes(self._prefix_length):
            purged += self._transact(partial(purge_prefix, prefix=prefix, keep=keep, now=now))
        return purged

    def _transact(self, work: Callable[[psycopg.Connection[Any]], T], *, keep: bool = True) -> T:
        def transaction(connection: psycopg.Connection[Any]) -> T:
            with connection.transaction(force_rollback=not keep):
                return work(connection)

        return self._run(transaction)

    def _run(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        for attempt in Retrying(
            retry=retry_if_exception_type(TransientStoreError),
            stop=stop_after_attempt(self._attempts or ATTEMPTS) | stop_after_delay(RETRY_SECONDS),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            reraise=True,
        ):
            with attempt:
                return self._attempt(work)
        raise AssertionError("unreachable")

    def _attempt(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._url, self._timeouts)
            with translated(connection=self._connection):
                return work(self._connection)
        except TransientStoreError:
            self._close()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
