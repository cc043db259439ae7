"""Open conflicts as tables in memory, which the report's queries read."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.calendar import end_of_calendar, first_moment
from conflict_assets.domain.statuses import Status
from conflict_assets.partitions import all_prefixes
from conflict_assets.store.open_columns import OPEN_COLUMNS, read_columns
from conflict_assets.store.row_types import StoreTotals
from conflict_assets.store.stored_columns import FLAGS

Connection = psycopg.Connection[Any]
Tables = duckdb.DuckDBPyConnection

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,
}

_DECIDED = "SELECT DISTINCT pair_id FROM holding_decisions"

_NEW = """
    SELECT c.ssn_prefix, c.pair_id, right(c.ssn, 4) FROM visit_conflicts AS c
    JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
    WHERE c.resolved_at IS NULL AND c.first_detected_at >= r.new_since"""

_MAKE_VISITS = """CREATE TABLE visits AS
    SELECT ssn_prefix, caregiver, visit, provider_id, provider_name, billed, payer_id, contract,
        max(shift_amount) AS amount, count(*) AS conflicts, sum(overlap_amount) AS overlap_amount
    FROM sides GROUP BY ALL"""

_MAKE_PAIRS = """CREATE TABLE pairs AS
    SELECT ssn_prefix, any_value(last_four) AS last_four, pair_id, sum(overlap_amount) AS amount,
        sum(shift_amount) AS shifts, max(start) FILTER (WHERE start >= $first AND start < $end) AS start,
        min(payer_id) AS payer_id, max(payer_id) AS con_payer_id
    FROM sides GROUP BY ssn_prefix, caregiver, pair_id"""

_STATUSES = """
    SELECT status, count(*) FROM conflict_states WHERE visit_id < con_visit_id COLLATE "C"
    GROUP BY status ORDER BY status"""

_OPEN = "SELECT rule, ssn_prefix, count(*) FROM sides WHERE is_first_side GROUP BY rule, ssn_prefix"

_VISITS = """
    SELECT coalesce(sum(conflicts), 0), count(DISTINCT (ssn_prefix, caregiver)), count(DISTINCT provider_id),
        coalesce(sum(overlap_amount), 0), count(*), coalesce(sum(amount), 0)
    FROM visits"""


class OpenTables(NamedTuple):
    """Open conflicts as tables, and the number of conflicts of each status at the same moment."""

    tables: Tables
    by_status: Mapping[str, int]


@contextmanager
def open_tables(connection: Connection) -> Iterator[OpenTables]:
    """Hold one moment of the store, which can't be written meanwhile, and its open conflicts as tables.

    `sides` has a row for each side of each open conflict. `visits` holds each of their visits once, with the sums over
    its rows. `pairs` holds each conflict once, with its amounts, its two payers and the later of its two starts that a
    calendar can tell.
    """
    with connection.transaction(), duckdb.connect(":memory:", config=_CONFIG) as tables:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
        decided = [pair_id for (pair_id,) in connection.execute(_DECIDED)]
        tables.register("sides", _sides(connection, pa.array(decided, pa.string())))
        with ThreadPoolExecutor(1) as beside:
            made = beside.submit(_make_tables, tables)
            by_status = dict(connection.execute(_STATUSES).fetchall())
            made.result()
        yield OpenTables(tables, by_status)


def _make_tables(tables: Tables) -> None:
    tables.execute(_MAKE_VISITS)
    tables.execute(_MAKE_PAIRS, {"first": first_moment(), "end": end_of_calendar()})


def add_new_pairs(connection: Connection, open_conflicts: OpenTables) -> None:
    """Add the table `new_pairs`: the open conflicts that have the status new.

    The store is not asked when all of them are, as after a first night, or none. A pair of which somebody has removed
    a row may be missing in the counts by status, and makes it be asked.
    """
    tables, by_status = open_conflicts
    ((pairs,),) = tables.execute("SELECT count(*) FROM pairs").fetchall()
    new = by_status.get(Status.NEW, 0)
    if new in {0, pairs} and new + by_status.get(Status.OPEN, 0) == pairs:
        tables.execute(f"CREATE VIEW new_pairs AS FROM pairs WHERE {new > 0}")
        return
    names = ("ssn_prefix", "pair_id", "last_four")
    columns = list(zip(*connection.execute(_NEW), strict=True)) or [()] * len(names)
    tables.register("new_keys", pa.table([pa.array(column, pa.string()) for column in columns], names=list(names)))
    tables.execute("CREATE VIEW new_pairs AS FROM pairs SEMI JOIN new_keys USING (ssn_prefix, pair_id, last_four)")


def read_totals(open_conflicts: OpenTables, prefix_length: int) -> StoreTotals:
    """Return the totals of the store."""
    tables, by_status = open_conflicts
    by_rule = dict.fromkeys(FLAGS, 0)
    by_prefix = dict.fromkeys(all_prefixes(prefix_length), 0)
    for rule, prefix, count in tables.execute(_OPEN).fetchall():
        by_rule[FLAGS[rule - 1]] += count
        by_prefix[prefix] += count
    ((rows, caregivers, agencies, overlap_amount, visits, shift_amount),) = tables.execute(_VISITS).fetchall()
    return StoreTotals(
        open_conflicts=sum(by_prefix.values()),
        rows=rows,
        visits=visits,
        caregivers=caregivers,
        agencies=agencies,
        shift_amount=float(shift_amount),
        overlap_amount=float(overlap_amount),
        by_status=by_status,
        by_rule=by_rule,
        by_prefix=by_prefix,
    )


def _sides(connection: Connection, decided: pa.Array) -> pa.Table:
    """Return the columns of all prefixes, with the prefix of each row and without pairs that are decided."""
    tables = [_with_prefix("", OPEN_COLUMNS.empty_table())]
    for prefix, columns in read_columns(connection):
        is_open = pc.invert(pc.is_in(columns["pair_id"], decided))
        tables.append(_with_prefix(prefix, columns.filter(is_open) if len(decided) else columns))
    return pa.concat_tables(tables)


def _with_prefix(prefix: str, columns: pa.Table) -> pa.Table:
    first_of_one = pa.repeat(pa.scalar(0, pa.int8()), columns.num_rows)
    return columns.add_column(0, "ssn_prefix", pa.DictionaryArray.from_arrays(first_of_one, [prefix]))
