"""The queries by which runs and reports read the store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.rows import class_row

from conflict_assets.domain.calendar import end_of_calendar, first_moment
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
"""The largest amount that sums count.

A rate may be any number. Sums of amounts up to this one fit into a number, however many they are.
"""


def capped(column: str) -> str:
    """Return the SQL of an amount that is small enough to be summed.

    A missing amount stays missing.
    """
    return f"CASE WHEN {column} > {MOST_DOLLARS} THEN {MOST_DOLLARS} ELSE {column} END"


# The visits are joined here once: their rows are wide, and to look them up by three texts takes longest of all.
# A visit's interval is the actual one when it is whole, else the scheduled one.
_MAKE_SIDES = f"""CREATE TEMPORARY TABLE sides ON COMMIT DROP AS
    SELECT c.ssn_prefix, c.ssn, c.pair_id, c.group_id, c.status, c.rule, c.visit_id, c.con_visit_id, c.visit_date,
        c.provider_id, c.con_provider_id, c.cost_type, c.overlap_minutes,
        {capped("c.shift_amount")} AS shift_amount, {capped("c.overlap_amount")} AS overlap_amount,
        coalesce(v.payer_id, '') AS payer_id, v.contract,
        CASE WHEN v.visit_start_time IS NOT NULL AND v.visit_end_time IS NOT NULL
             THEN v.visit_start_time ELSE v.sch_start_time END AS start
    FROM conflict_states AS c
    LEFT JOIN conflict_visits AS v
        ON v.ssn_prefix = c.ssn_prefix AND v.ssn = c.ssn AND v.visit_id = c.visit_id
    WHERE {OPEN}"""  # noqa: S608 - a constant

_MAKE_VISITS = """CREATE TEMPORARY TABLE visits ON COMMIT DROP AS
    SELECT ssn_prefix, ssn, visit_id, provider_id, cost_type IS NOT DISTINCT FROM 'recovery' AS billed,
        count(*) AS conflicts, max(shift_amount) AS amount, sum(overlap_amount) AS overlap_amount,
        max(payer_id) AS payer_id, max(contract COLLATE "C") AS contract
    FROM sides GROUP BY ssn_prefix, ssn, visit_id, provider_id, billed"""

_MAKE_PAIRS = """CREATE TEMPORARY TABLE pairs ON COMMIT DROP AS
    SELECT max(start) FILTER (WHERE start >= %(first)s AND start < %(end)s) AS start,
        min(payer_id COLLATE "C") AS payer_id, max(payer_id COLLATE "C") AS con_payer_id
    FROM sides GROUP BY ssn_prefix, ssn, pair_id"""


def exclusions(connection: Connection) -> Exclusions:
    """Return the agencies and caregivers that do not count, sorted.

    They have the form in which the visits' ids and SSNs are compared.
    """
    agencies = connection.execute("SELECT provider_id FROM excluded_agencies").fetchall()
    ssns = connection.execute("SELECT ssn FROM excluded_ssns").fetchall()
    return Exclusions(
        tuple(sorted({trimmed(row[0]) for row in agencies})), tuple(sorted({normal_ssn(row[0]) for row in ssns}))
    )


def speed_bands(connection: Connection) -> tuple[SpeedBand, ...]:
    """Return the users' speed bands.

    Return the defaults when the users have emptied the table.

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
    """Return the visits at the last commit of each prefix.

    A prefix that was never committed is absent.
    """
    rows = connection.execute(
        """SELECT ssn_prefix, coalesce((counts->>'visits_seen')::int, 0), coalesce((counts->>'usable')::int, 0)
           FROM prefix_runs WHERE latest AND ssn_prefix = ANY(%s)""",
        [list(prefixes)],
    ).fetchall()
    return {prefix: VisitVolume(seen=seen, usable=usable) for prefix, seen, usable in rows}


def snapshot_times(connection: Connection, prefixes: Sequence[str]) -> dict[str, datetime]:
    """Return when each prefix's stored snapshot was taken.

    A prefix that was never committed is absent.
    """
    query = "SELECT ssn_prefix, as_of FROM prefix_runs WHERE latest AND ssn_prefix = ANY(%s)"
    return dict(connection.execute(query, [list(prefixes)]).fetchall())


def open_blocks(
    connection: Connection, prefixes: Sequence[str], window: Window, block_days: int
) -> dict[str, tuple[int, ...]]:
    """Return the blocks of days with conflicts that hold, by SSN.

    A block is `block_days` days long. Blocks are counted from the window's first day.
    """
    rows = connection.execute(
        """SELECT ssn, array_agg(DISTINCT (visit_date - %(first)s) / %(days)s)
           FROM visit_conflicts
           WHERE resolved_at IS NULL AND visit_date BETWEEN %(first)s AND %(last)s AND ssn_prefix = ANY(%(prefixes)s)
           GROUP BY ssn""",
        {"first": window.first, "last": window.last, "days": block_days, "prefixes": list(prefixes)},
    ).fetchall()
    return {ssn: tuple(blocks) for ssn, blocks in rows}


