"""The floor: one query by two threads that only counts conflicts.

Run it with `python -m benchmarks.night.floor --source FILE`. It joins and judges as the rules say, on the raw tables,
and stores nothing: no program that reads this file can be faster.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.night.command import options, tell
from conflict_assets.domain.window import window_at
from conflict_assets.settings import load_settings

QUERY = Path(__file__).with_name("floor.sql")
THREADS = 2


def main() -> None:
    """Count the conflicts of the window that counts from today."""
    window = window_at(datetime.now(tz=UTC), load_settings().schedule_time_zone)
    with duckdb.connect(str(options(__doc__).source), read_only=True, config={"threads": THREADS}) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        query = QUERY.read_text(encoding="utf-8")
        counted = connection.execute(query, {"first": window.first, "last": window.last}).fetchone()
    tell(conflicts=counted[0] if counted else 0, fetched=1)


if __name__ == "__main__":
    main()
