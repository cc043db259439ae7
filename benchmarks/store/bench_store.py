"""The store beside the pattern that it replaces: `make bench-store`.

100,000 conflict rows with their visits, in ten prefixes: the first night, a night in which 1 % of the conflicts and of
the visits differ, and a night in which nothing does. Seconds of wall time; each from frames in memory to the commit.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from benchmarks.store import replaced
from benchmarks.store.invented import Night, invent
from conflict_assets.store.embedded import embedded_url, stop_embedded
from conflict_assets.store.store import ConflictStore

PREFIXES = [f"{number:02d}" for number in range(10)]
LEAST_GAIN = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="conflict rows, two for each conflict")
    arguments = parser.parse_args()
    pairs = arguments.rows // 2 // len(PREFIXES)
    nights = {
        "first night": [invent(prefix, pairs) for prefix in PREFIXES],
        "1 % changed": [invent(prefix, pairs, changed=0.01) for prefix in PREFIXES],
    }
    nights["nothing changed"] = nights["1 % changed"]
    folder = Path(tempfile.mkdtemp(prefix="conflicts-bench-"))
    try:
        url = embedded_url(folder / "server", stay=True)
        return report(measure_replaced(url, nights), measure_store(url, nights), arguments.rows)
    finally:
        stop_embedded(folder / "server")
        shutil.rmtree(folder)


def measure_replaced(url: str, nights: dict[str, list[Night]]) -> list[float]:
    frames = {name: [replaced.wide_frame(night) for night in parts] for name, parts in nights.items()}
    with psycopg.connect(url, autocommit=True) as connection:
        replaced.make(connection)
        seconds = []
        for number, parts in enumerate(frames.values()):
            connection.execute("CHECKPOINT")
            seconds.append(timed(lambda frame, first=not number: replaced.write(connection, frame, first=first), parts))
        connection.execute("DROP TABLE wide")
    return seconds


def measure_store(url: str, nights: dict[str, list[Night]]) -> list[float]:
    seconds = []
    with ConflictStore(url=url, prefix_length=2) as store, psycopg.connect(url, autocommit=True) as other:
        store.prepare()
        for number, parts in enumerate(nights.values()):
            other.execute("CHECKPOINT")
            seconds.append(timed(lambda night, number=number: store.replace_prefix(night.commit(number)), parts))
    return seconds


def timed(write: Callable, parts: Sequence) -> float:
    started = time.perf_counter()
    for part in parts:
        write(part)
    return time.perf_counter() - started


def report(before: list[float], now: list[float], rows: int) -> int:
    print(f"{rows:,} conflict rows with their visits, {len(PREFIXES)} prefixes; seconds")
    print(f"{'':18}{'replaced':>10}{'store':>10}{'gain':>8}")
    gains = [old / new for old, new in zip(before, now, strict=True)]
    for name, old, new, gain in zip(("first night", "1 % changed", "unchanged"), before, now, gains, strict=True):
        print(f"{name:18}{old:10.2f}{new:10.2f}{gain:7.1f}x")
    good = gains[0] >= 1 and gains[1] >= LEAST_GAIN
    print("as promised" if good else f"NOT as promised: at least 1x and {LEAST_GAIN:.0f}x")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
