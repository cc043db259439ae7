"""What runs and reports read from the store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.rows import class_row

from conflict_assets.domain.normalization import normal_ssn, trimmed
from conflict_assets.domain.policy import DEFAULT_SPEED_BANDS, SpeedBand, check_speed_bands
from conflict_assets.domain.statuses import OPEN_STATUSES
from conflict_assets.domain.window import Window
from conflict_assets.partitions import all_prefixes
from conflict_assets.store.errors import StoreError
from conflict_assets.store.row_types import Exclusions, PrefixCounts, PrefixRun, StoreTotals, VisitVolume
from conflict_assets.store.stored_columns import FLAGS

Connection = psycopg.Connection[Any]

_RUNS = """
    SELECT ssn_prefix AS prefix, run_id, root_run_id, as_of, first_date, last_date, committed_at, position,
        batches_total, conflicts, conflict_rows AS rows, new_conflicts AS new, changed, resolved, reopened, unchanged,
        detect_seconds, write_seconds, counts
    FROM prefix_runs"""

OPEN = f"resolved_at IS NULL AND status IN ({', '.join(repr(str(status)) for status in OPEN_STATUSES)})"

MOST_DOLLARS = "1e290"
"""A rate may be any number; sums of amounts up to this one have room in a number, whatever their count."""


def capped(column: str) -> str:
    """SQL of an amount of which sums have room; one that is missing stays so."""
    return f"CASE WHEN {column} > {MOST_DOLLARS} THEN {MOST_DOLLARS} ELSE {column} END"


_MAKE_SIDES = f"""CREATE TEMPORARY TABLE sides ON COMMIT DROP AS
    SELECT ssn_prefix, ssn, pair_id, group_id, status, rule, visit_id, con_visit_id, visit_date, provider_id,
        con_provider_id, cost_type, overlap_minutes,
        {capped("shift_amount")} AS shift_amount, {capped("overlap_amount")} AS overlap_amount
    FROM conflict_states WHERE {OPEN}"""  # noqa: S608 - a constant

_MAKE_VISITS = """CREATE TEMPORARY TABLE visits ON COMMIT DROP AS
    SELECT ssn_prefix, ssn, visit_id, provider_id, cost_type IS NOT DISTINCT FROM 'recovery' AS billed,
        count(*) AS conflicts, max(shift_amount) AS amount, sum(overlap_amount) AS overlap_amount
    FROM sides GROUP BY ssn_prefix, ssn, visit_id, provider_id, billed"""


def exclusions(connection: Connection) -> Exclusions:
    """Who does not count, sorted, as the visits' ids and SSNs are compared."""
    agencies = connection.execute("SELECT provider_id FROM excluded_agencies").fetchall()
    ssns = connection.execute("SELECT ssn FROM excluded_ssns").fetchall()
    return Exclusions(
        tuple(sorted({trimmed(row[0]) for row in agencies})), tuple(sorted({normal_ssn(row[0]) for row in ssns}))
    )


def speed_bands(connection: Connection) -> tuple[SpeedBand, ...]:
    """The bands that users keep; the defaults when they have emptied the table.

    Raises:
        StoreError: the bands leave a gap, overlap, or one of them stands still.
    """
    rows = connection.execute("SELECT from_miles, to_miles, miles_per_hour FROM speed_bands").fetchall()
    try:
        return check_speed_bands(rows) if rows else DEFAULT_SPEED_BANDS
    except ValueError as error:
        raise StoreError(
            f"The store's table of speed bands can't be used: {error}. Correct table speed_bands."
        ) from None


def visit_volumes(connection: Connection, prefixes: Sequence[str]) -> dict[str, VisitVolume]:
    """Visits at the last commit of each prefix; a prefix that was never committed is absent."""
    rows = connection.execute(
        """SELECT ssn_prefix, coalesce((counts->>'visits_seen')::int, 0), coalesce((counts->>'usable')::int, 0)
           FROM prefix_runs WHERE latest AND ssn_prefix = ANY(%s)""",
        [list(prefixes)],
    ).fetchall()
    return {prefix: VisitVolume(seen=seen, usable=usable) for prefix, seen, usable in rows}


