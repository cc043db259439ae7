"""What the report reads of open conflicts, as columns: kept by each commit, and read back.

A report over many conflicts would spend its time on joining and sorting wide rows. Each commit therefore keeps the few
columns that the report needs of its prefix's rows, without statuses: decisions are applied when they are read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from conflict_assets.domain.calendar import end_of_calendar, first_moment
from conflict_assets.domain.detection_result import FLAGS
from conflict_assets.store.copying import fitted
from conflict_assets.store.incoming import Incoming, visit_keys
from conflict_assets.store.replace_statements import TOUCHED
from conflict_assets.store.store_queries import MOST_DOLLARS
from conflict_assets.store.stored_columns import STORED_CONFLICT, STORED_VISIT

Connection = psycopg.Connection[Any]

_TEXT = pa.dictionary(pa.int32(), pa.string())

OPEN_COLUMNS = pa.schema(
    [
        ("caregiver", pa.int32()),
        ("last_four", _TEXT),
        ("pair_id", _TEXT),
        ("group_id", _TEXT),
        ("rule", pa.int8()),
        ("visit", pa.int32()),
        ("is_first_side", pa.bool_()),
        ("visit_date", pa.date32()),
        ("provider_id", _TEXT),
        ("con_provider_id", _TEXT),
        ("provider_name", _TEXT),
        ("billed", pa.bool_()),
        ("overlap_minutes", pa.float64()),
        ("shift_amount", pa.float64()),
        ("overlap_amount", pa.float64()),
        ("payer_id", _TEXT),
        ("contract", _TEXT),
        ("start", pa.timestamp("us", "UTC")),
    ]
)
"""A side of a conflict. Caregivers and visits are numbers that mean something within a prefix only.

A change of it needs a migration that empties `open_conflict_columns`: what is kept has the columns of its time.
"""

_CONFLICT_NEEDS = (
    *("ssn", "visit_id", "con_visit_id", "provider_id", "con_provider_id", "visit_date"),
    *(*FLAGS, "overlap_minutes", "pair_id", "group_id", "cost_type", "shift_amount", "overlap_amount"),
)
_VISIT_TIMES = ("sch_start_time", "visit_start_time", "visit_end_time")
_VISIT_NEEDS = ("ssn", "visit_id", "provider_name", "payer_id", "contract", *_VISIT_TIMES)

_ALONE = pa.ipc.IpcReadOptions(use_threads=False)
"""How a prefix's columns are read: they are few, and threads would cost more than they give."""

_KEPT = "SELECT EXISTS (SELECT FROM open_conflict_columns WHERE ssn_prefix = %s AND digest = %s)"

_KEEP = """
    INSERT INTO open_conflict_columns (ssn_prefix, digest, rows, arrow) VALUES (%s, %s, %s, %b)
    ON CONFLICT (ssn_prefix) DO UPDATE SET digest = excluded.digest, rows = excluded.rows, arrow = excluded.arrow"""

_UNCHANGED = f"""
    WITH conflicts AS (
        SELECT ssn_prefix, bool_or({TOUCHED.format("written")}) AS touched, sum(written.rows) AS rows
        FROM prefix_runs AS r JOIN (
            SELECT c.ssn_prefix, c.xmin AS xmin, count(*) FILTER (
                WHERE c.resolved_at IS NULL AND c.visit_date BETWEEN r.first_date AND r.last_date
                    AND c.con_visit_date BETWEEN r.first_date AND r.last_date) AS rows
            FROM visit_conflicts AS c JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
            GROUP BY c.ssn_prefix, c.xmin
        ) AS written USING (ssn_prefix)
        WHERE r.latest GROUP BY ssn_prefix
    ), visits AS (
        SELECT ssn_prefix, bool_or({TOUCHED.format("written")}) AS touched
        FROM prefix_runs AS r JOIN (
            SELECT ssn_prefix, xmin AS xmin FROM conflict_visits GROUP BY ssn_prefix, conflict_visits.xmin
        ) AS written USING (ssn_prefix)
        WHERE r.latest GROUP BY ssn_prefix
    )
    SELECT r.ssn_prefix
    FROM prefix_runs AS r JOIN open_conflict_columns AS k ON k.ssn_prefix = r.ssn_prefix AND k.digest = r.digest
    LEFT JOIN conflicts AS c ON c.ssn_prefix = r.ssn_prefix
    LEFT JOIN visits AS v ON v.ssn_prefix = r.ssn_prefix
    WHERE r.latest AND coalesce(c.rows, 0) = k.rows AND age(r.settled_xid::xid) >= age(r.xmin)
        AND NOT coalesce(c.touched, false) AND NOT coalesce(v.touched, false)"""  # noqa: S608 - a constant
"""The prefixes whose columns are those of their rows: nothing was written since the commit that kept them.

Rows are grouped by the transactions that wrote them first. Only these few are asked for their age, which PostgreSQL
does in one process, while it reads and groups rows in several.
"""

