"""Measure a whole night.

Run it with `python -m benchmarks.night.bench`, `make bench` or `make bench-small`. It generates visits, lets the
contenders run in turns, and prints costs, verdicts and where a night's time goes. With `--write` it also writes
docs/benchmarks.md and its picture. A figure that is missed is reported, and is no failure.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.night.contenders import DATE, LATER, NAMES, NEXT_DATE, OF_NEXT_DATE, Arena
from benchmarks.night.machine import machine, versions
from benchmarks.night.measurement import Measurement, keep, kept, medians
from benchmarks.night.picture import draw
from benchmarks.night.report import plain, section, tables, write_section
from benchmarks.night.server import MeasuredServer, running
from benchmarks.night.sources import Cache
from conflict_assets.domain.window import window_at
from conflict_assets.settings import load_settings, project_folder

SIZES = (1_000_000, 10_000_000, 60_000_000)
ONCE_FROM = 60_000_000
"""The number of visits from which on the replaced pipeline runs once."""

TOO_LONG = 30 * 60
"""The seconds beyond which the replaced pipeline is extrapolated, not run."""


def main() -> int:
    """Measure the contenders and report the results."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    with tempfile.TemporaryDirectory(prefix="night-") as temporary, running(Path(temporary) / "server") as server:
        setting = [f"Machine: {machine()}", f"Versions: {versions(server.version)}"]
        runs = kept(arguments.tell) if arguments.tell else list(_measured(arguments, server, Path(temporary)))
    found = medians(runs)
    print("\n".join(setting), *map(plain, tables(found)), sep="\n\n", flush=True)
    if arguments.write:
        docs = project_folder() / "docs"
        draw(found, docs / "night.png")
        write_section(docs / "benchmarks.md", section(found, setting))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="VISITS", help="how many visits")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs")
    parser.add_argument("--contenders", nargs="+", choices=NAMES, default=list(NAMES), help="who takes part")
    parser.add_argument(
        "--cache", type=Path, default=project_folder() / "data" / "bench", help="where generated files are kept"
    )
    parser.add_argument("--as-of", type=date.fromisoformat, help="use only generated files of this day (YYYY-MM-DD)")
    parser.add_argument("--keep", type=Path, help="a file to add every run to, a line each")
    parser.add_argument("--tell", type=Path, help="measure nothing: tell of the runs in such a file")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and docs/night.png")
    return parser.parse_args()


def _measured(arguments: argparse.Namespace, server: MeasuredServer, folder: Path) -> Iterator[Measurement]:
    cache = Cache(arguments.cache.absolute(), load_settings().today(), arguments.as_of)
    earlier: list[Measurement] = []
    for visits in sorted(arguments.sizes):
        arena = Arena(cache.source(visits), server, folder)
        arena.prepare(set(arguments.contenders))
        expected = _expected(earlier, visits)
        if expected is not None and expected.wall > TOO_LONG:
            earlier.append(expected)
        for run in _rounds(arena, arguments, skipped={"a"} if expected and expected.wall > TOO_LONG else set()):
            name = NAMES[run.contender]
            print(f"{run.visits:,} visits, {name}: {run.wall:.1f} s, {run.conflicts:,} conflicts", flush=True)
            earlier.append(run)
            if arguments.keep:
                keep(arguments.keep, run)
        _compare(arena, earlier)
    yield from earlier


def _expected(earlier: list[Measurement], visits: int) -> Measurement | None:
    """Estimate what the replaced pipeline would cost.

    The largest size at which it ran is scaled.
    """
    known = [run for run in medians(earlier).values() if run.contender == "a" and not run.extrapolated]
    return max(known, key=lambda run: run.visits).scaled(visits) if known else None


def _rounds(arena: Arena, arguments: argparse.Namespace, *, skipped: set[str]) -> Iterator[Measurement]:
    wanted = [name for name in NAMES if name in arguments.contenders and name not in {*skipped, *LATER}]
    later = [name for name in LATER if name in arguments.contenders]
    for number in range(arguments.rounds):
        for contender in wanted:
            if contender == "a" and number and arena.source.visits >= ONCE_FROM:
                continue
            yield from arena.run(contender, later)


def _compare(arena: Arena, runs: list[Measurement]) -> None:
    """Compare the runs with what was planted in the window of their date.

    The replaced pipeline is left out, since its rules are its own.
    """
    for run in runs:
        if run.visits != arena.source.visits or run.contender == "a":
            continue
        window = window_at(datetime.now(tz=UTC), NEXT_DATE if run.contender in OF_NEXT_DATE else DATE)
        planted = arena.source.planted(window)
        if run.conflicts != planted:
            print(
                f"{NAMES[run.contender]} found {run.conflicts:,} conflicts, but {planted:,} are planted in the window"
            )


if __name__ == "__main__":
    sys.exit(main())