def committed_prefixes(connection: Connection, root_run_id: str) -> set[str]:
    """Return the prefixes that a chain of runs has committed."""
    rows = connection.execute("SELECT ssn_prefix FROM prefix_runs WHERE root_run_id = %s", [root_run_id]).fetchall()
    return {row[0] for row in rows}


def run_summary(connection: Connection, root_run_id: str) -> list[PrefixRun]:
    """Return the commits of a chain of runs, in their order."""
    with connection.cursor(row_factory=class_row(PrefixRun)) as cursor:
        return cursor.execute(f"{_RUNS} WHERE root_run_id = %s ORDER BY committed_at", [root_run_id]).fetchall()


def last_runs(connection: Connection, prefix: str, limit: int = 2) -> list[PrefixRun]:
    """Return the last runs of a prefix, newest first."""
    with connection.cursor(row_factory=class_row(PrefixRun)) as cursor:
        return cursor.execute(
            f"{_RUNS} WHERE ssn_prefix = %s ORDER BY latest DESC, as_of DESC, committed_at DESC LIMIT %s",
            [prefix, limit],
        ).fetchall()


def prefix_counts(connection: Connection, prefix: str) -> PrefixCounts:
    """Return what is stored of a prefix, for its checks."""
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
    """Hold one moment of the store for several queries, which can't write.

    The rows of open conflicts are in the temporary table `sides`: their status is derived once for all of them. The
    temporary table `visits` holds each of their visits once, with the sums over its rows; `pairs` holds each conflict
    once, with its two payers and the later of its two starts that a calendar can tell.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
        # Of tables that a first night has just filled PostgreSQL knows no sizes, and would join them row by row.
        connection.execute("SET LOCAL enable_nestloop = off")
        connection.execute(_MAKE_SIDES)
        connection.execute(_MAKE_VISITS)
        connection.execute(_MAKE_PAIRS, {"first": first_moment(), "end": end_of_calendar()})
        connection.execute("SET LOCAL enable_nestloop = on")
        # A small sample is enough to choose how to join, and takes a tenth of the time.
        connection.execute("SET LOCAL default_statistics_target = 10")
        connection.execute("ANALYZE sides, visits, pairs")
        connection.execute("SET TRANSACTION READ ONLY")
        yield


def totals(connection: Connection, prefix_length: int) -> StoreTotals:
    """Return the totals of the store at one moment."""
    with open_sides(connection):
        return read_totals(connection, prefix_length)


def open_conflicts(connection: Connection) -> int:
    """Return how many conflicts are open."""
    row = connection.execute(
        f"""SELECT count(*) FROM conflict_states WHERE {OPEN} AND visit_id < con_visit_id COLLATE "C" """  # noqa: S608 - a constant
    ).fetchone()
    return int(row[0]) if row else 0


def read_totals(connection: Connection, prefix_length: int) -> StoreTotals:
    """Return the totals of the store.

    The caller owns `open_sides`.
    """
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
    """Return the visit ids of every stored conflict that holds between two dates.

    Both dates of a conflict lie from `first` to `last`. The smaller visit id comes first.
    """
    rows = connection.execute(
        """SELECT visit_id, con_visit_id FROM visit_conflicts
           WHERE resolved_at IS NULL AND visit_id < con_visit_id COLLATE "C"
               AND visit_date BETWEEN %(first)s AND %(last)s AND con_visit_date BETWEEN %(first)s AND %(last)s""",
        {"first": first, "last": last},
    ).fetchall()
    return {(visit, other) for visit, other in rows}


def open_pairs(connection: Connection) -> pa.Table:
    """Return the open conflicts, one row each.

    The columns are `visit_id`, `con_visit_id` and `flag`. `visit_id` is the smaller id, and `flag` is the rule's flag.
    """
    rows = connection.execute(
        f"""SELECT visit_id, con_visit_id, rule FROM conflict_states
            WHERE {OPEN} AND visit_id < con_visit_id COLLATE "C"
            ORDER BY visit_id COLLATE "C", con_visit_id COLLATE "C" """  # noqa: S608 - a constant
    ).fetchall()
    columns = [[row[0] for row in rows], [row[1] for row in rows], [FLAGS[row[2] - 1] for row in rows]]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=["visit_id", "con_visit_id", "flag"])


def last_window(connection: Connection) -> Window | None:
    """Return the window of the newest snapshot.

    Return None while nothing was committed.
    """
    row = connection.execute(
        "SELECT first_date, last_date FROM prefix_runs WHERE latest ORDER BY as_of DESC LIMIT 1"
    ).fetchone()
    return Window(first=row[0], last=row[1]) if row else None
