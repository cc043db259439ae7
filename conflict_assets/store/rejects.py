"""The visits that could not be judged, as of each prefix's latest snapshot.

Only rows that differ are written: most visits that can't be judged tonight could not be judged last night either.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import pyarrow as pa

from conflict_assets.store.copying import copy_table, ddl, fitted

_REJECTED = pa.schema([("ssn_prefix", pa.string()), ("visit_id", pa.string()), ("reason", pa.string())])
_LOCK = 0x636F6E6A

_MAKE_LISTS = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming_rejected ({ddl(_REJECTED).as_string()}) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS stored_rejected (LIKE incoming_rejected) ON COMMIT DELETE ROWS"""

_LIST_STORED = """
    INSERT INTO stored_rejected
    SELECT ssn_prefix, visit_id, reason FROM rejected_visits
    WHERE ssn_prefix = ANY(%(prefixes)s) OR (%(without_prefix)s AND ssn_prefix IS NULL)"""

# A visit id may be rejected several times, and may be missing: rows are compared with their number. The join is also by
# texts that are never missing, since PostgreSQL joins missing values row by row.
_DELETE_GONE = """
    WITH gone AS MATERIALIZED (
        SELECT ssn_prefix, visit_id, reason, count(*) AS number
        FROM (SELECT * FROM stored_rejected EXCEPT ALL SELECT * FROM incoming_rejected) AS each
        GROUP BY ssn_prefix, visit_id, reason
    ), numbered AS (
        SELECT r.rejected_id, g.number,
            row_number() OVER (PARTITION BY r.ssn_prefix, r.visit_id, r.reason ORDER BY r.rejected_id DESC) AS place
        FROM rejected_visits AS r
        JOIN gone AS g ON r.reason = g.reason AND coalesce(r.visit_id, '') = coalesce(g.visit_id, '')
            AND r.visit_id IS NOT DISTINCT FROM g.visit_id AND r.ssn_prefix IS NOT DISTINCT FROM g.ssn_prefix
    )
    DELETE FROM rejected_visits AS r USING numbered AS n WHERE r.rejected_id = n.rejected_id AND n.place <= n.number"""

_INSERT_NEW = """
    INSERT INTO rejected_visits (ssn_prefix, visit_id, reason, run_id, as_of)
    SELECT n.*, %(run)s, %(as_of)s
    FROM (SELECT * FROM incoming_rejected EXCEPT ALL SELECT * FROM stored_rejected) AS n"""


def write_rejected(
    connection: psycopg.Connection[Any],
    run_id: str,
    rows: pa.Table,
    *,
    prefixes: Sequence[str],
    include_without_prefix: bool,
    as_of: datetime,
) -> None:
    """Bring the rejected visits of these prefixes to what a run has found.

    With `include_without_prefix` the rejected visits without a prefix are brought up to date too. A row that stays
    keeps the run that saw it first. The caller owns the transaction.
    """
    scope = {"prefixes": list(prefixes), "without_prefix": include_without_prefix}
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    connection.execute(_MAKE_LISTS)
    copy_table(connection, "incoming_rejected", fitted(rows, _REJECTED))
    connection.execute(_LIST_STORED, scope)
    connection.execute(_DELETE_GONE)
    connection.execute(_INSERT_NEW, {"run": run_id, "as_of": as_of})
