"""What one night asks of the warehouse: `make bench-source`.

Generates visits (10 million unless an option says otherwise), then reads a night's snapshot from the DuckDB source in a
process of its own. Prints seconds of the count and of the read, rows that leave, statements that read the fact view
(counted in the engine's profile), and the peak memory.
"""

import argparse
import json
import re
import resource
import sys
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import duckdb

from conflict_assets.domain.window import window_at
from conflict_assets.partitions import all_prefixes
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import VisitQuery
from conflict_assets.source.query import SURVEY_TABLE, rows_statement, survey_statement
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets.source.statement import Statement
from conflict_assets.source.synthetic import generate

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
MEBIBYTE = 1 << 20
MOST_MEMORY = 1024
MOST_TRAVELLING = 0.1
MOST_SCANS = 2


def night(prefixes: tuple[str, ...]) -> VisitQuery:
    """Return the query of a night at the generator's date."""
    window = window_at(NOON, "America/New_York")
    return VisitQuery(prefixes=prefixes, prefix_length=2, first_date=window.first, last_date=window.last)


def take(path: Path, folder: Path) -> dict[str, Any]:
    """Take a snapshot of all prefixes as the asset does, and return its cost."""
    query = night(tuple(all_prefixes(2)))
    with DuckDBVisitSource(path, temp_directory=folder).open(run_id="bench") as reader:
        begun = perf_counter()
        survey = reader.survey(query)
        counted = perf_counter()
        snapshot = SnapshotStore(folder / "snapshots").write(
            "bench", query, NOON, reader.read_visits(query, survey), survey
        )
        read = perf_counter()
    return {
        "survey_s": counted - begun,
        "read_s": read - counted,
        "active": snapshot.total_counts()["active"],
        "travelled": sum(snapshot.visits(prefix).num_rows for prefix in snapshot.contested_prefixes)
        + snapshot.all_left_out().num_rows,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBIBYTE,
    }


def scans_of_the_fact(path: Path, prefixes: tuple[str, ...]) -> int:
    """Count the scans of the fact view in a run's statements.

    The count is taken from the plans that DuckDB makes.
    """
    with DuckDBVisitSource(path).open(run_id="bench") as reader:
        query, layout = night(prefixes), reader._exact_layout  # noqa: SLF001 - the benchmark needs the very statement
        survey = reader.survey(query)
        reader._connection.register(SURVEY_TABLE, survey.pointers)  # noqa: SLF001
        statements = (survey_statement(query, layout, "duckdb"), rows_statement(query, survey, layout, "duckdb"))
        return sum(_scans(reader._connection, statement) for statement in statements)  # noqa: SLF001


def _scans(connection: duckdb.DuckDBPyConnection, statement: Statement) -> int:
    explained = connection.execute(f"EXPLAIN (FORMAT JSON) {statement.sql}", dict(statement.named)).fetchall()
    return len(re.findall(rf'"Table": "[^,]*{FACT}"', json.dumps(json.loads(explained[0][1]))))


def main() -> int:
    """Print what a night costs, and fail when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=10_000_000)
    parser.add_argument("--file", type=Path, help="a file generated earlier")
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = arguments.file or generate(folder / "visits.duckdb", visits=arguments.visits, as_of=NOON.date()).path
        with get_context("spawn").Pool(1) as pool:
            cost = pool.apply(take, (path, folder))
        scans = {len(some): scans_of_the_fact(path, some) for some in (("04",), tuple(all_prefixes(2)))}
    share = cost["travelled"] / cost["active"]
    print(f"survey {cost['survey_s']:.1f} s, read and write {cost['read_s']:.1f} s, peak {cost['peak_mib']:,.0f} MiB")
    print(f"{cost['active']:,} active visits, {cost['travelled']:,} rows travelled: {share:.1%}")
    print(", ".join(f"{prefixes} prefixes: {found} scans of the fact view" for prefixes, found in scans.items()))
    kept = share <= MOST_TRAVELLING and max(scans.values()) <= MOST_SCANS and cost["peak_mib"] <= MOST_MEMORY
    return 0 if kept and min(scans.values()) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