def snapshot_times(connection: Connection, prefixes: Sequence[str]) -> dict[str, datetime]:
    """When the snapshot was taken that the store holds of each prefix; one that was never committed is absent."""
    query = "SELECT ssn_prefix, as_of FROM prefix_runs WHERE latest AND ssn_prefix = ANY(%s)"
    return dict(connection.execute(query, [list(prefixes)]).fetchall())


def open_blocks(
    connection: Connection, prefixes: Sequence[str], window: Window, block_days: int
) -> dict[str, tuple[int, ...]]:
    """Where caregivers have conflicts that hold: blocks of so many days, counted from the window's first, by SSN."""
    rows = connection.execute(
        """SELECT ssn, array_agg(DISTINCT (visit_date - %(first)s) / %(days)s)
           FROM visit_conflicts
           WHERE resolved_at IS NULL AND visit_date BETWEEN %(first)s AND %(last)s AND ssn_prefix = ANY(%(prefixes)s)
           GROUP BY ssn""",
        {"first": window.first, "last": window.last, "days": block_days, "prefixes": list(prefixes)},
    ).fetchall()
    return {ssn: tuple(blocks) for ssn, blocks in rows}


def committed_prefixes(connection: Connection, root_run_id: str) -> set[str]:
    """The prefixes that a chain of runs has committed."""
    rows = connection.execute("SELECT ssn_prefix FROM prefix_runs WHERE root_run_id = %s", [root_run_id]).fetchall()
    return {row[0] for row in rows}


def run_summary(connection: Connection, root_run_id: str) -> list[PrefixRun]:
    """What a chain of runs has committed, in the order of its commits."""
    with connection.cursor(row_factory=class_row(PrefixRun)) as cursor:
        return cursor.execute(f"{_RUNS} WHERE root_run_id = %s ORDER BY committed_at", [root_run_id]).fetchall()


def last_runs(connection: Connection, prefix: str, limit: int = 2) -> list[PrefixRun]:
    """The last runs of a prefix, newest first."""
    with connection.cursor(row_factory=class_row(PrefixRun)) as cursor:
        return cursor.execute(
            f"{_RUNS} WHERE ssn_prefix = %s ORDER BY latest DESC, as_of DESC, committed_at DESC LIMIT %s",
            [prefix, limit],
        ).fetchall()


def prefix_counts(connection: Connection, prefix: str) -> PrefixCounts:
    """What is stored of a prefix, for its checks."""
    rows, one_sided = connection.execute(
        """SELECT count(*), count(*) FILTER (WHERE other.ssn IS NULL)
           FROM prefix_runs AS r
           JOIN visit_conflicts AS c ON c.ssn_prefix = r.ssn_prefix AND c.resolved_at IS NULL
               AND c.visit_date BETWEEN r.first_date AND r.last_date
               AND c.con_visit_date BETWEEN r.first_date AND r.last_date
           LEFT JOIN visit_conflicts AS other ON other.ssn_prefix = c.ssn_prefix AND other.ssn = c.ssn
               AND other.visit_id = c.con_visit_id AND other.con_visit_id = c.visit_id AND other.resolved_at IS NULL
           WHERE r.ssn_prefix = %(prefix)s AND r.latest AND c.ssn_prefix = %(prefix)s""",
        {"prefix": prefix},
    ).fetchone() or (0, 0)
    runs = last_runs(connection, prefix)
    previous = runs[1] if len(runs) > 1 else None
    return PrefixCounts(
        rows=rows,
        one_sided=one_sided,
        previous_conflicts=previous.conflicts if previous else None,
        previous_visits=previous.counts.get("visits_seen") if previous else None,
    )


