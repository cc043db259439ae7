"""The visits that could not be judged, as of each prefix's latest snapshot."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import pyarrow as pa

from conflict_assets.store.copying import copy_table, fitted

_REJECTED = pa.schema([("ssn_prefix", pa.string()), ("visit_id", pa.string()), ("reason", pa.string())])
_LOCK = 0x636F6E6A


def write_rejected(
    connection: psycopg.Connection[Any],
    run_id: str,
    rows: pa.Table,
    *,
    prefixes: Sequence[str],
    include_without_prefix: bool,
    as_of: datetime,
) -> None:
    """Replace the rejected visits of these prefixes.

    With `include_without_prefix` the rejected visits without a prefix are replaced too. The caller owns the
    transaction.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    connection.execute(
        "DELETE FROM rejected_visits WHERE ssn_prefix = ANY(%s) OR (%s AND ssn_prefix IS NULL)",
        [list(prefixes), include_without_prefix],
    )
    moment = pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
    copy_table(connection, "rejected_visits", fitted(rows, _REJECTED), run_id=run_id, as_of=moment)