_CONFLICT_ROWS = sql.SQL(
    """SELECT {} FROM visit_conflicts AS c
       JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
       WHERE c.resolved_at IS NULL AND c.ssn_prefix = %s
           AND c.visit_date BETWEEN r.first_date AND r.last_date
           AND c.con_visit_date BETWEEN r.first_date AND r.last_date"""
).format(sql.SQL(", ").join(sql.Identifier("c", name) for name in _CONFLICT_NEEDS))

_VISIT_ROWS = sql.SQL("SELECT {} FROM conflict_visits WHERE ssn_prefix = %(prefix)s").format(
    sql.SQL(", ").join(
        # Python knows no times that the calendar does not have, and somebody may have written one.
        sql.SQL("CASE WHEN {0} >= %(first)s AND {0} < %(end)s THEN {0} END").format(sql.Identifier(name))
        if name in _VISIT_TIMES
        else sql.Identifier(name)
        for name in _VISIT_NEEDS
    )
)


def keep_columns(connection: Connection, prefix: str, incoming: Incoming) -> None:
    """Keep the columns of a commit's rows, where those of the same rows are not kept already.

    The caller owns the transaction.
    """
    row = connection.execute(_KEPT, [prefix, incoming.digest]).fetchone()
    if row and row[0]:
        return
    packed = _packed(open_columns(incoming.conflict_rows, incoming.visits))
    connection.execute(_KEEP, [prefix, incoming.digest, incoming.rows, packed])


def read_columns(connection: Connection) -> Iterator[tuple[str, pa.Table]]:
    """Yield each committed prefix with its columns.

    Where somebody has written to a prefix since its commit, or its columns are not kept, they are made of the rows.
    """
    unchanged = {prefix for (prefix,) in connection.execute(_UNCHANGED)}
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            "SELECT ssn_prefix, arrow FROM open_conflict_columns WHERE ssn_prefix = ANY(%s)", [sorted(unchanged)]
        )
        for prefix, packed in cursor:
            yield prefix, pa.ipc.open_stream(packed, options=_ALONE).read_all()
    for (prefix,) in connection.execute("SELECT ssn_prefix FROM prefix_runs WHERE latest").fetchall():
        if prefix not in unchanged:
            yield prefix, _columns_of_rows(connection, prefix)


def open_columns(conflict_rows: pa.Table, visits: pa.Table) -> pa.Table:
    """Return `OPEN_COLUMNS` of conflict rows and their visits, which have the stored columns."""
    keys = visit_keys(conflict_rows, "visit_id")
    own = visits.select(_VISIT_NEEDS).take(pc.index_in(keys, visit_keys(visits, "visit_id")))
    whole = pc.and_(pc.is_valid(own["visit_start_time"]), pc.is_valid(own["visit_end_time"]))
    columns = {
        "caregiver": _numbers(conflict_rows["ssn"]),
        "last_four": pc.utf8_slice_codeunits(conflict_rows["ssn"], -4),
        "pair_id": conflict_rows["pair_id"],
        "group_id": conflict_rows["group_id"],
        "rule": _rules(conflict_rows),
        "visit": _numbers(keys),
        "is_first_side": pc.less(conflict_rows["visit_id"], conflict_rows["con_visit_id"]),
        "visit_date": conflict_rows["visit_date"],
        "provider_id": conflict_rows["provider_id"],
        "con_provider_id": conflict_rows["con_provider_id"],
        "provider_name": own["provider_name"],
        "billed": pc.fill_null(pc.equal(conflict_rows["cost_type"], "recovery"), fill_value=False),
        "overlap_minutes": conflict_rows["overlap_minutes"],
        "shift_amount": _capped(conflict_rows["shift_amount"]),
        "overlap_amount": _capped(conflict_rows["overlap_amount"]),
        "payer_id": pc.fill_null(own["payer_id"], ""),
        "contract": own["contract"],
        "start": pc.if_else(whole, own["visit_start_time"], own["sch_start_time"]),
    }
    return pa.table([columns[each.name].cast(each.type) for each in OPEN_COLUMNS], schema=OPEN_COLUMNS)


def _columns_of_rows(connection: Connection, prefix: str) -> pa.Table:
    found = connection.execute(_CONFLICT_ROWS, [prefix]).fetchall()
    moments = {"first": first_moment(), "end": end_of_calendar()}
    visits = connection.execute(_VISIT_ROWS, {"prefix": prefix} | moments).fetchall()
    return open_columns(
        fitted(_table(_CONFLICT_NEEDS, found, STORED_CONFLICT), STORED_CONFLICT),
        fitted(_table(_VISIT_NEEDS, visits, STORED_VISIT), STORED_VISIT),
    )


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table(
        {name: pa.array(column, schema.field(name).type) for name, column in zip(names, columns, strict=True)}
    )


def _numbers(texts: pa.ChunkedArray) -> pa.Array:
    """Number the different texts."""
    return texts.combine_chunks().dictionary_encode().indices


def _rules(conflict_rows: pa.Table) -> pa.ChunkedArray:
    numbers = [pa.scalar(number, pa.int8()) for number in range(1, len(FLAGS) + 1)]
    return pc.case_when(pc.make_struct(*(conflict_rows[flag] for flag in FLAGS)), *numbers)


def _capped(amounts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.min_element_wise(amounts, MOST_DOLLARS, skip_nulls=False)


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())
