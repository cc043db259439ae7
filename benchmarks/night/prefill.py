"""The table that the replaced pipeline finds at the start.

It has a row for each direction of every planted conflict, without its facts yet.
"""

from pathlib import Path

import duckdb
import psycopg

from benchmarks.night.replaced import COLUMNS
from benchmarks.store import replaced as store
from conflict_assets.source.synthetic.paths import planted_path_of

FILLED = ("ssn", "visit_id", "con_visit_id", "visit_date")
_ROWS = """
    WITH pairs AS (
        SELECT visit_id, con_visit_id, visit_date FROM read_parquet($planted)
        UNION ALL
        SELECT con_visit_id, visit_id, con_visit_date FROM read_parquet($planted)
    )
    SELECT DISTINCT replace(replace(c."SSN", '-', ''), ' ', ''), p.visit_id, p.con_visit_id, p.visit_date
    FROM "BI"."FACTVISITCALLPERFORMANCE_CR" AS f
    JOIN pairs AS p ON p.visit_id = f."Visit Id"
    JOIN "BI"."DIMCAREGIVER" AS c ON c."Caregiver Id" = f."Caregiver Id"
    ORDER BY ALL
"""


def prefill(source: Path, url: str) -> int:
    """Make the table, fill it, and return the number of its rows."""
    rows = 0
    with (
        duckdb.connect(str(source), read_only=True, config={"memory_limit": "2GB"}) as visits,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        visits.execute("SET enable_progress_bar = false")
        store.make(connection, COLUMNS)
        found = visits.execute(_ROWS, {"planted": str(planted_path_of(source))})
        with connection.cursor().copy(f"COPY wide ({', '.join(FILLED)}) FROM STDIN") as copy:
            while batch := found.fetchmany(10_000):
                for row in batch:
                    copy.write_row(row)
                rows += len(batch)
        connection.execute("VACUUM (ANALYZE) wide")
    return rows
