"""What runs have committed to the store, and what they read before and after."""

from collections.abc import Callable, Sequence
from datetime import datetime

import pyarrow as pa

from conflict_assets.domain.report_data import ChartFigures, ReportData
from conflict_assets.store.rejects import write_rejected
from conflict_assets.store.row_types import Found, PrefixCounts, PrefixRun, VisitVolume
from conflict_assets.store.session import StoreSession
from conflict_assets.store.workers import Worker, workers_at_work

_COMMITS = """
    SELECT ssn_prefix AS prefix, run_id, root_run_id, as_of, first_date, last_date, committed_at, position,
        batches_total, conflicts, conflict_rows AS rows, new_conflicts AS new, changed, resolved, reopened, unchanged,
        detect_seconds, write_seconds, counts
    FROM prefix_runs WHERE root_run_id = %s ORDER BY committed_at"""

_PREFIX_COUNTS = """
    WITH previous AS (
        SELECT ssn_prefix, conflicts, (counts->>'visits_seen')::bigint AS visits, row_number() OVER (
            PARTITION BY ssn_prefix ORDER BY latest DESC, as_of DESC, committed_at DESC) AS place
        FROM prefix_runs WHERE ssn_prefix = ANY(%(prefixes)s)
    ), held AS (
        SELECT c.ssn_prefix, count(*) AS rows, count(*) FILTER (WHERE other.ssn IS NULL) AS one_sided
        FROM prefix_runs AS r
        JOIN visit_conflicts AS c ON c.ssn_prefix = r.ssn_prefix AND c.resolved_at IS NULL
            AND c.visit_date BETWEEN r.first_date AND r.last_date
            AND c.con_visit_date BETWEEN r.first_date AND r.last_date
        LEFT JOIN visit_conflicts AS other ON other.ssn_prefix = c.ssn_prefix AND other.ssn = c.ssn
            AND other.visit_id = c.con_visit_id AND other.con_visit_id = c.visit_id AND other.resolved_at IS NULL
        WHERE r.ssn_prefix = ANY(%(prefixes)s) AND r.latest AND c.ssn_prefix = ANY(%(prefixes)s)
        GROUP BY c.ssn_prefix
    )
    SELECT prefix, coalesce(h.rows, 0) AS rows, coalesce(h.one_sided, 0) AS one_sided,
        p.conflicts AS previous_conflicts, p.visits AS previous_visits
    FROM unnest(%(prefixes)s::text[]) AS prefix
    LEFT JOIN held AS h ON h.ssn_prefix = prefix
    LEFT JOIN previous AS p ON p.ssn_prefix = prefix AND p.place = 2"""

_VISIT_VOLUMES = """
    SELECT ssn_prefix, coalesce((counts->>'visits_seen')::int, 0), coalesce((counts->>'usable')::int, 0)
    FROM prefix_runs WHERE latest AND ssn_prefix = ANY(%s)"""

_LATEST_FOUND = """
    SELECT coalesce(sum(conflicts), 0)::bigint AS conflicts, coalesce(sum(conflict_rows), 0)::bigint AS rows
    FROM prefix_runs WHERE latest"""

_LATEST_VISITS = """
    SELECT name, coalesce(sum((r.counts->>name)::bigint), 0)::bigint
    FROM unnest(%(counted)s::text[]) AS name
    LEFT JOIN prefix_runs AS r ON r.latest AND r.ssn_prefix <> ALL(%(without)s)
    GROUP BY name"""


class Runs:
    """The runs that have written to the store, and those that are at work."""

    def __init__(self, session: StoreSession, prefix_length: int) -> None:
        self._session = session
        self._prefix_length = prefix_length

    def summary(self, root_run_id: str) -> list[PrefixRun]:
        """Return the commits of a chain of runs, in their order."""
        return self._session.rows_of(PrefixRun, _COMMITS, [root_run_id])

    def prefix_counts(self, prefixes: Sequence[str]) -> dict[str, PrefixCounts]:
        """Return what is stored of each prefix, for its checks.

        This is what is stored now, and what the run before the latest one has found.
        """
        found = self._session.rows_of(PrefixCounts, _PREFIX_COUNTS, {"prefixes": list(prefixes)})
        return {counts.prefix: counts for counts in found}

    def visit_volumes(self, prefixes: Sequence[str]) -> dict[str, VisitVolume]:
        """Return the visits at the last commit of each prefix that was committed."""
        rows = self._session.rows(_VISIT_VOLUMES, [list(prefixes)])
        return {prefix: VisitVolume(seen=seen, usable=usable) for prefix, seen, usable in rows}

    def snapshot_times(self, prefixes: Sequence[str]) -> dict[str, datetime]:
        """Return when each prefix's stored snapshot was taken.

        A prefix that was never committed is absent.
        """
        query = "SELECT ssn_prefix, as_of FROM prefix_runs WHERE latest AND ssn_prefix = ANY(%s)"
        return dict(self._session.rows(query, [list(prefixes)]))

    def latest_found(self) -> Found:
        """Return what the latest commits of all prefixes have found together."""
        return self._session.rows_of(Found, _LATEST_FOUND)[0]

    def latest_visits(self, *, without: Sequence[str], counted: Sequence[str]) -> dict[str, int]:
        """Sum the visit counts of all other prefixes' latest commits, by name.

        The prefixes in `without` are left out. `counted` names the counts.
        """
        return dict(self._session.rows(_LATEST_VISITS, {"counted": list(counted), "without": list(without)}))

    def report_data(
        self,
        *,
        time_zone: str,
        agency_time_zone: str,
        on_figures: Callable[[ChartFigures], object] | None = None,
    ) -> ReportData:
        """Return all data of the report, read at one moment.

        Nights are dates in `time_zone`. Hours of the week are hours in `agency_time_zone`. `on_figures` receives what
        the charts show as soon as it is read, and again if the reading has to begin anew.
        """
        # The report alone needs DuckDB, which takes a while to load.
        from conflict_assets.store.report_queries import report_data

        return self._session.run(
            report_data,
            self._prefix_length,
            time_zone=time_zone,
            agency_time_zone=agency_time_zone,
            on_figures=on_figures,
        )

    def at_work(self) -> list[Worker]:
        """Return the prefixes that runs work on at this moment."""
        return self._session.run(workers_at_work)

    def write_rejected(
        self, run_id: str, rows: pa.Table, *, prefixes: Sequence[str], include_without_prefix: bool, as_of: datetime
    ) -> None:
        """Bring the rejected visits of these prefixes up to date, in one transaction.

        The columns of `rows` are `ssn_prefix`, `visit_id` and `reason`. With `include_without_prefix` the rejected
        visits without a prefix are brought up to date too.
        """
        self._session.transact(
            write_rejected,
            run_id,
            rows,
            prefixes=prefixes,
            include_without_prefix=include_without_prefix,
            as_of=as_of,
        )
