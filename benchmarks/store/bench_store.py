"""The store beside the pattern that it replaces: `make bench-store`.

100,000 conflict rows with their visits, in ten prefixes: the first night, a night in which 1 % of the conflicts and of
the visits differ, and a night in which nothing does. Seconds of wall time; each from frames in memory to the commit.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.store import replaced
from benchmarks.store.invented import InventedNight, invent
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded

PREFIXES = [f"{number:02d}" for number in range(10)]
LEAST_GAIN = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="conflict rows, two for each conflict")
    arguments = parser.parse_args()
    pairs = arguments.rows // 2 // len(PREFIXES)
    first = [invent(prefix, pairs) for prefix in PREFIXES]
    changed = [invent(prefix, pairs, changed=0.01) for prefix in PREFIXES]
    folder = Path(tempfile.mkdtemp(prefix="conflicts-bench-"))
    try:
        url = embedded_url(folder / "server", stay=True)
        return report(measure(url, [first, changed, changed]), arguments.rows)
    finally:
        stop_embedded(folder / "server")
        shutil.rmtree(folder)


def measure(url: str, nights: list[list[InventedNight]]) -> list[tuple[float, float]]:
    """Return the seconds of both for each night.

    They take turns prefix by prefix, so that a busy machine is busy for both.
    """
    seconds = []
    with (
        ConflictStore(url=url, prefix_length=2) as store,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        store.administration.prepare()
        replaced.make(connection)
        for number, parts in enumerate(nights):
            connection.execute("CHECKPOINT")
            before = now = 0.0
            for part in parts:
                frame = replaced.wide_frame(part)
                before += timed(partial(replaced.write, connection, frame, first=not number))
                now += timed(partial(store.conflicts.replace_prefix, part.commit(number)))
            seconds.append((before, now))
    return seconds


def timed(write: Callable[[], object]) -> float:
    started = time.perf_counter()
    write()
    return time.perf_counter() - started


def report(seconds: list[tuple[float, float]], rows: int) -> int:
    print(f"{rows:,} conflict rows with their visits, {len(PREFIXES)} prefixes; seconds")
    print(f"{'':18}{'replaced':>10}{'store':>10}{'gain':>8}")
    gains = [old / new for old, new in seconds]
    for name, (old, new), gain in zip(("first night", "1 % changed", "unchanged"), seconds, gains, strict=True):
        print(f"{name:18}{old:10.2f}{new:10.2f}{gain:7.1f}x")
    good = gains[0] >= 1 and gains[1] >= LEAST_GAIN
    print("as promised" if good else f"NOT as promised: at least 1x and {LEAST_GAIN:.0f}x")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
