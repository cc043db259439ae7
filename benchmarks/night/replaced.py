"""The pipeline that the product replaces, re-created.

Run it with `python -m benchmarks.night.replaced --source FILE --store URL`. Its wide table names the conflicts and
their caregivers, and every night it writes them anew. Four threads take prefixes from a queue. Each fetches every visit
of the prefix's caregivers with conflicts, as wide as it is, into pandas, merges and judges
(`benchmarks.engine.replaced`), and writes by a text COPY and one UPDATE (`benchmarks.store.replaced`). The threads
share one connection to the file, with a cursor each.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import psycopg

from benchmarks.engine.replaced import FLAGS, OTHER_COLUMNS, OWN_COLUMNS, find_conflicts
from benchmarks.night.command import options, tell
from benchmarks.store import replaced as store
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.domain.window import window_at
from conflict_assets.settings import load_settings
from conflict_assets.store.copying import TYPES

THREADS = 4
FETCH = Path(__file__).with_name("replaced.sql")
COLUMNS: store.Columns = (
    *((name, TYPES[VISIT_SCHEMA.field(name).type]) for name in OWN_COLUMNS),
    *((name, TYPES[VISIT_SCHEMA.field(name.removeprefix("con_")).type]) for name in OTHER_COLUMNS),
    *((name, "boolean") for name in FLAGS),
    *((name, "double precision") for name in ("distance_miles", "average_miles_per_hour", "eta")),
)
"""The columns of its table, which are those of its conflict rows."""


class PrefixThread:
    """One thread with its cursor, its connection to PostgreSQL and its figures.

    The figures are counts and seconds.
    """

    def __init__(self, source: duckdb.DuckDBPyConnection, url: str) -> None:
        self._source = source.cursor()
        self._url = url
        self._query = FETCH.read_text(encoding="utf-8")
        self._window = _instants()
        self.figures: Counter[str] = Counter()

    def work(self, prefixes: SimpleQueue[str]) -> Counter[str]:
        """Take prefixes until there are none left, and return the figures."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            while True:
                try:
                    self._finish(prefixes.get_nowait(), connection)
                except Empty:
                    return self.figures

    def _finish(self, prefix: str, connection: psycopg.Connection) -> None:
        begun = perf_counter()
        ssns = connection.execute("SELECT DISTINCT ssn FROM wide WHERE ssn LIKE %s", [f"{prefix}%"]).fetchall()
        visits = self._fetch([ssn for (ssn,) in ssns])
        fetched = perf_counter()
        conflicts = find_conflicts(visits)
        detected = perf_counter()
        self.figures["written"] += store.write(connection, conflicts, first=False, columns=COLUMNS)
        self.figures["fetched"] += len(visits)
        self.figures["conflicts"] += len(conflicts) // 2
        self.figures["fetch_seconds"] += fetched - begun
        self.figures["detect_seconds"] += detected - fetched
        self.figures["write_seconds"] += perf_counter() - detected

    def _fetch(self, ssns: list[str]) -> pd.DataFrame:
        """Fetch the visits of caregivers through Arrow.

        This takes half the time of DuckDB's own way into pandas.
        """
        fetched = self._source.sql(self._query, params={"ssns": ssns, **self._window})
        return fetched.to_arrow_table().to_pandas(date_as_object=False)


def _instants() -> dict[str, datetime]:
    """Return the first and the last instant of today's window."""
    zone = ZoneInfo(load_settings().schedule_time_zone)
    window = window_at(datetime.now(tz=UTC), zone.key)
    end = datetime.combine(window.last + timedelta(days=1), time(), zone)
    return {"first": datetime.combine(window.first, time(), zone), "last": end - timedelta(microseconds=1)}


def main() -> None:
    """Write every conflict of the table anew, and report the figures.

    Seconds are those of all threads.
    """
    given = options(__doc__)
    queue: SimpleQueue[str] = SimpleQueue()
    with psycopg.connect(given.store) as connection:
        for (prefix,) in connection.execute("SELECT DISTINCT left(ssn, 2) FROM wide ORDER BY 1"):
            queue.put(prefix)
    with duckdb.connect(str(given.source), read_only=True) as source, ThreadPoolExecutor(THREADS) as pool:
        source.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        workers = [PrefixThread(source, given.store) for _ in range(THREADS)]
        figures = sum(pool.map(lambda worker: worker.work(queue), workers), Counter())
    tell(**figures)


if __name__ == "__main__":
    main()
