"""The queries by which runs and reports read the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from conflict_assets.domain.calendar import end_of_calendar, first_moment
from conflict_assets.domain.statuses import OPEN_STATUSES
from conflict_assets.partitions import all_prefixes
from conflict_assets.store.row_types import StoreTotals
from conflict_assets.store.stored_columns import FLAGS

Connection = psycopg.Connection[Any]

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
