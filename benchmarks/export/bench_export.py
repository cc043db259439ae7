"""What an export of a million rows costs: `make bench-export`.

A million conflict rows of 147 columns, every one filled, in ten prefixes of an embedded store; then `conflict-assets
export` of all of them to each format, each in a process of its own, on a terminal, so that progress is shown.
"""

import argparse
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.store.invented import invent
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
PREFIXES = [f"{number:02d}" for number in range(10)]
MOST_MIB = 500


@dataclass(frozen=True)
class Cost:
    """The cost of one export.

    It has the rows that the command reported, seconds, the most memory of its process, the file's size, and the states
    of the bar.
    """

    rows: int
    seconds: float
    mib: float
    file_mib: float
    shown: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="conflict rows, two for each conflict")
    parser.add_argument("--formats", nargs="+", default=["csv", "parquet", "xlsx"])
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="conflicts-bench-"))
    try:
        url = embedded_url(folder / "server", stay=True)
        fill(url, arguments.rows)
        print(f"{'':10}{'rows':>12}{'seconds':>10}{'rows/s':>10}{'peak MiB':>10}{'file MiB':>10}{'progress':>10}")
        costs = [measure(url, folder / f"conflicts.{each}") for each in arguments.formats]
    finally:
        stop_embedded(folder / "server")
        shutil.rmtree(folder)
    good = all(cost.rows == arguments.rows and cost.mib <= MOST_MIB and cost.shown > 1 for cost in costs)
    print("as promised" if good else f"NOT as promised: all rows, progress, and at most {MOST_MIB} MiB")
    return 0 if good else 1


def fill(url: str, rows: int) -> None:
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.prepare()
        for prefix in PREFIXES:
            store.conflicts.replace_prefix(invent(prefix, rows // 2 // len(PREFIXES)).commit(1))


def measure(url: str, file: Path) -> Cost:
    """Export to a file and return what it cost."""
    ours, theirs = pty.openpty()
    screen: list[bytes] = []
    environment = {**os.environ, "CONFLICTS_POSTGRES_URL": url, "CONFLICTS_DATA_DIR": str(file.parent / "data")}
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "export", "--both-sides", "--columns", "all", "--out", str(file)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    watching = threading.Thread(target=watch, args=(ours, screen))
    watching.start()
    mib = most_memory(process)
    seconds = time.perf_counter() - started
    said = process.stdout.read().decode() if process.stdout else ""
    watching.join()
    told = re.search(r": ([\d,]+) rows", said)
    cost = Cost(
        rows=int(told[1].replace(",", "")) if told and not process.returncode else 0,
        seconds=seconds,
        mib=mib,
        file_mib=file.stat().st_size / 2**20 if file.exists() else 0.0,
        shown=len(set(re.findall(rb"(\d+)/\d+", b"".join(screen)))),
    )
    print(
        f"{file.suffix:10}{cost.rows:12,}{seconds:10.1f}{cost.rows / seconds:10,.0f}{cost.mib:10,.0f}"
        f"{cost.file_mib:10,.0f}{cost.shown:10,}",
        flush=True,
    )
    file.unlink(missing_ok=True)
    return cost


def most_memory(process: subprocess.Popen[bytes]) -> float:
    """Return the most memory in MiB that a process held until it ended.

    The figure of `wait` would count the memory of this process, before the fork.
    """
    peak = 0
    while process.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
        peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.1)
    return peak / 1024


def watch(terminal: int, screen: list[bytes]) -> None:
    """Store what a terminal shows until nobody writes to it any more."""
    try:
        while part := os.read(terminal, 65_536):
            screen.append(part)
    except OSError:
        pass
    finally:
        os.close(terminal)


if __name__ == "__main__":
    sys.exit(main())
