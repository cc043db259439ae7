"""The conflicts in the store: replaced by prefix, and read one by one, in lists and as exports."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache, partial

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random

from conflict_assets.domain.listed_conflicts import ConflictList, ListedConflict
from conflict_assets.domain.window import Window
from conflict_assets.store.commit import CommitOrigin, CommitOutcome, PrefixCommit
from conflict_assets.store.conflict_lookup import StoredConflict, conflicts_of_group, conflicts_of_pairs
from conflict_assets.store.export_rows import ConflictExport, ExportQuery, export_conflicts
from conflict_assets.store.known_names import require_known
from conflict_assets.store.listing import Order, costliest_new, list_conflicts
from conflict_assets.store.preview import Preview, preview
from conflict_assets.store.repeat import repeat
from conflict_assets.store.replace import replace
from conflict_assets.store.session import Connection, StoreSession
from conflict_assets.store.store_queries import OPEN
from conflict_assets.store.workers import NoFreeWorker, Worker, WorkerLimit, become_worker

WAIT_FOR_WORKER = (0.1, 0.5)
"""Seconds between two attempts to find a free worker.

They are drawn anew each time, so that the run that waits longest is not always late.
"""

_COUNT_OPEN = f"""SELECT count(*) FROM conflict_states WHERE {OPEN} AND visit_id < con_visit_id COLLATE "C" """  # noqa: S608 - a constant

_OPEN_BLOCKS = """
    SELECT ssn, array_agg(DISTINCT floor((visit_date - %(first_block)s)::numeric / %(days)s)::int) FROM visit_conflicts
    WHERE resolved_at IS NULL AND visit_date BETWEEN %(first)s AND %(last)s AND ssn_prefix = ANY(%(prefixes)s)
    GROUP BY ssn"""

_HELD_PAIRS = """
    SELECT visit_id, con_visit_id FROM visit_conflicts
    WHERE resolved_at IS NULL AND visit_id < con_visit_id COLLATE "C"
        AND visit_date BETWEEN %(first)s AND %(last)s AND con_visit_date BETWEEN %(first)s AND %(last)s"""


class Conflicts:
    """The conflicts in the store."""

    def __init__(self, session: StoreSession) -> None:
        self._session = session

    def replace_prefix(self, commit: PrefixCommit) -> CommitOutcome:
        """Bring one prefix to what a run has found, in one transaction.

        The same commit may be repeated. Conflicts are new, changed, reopened or unchanged. Conflicts that are stored,
        lie in the window and were not found are resolved. Rows that do not differ are not written. Overlapping runs of
        the same prefix wait for each other.

        Raises:
            StaleSnapshot: the store holds a newer snapshot of the prefix.
            StoreError: a row belongs to another prefix.
        """
        return self._session.transact(replace, commit)

    def repeat_commit(self, commit: CommitOrigin) -> CommitOutcome | None:
        """Commit what the last commit of a prefix has found once more, in one transaction.

        The outcome is that of `replace_prefix` when it finds the same rows. It is None, and nothing is written, unless
        the last commit has the same content and policy, and the store holds its rows untouched in the same number in
        this commit's window.

        Raises:
            StaleSnapshot: the store holds a newer snapshot of the prefix.
        """
        return self._session.transact(repeat, commit)

    def preview_prefix(self, commit: PrefixCommit, *, examples: int = 0) -> Preview:
        """Return what `replace_prefix` would do, and write nothing.

        The preview holds up to `examples` conflicts of each kind.

        Raises:
            StaleSnapshot: the store holds a newer snapshot of the prefix.
            StoreError: a row belongs to another prefix.
        """
        return self._session.roll_back(preview, commit, examples=examples)

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

        def work(connection: Connection) -> tuple[PrefixCommit, CommitOutcome]:
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
                return self._session.transact(work)
        raise AssertionError("unreachable")

    def _wait_for_worker(self, limit: WorkerLimit, attempt: RetryCallState) -> None:
        self._session.close()
        if attempt.outcome is not None and attempt.attempt_number == 1:
            limit.tell(str(attempt.outcome.exception()))

    def count_open(self) -> int:
        """Return how many conflicts of the whole store have the status new or open."""
        return int(self._session.rows(_COUNT_OPEN)[0][0])

    def open_blocks(
        self, prefixes: Sequence[str], window: Window, *, first_block: date, block_days: int
    ) -> dict[str, tuple[int, ...]]:
        """Return the blocks of days with conflicts that hold, by SSN.

        A block is `block_days` days long, and block 0 begins on the date `first_block`.
        """
        values = {
            "first": window.first,
            "last": window.last,
            "first_block": first_block,
            "days": block_days,
            "prefixes": list(prefixes),
        }
        return {ssn: tuple(blocks) for ssn, blocks in self._session.rows(_OPEN_BLOCKS, values)}

    def held_pairs(self, first: date, last: date) -> set[tuple[str, str]]:
        """Return the visit ids of every conflict that holds between two dates.

        Both dates of a conflict lie from `first` to `last`. The smaller visit id comes first.
        """
        rows = self._session.rows(_HELD_PAIRS, {"first": first, "last": last})
        return {(visit, other) for visit, other in rows}

    def of_pair(self, pair_id: str) -> list[StoredConflict]:
        """Return what the store shows of a pair, with masked SSNs.

        This is nothing, one conflict, or one conflict for each SSN that the pair is under.
        """
        return self._session.run(conflicts_of_pairs, [pair_id])

    def of_group(self, group_id: str) -> list[StoredConflict]:
        """Return the conflicts of a group that hold, ordered by day.

        SSNs are masked.
        """
        return self._session.run(conflicts_of_group, group_id)

    def listed(self, query: ExportQuery, *, order: Order, limit: int) -> ConflictList:
        """Return the first conflicts, in an order, of an export of this query.

        SSNs are masked.

        Raises:
            StoreError: prefixes are asked for, and the login may not see them.
        """
        return self._session.run(list_conflicts, query, order, limit)

    def costliest_new(self, root_run_ids: Sequence[str], limit: int) -> tuple[ListedConflict, ...]:
        """Return the costliest new conflicts that these runs have found.

        SSNs are masked.
        """
        return self._session.run(costliest_new, root_run_ids, limit)

    @contextmanager
    def export(self, query: ExportQuery) -> Iterator[ConflictExport]:
        """Open an export of conflict rows with both of their visits.

        Unlike other methods, it is not tried again half way.

        Raises:
            StoreError: prefixes or full SSNs are asked for by a login that is not of the writer role.
        """
        with self._session.connection() as connection, export_conflicts(connection, query) as opened:
            yield opened

    def require_known(self, query: ExportQuery) -> None:
        """Refuse agencies and payers of an export that no stored conflict has.

        Raises:
            StoreError: a name is unknown. The message lists similar names.
        """
        self._session.run(require_known, query)
