"""Measure the reading of the report's data as the store grows, beside an earlier version of the project.

Run it with `make bench-summary BEFORE=<checkout>`, where the checkout has its own .venv and keeps its runs in
`store.runs`. Each version has a store of its own, filled by its own commits: a first night, and a second one in which
1 % of the conflicts differ. Then both read the report's data in turns, each in a fresh process: first the figures of
its charts, then the rest.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.store.invented import invent
from conflict_assets.partitions import all_prefixes
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded

PREFIXES = all_prefixes(2)
ZONE = "America/New_York"
PARTS = ("charts", "the rest", "all")


def main() -> int:
    """Measure both versions and print the table, or do one part of it as a process of a version."""
    arguments = _arguments()
    if arguments.fill:
        _fill(arguments.fill, arguments.rows[0])
    elif arguments.read:
        print(*_read(arguments.read))
    else:
        _compare(arguments.before.absolute(), arguments.rows, arguments.rounds)
    return 0


def _compare(before: Path, sizes: list[int], rounds: int) -> None:
    print(f"{'conflict rows':>14} {'':>8} {'before, s':>10} {'now, s':>8} {'now / before':>13}")
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="summary-") as folder:
            servers = [Path(folder) / name for name in ("before", "now")]
            try:
                old, new = _measured([before, Path.cwd()], servers, rows, rounds)
            finally:
                for server in servers:
                    stop_embedded(server)
        for part, before_s, now_s in zip(PARTS, old, new, strict=True):
            print(f"{rows:>14,} {part:>8} {before_s:>10.2f} {now_s:>8.2f} {now_s / before_s:>13.2f}", flush=True)


def _measured(checkouts: list[Path], servers: list[Path], rows: int, rounds: int) -> list[list[float]]:
    """Return the median seconds of each part, for each checkout."""
    urls = [embedded_url(server, stay=True) for server in servers]
    for checkout, url in zip(checkouts, urls, strict=True):
        _in_version(checkout, "--fill", url, "--rows", str(rows))
    seconds: list[list[list[float]]] = [[] for _ in checkouts]
    for _ in range(rounds):
        for checkout, url, measured in zip(checkouts, urls, seconds, strict=True):
            measured.append(list(map(float, _in_version(checkout, "--read", url).split())))
    return [[statistics.median(part) for part in zip(*each, strict=True)] for each in seconds]


def _in_version(checkout: Path, *arguments: str) -> str:
    """Run this file with a checkout's package, and return what it prints."""
    return subprocess.run(  # noqa: S603 - our own file
        [checkout / ".venv" / "bin" / "python", __file__, *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def _fill(url: str, rows: int) -> None:
    pairs = rows // 2 // len(PREFIXES)
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.prepare()
        for prefix in PREFIXES:
            store.conflicts.replace_prefix(invent(prefix, pairs).commit(1))
        for prefix in PREFIXES:
            store.conflicts.replace_prefix(invent(prefix, pairs, changed=0.01).commit(2))


def _read(url: str) -> tuple[float, float, float]:
    """Read the report's data, and return the seconds of its parts."""
    known: list[float] = []
    with ConflictStore(url=url, prefix_length=2) as store:
        begun = time.perf_counter()
        store.runs.report_data(
            time_zone=ZONE, agency_time_zone=ZONE, on_figures=lambda _figures: known.append(time.perf_counter())
        )
        ended = time.perf_counter()
    return known[-1] - begun, ended - known[-1], ended - begun


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a checkout of the earlier version, with its .venv")
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 1_300_000], help="conflict rows")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--fill", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--read", metavar="URL", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