@contextmanager
def open_sides(connection: Connection) -> Iterator[None]:
    """One moment of the store for several queries, which can write nothing.

    The rows of open conflicts are in the temporary table `sides`: their status is derived once for all of them. The
    temporary table `visits` holds each of their visits once, with the sums over its rows.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL work_mem = '64MB'")
        connection.execute(_MAKE_SIDES)
        connection.execute(_MAKE_VISITS)
        connection.execute("SET TRANSACTION READ ONLY")
        yield


def totals(connection: Connection, prefix_length: int) -> StoreTotals:
    """Total the store at one moment."""
    with open_sides(connection):
        return read_totals(connection, prefix_length)


def open_conflicts(connection: Connection) -> int:
    """How many conflicts are open."""
    row = connection.execute(
        f"""SELECT count(*) FROM conflict_states WHERE {OPEN} AND visit_id < con_visit_id COLLATE "C" """  # noqa: S608 - a constant
    ).fetchone()
    return int(row[0]) if row else 0


def read_totals(connection: Connection, prefix_length: int) -> StoreTotals:
    """Total the store; the caller owns `open_sides`."""
    statuses = connection.execute(
        """SELECT status, count(*) FROM conflict_states WHERE visit_id < con_visit_id COLLATE "C"
           GROUP BY status ORDER BY status"""
    ).fetchall()
    opened = connection.execute(
        """SELECT rule, ssn_prefix, count(*) FROM sides
           WHERE visit_id < con_visit_id COLLATE "C" GROUP BY rule, ssn_prefix"""
    ).fetchall()
    row = connection.execute(
        """SELECT coalesce(sum(conflicts), 0)::bigint, (SELECT count(*) FROM (SELECT DISTINCT ssn FROM visits) AS s),
               (SELECT count(*) FROM (SELECT DISTINCT provider_id FROM visits) AS p), coalesce(sum(overlap_amount), 0),
               count(*), coalesce(sum(amount), 0)
           FROM visits"""
    ).fetchone()
    rows, caregivers, agencies, overlap_amount, visits, shift_amount = row or (0, 0, 0, 0.0, 0, 0.0)
    by_rule = dict.fromkeys(FLAGS, 0)
    by_prefix = dict.fromkeys(all_prefixes(prefix_length), 0)
    for rule, prefix, count in opened:
        by_rule[FLAGS[rule - 1]] += count
        by_prefix[prefix] += count
    return StoreTotals(
        open_conflicts=sum(by_prefix.values()),
        rows=rows,
        visits=visits,
        caregivers=caregivers,
        agencies=agencies,
        shift_amount=float(shift_amount),
        overlap_amount=float(overlap_amount),
        by_status=dict(statuses),
        by_rule=by_rule,
        by_prefix=by_prefix,
    )


def held_pairs(connection: Connection, first: date, last: date) -> set[tuple[str, str]]:
    """Visit ids (the smaller first) of every stored conflict that holds and has both dates from `first` to `last`."""
    rows = connection.execute(
        """SELECT visit_id, con_visit_id FROM visit_conflicts
           WHERE resolved_at IS NULL AND visit_id < con_visit_id COLLATE "C"
               AND visit_date BETWEEN %(first)s AND %(last)s AND con_visit_date BETWEEN %(first)s AND %(last)s""",
        {"first": first, "last": last},
    ).fetchall()
    return {(visit, other) for visit, other in rows}


def open_pairs(connection: Connection) -> pa.Table:
    """Open conflicts, a row each: `visit_id` and `con_visit_id` (the smaller one first), and the `flag` of the rule."""
    rows = connection.execute(
        f"""SELECT visit_id, con_visit_id, rule FROM conflict_states
            WHERE {OPEN} AND visit_id < con_visit_id COLLATE "C"
            ORDER BY visit_id COLLATE "C", con_visit_id COLLATE "C" """  # noqa: S608 - a constant
    ).fetchall()
    columns = [[row[0] for row in rows], [row[1] for row in rows], [FLAGS[row[2] - 1] for row in rows]]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=["visit_id", "con_visit_id", "flag"])


def last_window(connection: Connection) -> Window | None:
    """The window of the newest snapshot; missing while nothing was committed."""
    row = connection.execute(
        "SELECT first_date, last_date FROM prefix_runs WHERE latest ORDER BY as_of DESC LIMIT 1"
    ).fetchone()
    return Window(first=row[0], last=row[1]) if row else None


def free_connections(connection: Connection) -> int:
    """How many more connections the server takes from users without special rights."""
    row = connection.execute(
        """SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0)
               - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')"""
    ).fetchone()
    return max(0, row[0]) if row else 0
