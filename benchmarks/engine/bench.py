"""Time the engine beside the algorithm that it replaced.

Run it with `python -m benchmarks.engine.bench`. Both get the same frame in the same process, in turns. Medians, their
ratio and the peaks of memory are printed. Each peak is measured in a process of its own, beyond what the input takes.
First, both must find the same conflicts.
"""

import ctypes
import gc
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from benchmarks.engine.data import make_visits
from benchmarks.engine.hostile import report_hostile_density
from benchmarks.engine.replaced import FLAGS, find_conflicts
from conflict_assets.domain.detection import DetectionPolicy, detect_conflicts

REPLACED_POLICY = DetectionPolicy(cross_midnight=False, back_to_back_counts=False, incomplete_actuals="ignore")
ORIGINAL = (92_939, 0.003, 1.17)
"""The one run of the original that was measured.

The figures are visits, the share of them in a conflict, and seconds.
"""
CASES = ((100_000, 0.02, 9), (100_000, 0.2, 9), (650_000, 0.02, 5), (650_000, 0.2, 5))
"""The cases: visits, the share of them in a conflict, and rounds."""
KEYS = ["visit_id", "con_visit_id"]
MEBIBYTE = 1 << 20


class Contender(NamedTuple):
    """One of the two: its name and its function for a frame of visits."""

    name: str
    detect: Callable[[pd.DataFrame], pd.DataFrame]


def detect_with_engine(visits: pd.DataFrame) -> pd.DataFrame:
    """Detect by the default policy, which compares more pairs than the replaced algorithm did."""
    return detect_conflicts(visits).conflicts


REPLACED = Contender("replaced", find_conflicts)
ENGINE = Contender("engine", detect_with_engine)


def check_agreement(visits: pd.DataFrame) -> int:
    """Check that both find the same conflicts and flags, and return their number.

    Both use the replaced system's policy.
    """
    found = [detect_conflicts(visits, REPLACED_POLICY).conflicts, find_conflicts(visits)]
    ours, theirs = (rows[[*KEYS, *FLAGS]].sort_values(KEYS).reset_index(drop=True) for rows in found)
    if not ours.equals(theirs):
        sys.exit("engine and replaced algorithm found different conflicts")
    return len(ours)


def time_in_turns(visits: pd.DataFrame, rounds: int) -> dict[str, float]:
    """Return the median seconds of each contender, after one round that doesn't count."""
    seconds: dict[str, list[float]] = {REPLACED.name: [], ENGINE.name: []}
    for _ in range(rounds + 1):
        for contender in (REPLACED, ENGINE):
            gc.collect()
            begun = perf_counter()
            contender.detect(visits)
            seconds[contender.name].append(perf_counter() - begun)
    return {name: median(times[1:]) for name, times in seconds.items()}


def peak_of(contender_name: str, count: int, share: float) -> int:
    """Return the bytes by which one run raises the peak of resident memory.

    The memory of the input does not count.
    """
    contender = {REPLACED.name: REPLACED, ENGINE.name: ENGINE}[contender_name]
    visits = make_visits(count, share)
    contender.detect(visits.head(1000))
    _give_back_free_memory()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    contender.detect(visits)
    return _resident("VmHWM") - before


def _give_back_free_memory() -> None:
    """Return the free memory that making the input left behind.

    Otherwise the run would use that memory and seem to need less.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)


def _resident(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith(field))
    return int(kibibytes) * 1024


def measure_memory(count: int, share: float) -> dict[str, int]:
    """Return the peak of each contender, each run in a fresh process."""
    peaks = {}
    for contender in (REPLACED, ENGINE):
        with get_context("spawn").Pool(1) as pool:
            peaks[contender.name] = pool.apply(peak_of, (contender.name, count, share))
    return peaks


def hold_text_as_objects(visits: pd.DataFrame) -> pd.DataFrame:
    """Return the visits as the original's pandas held them."""
    return visits.astype({name: object for name in visits.columns if isinstance(visits[name].dtype, pd.StringDtype)})


def report_original() -> None:
    """Compare the re-creation with the one known measurement of the original."""
    count, share, original = ORIGINAL
    visits = make_visits(count, share)
    rows = check_agreement(visits)
    seconds = time_in_turns(visits, 5)["replaced"]
    as_objects = time_in_turns(hold_text_as_objects(visits), 5)["replaced"]
    print(
        f"{count:,} visits of {visits.shape[1]} columns, {rows} conflict rows: re-creation {seconds:.2f} s "
        f"({as_objects:.2f} s with text as Python objects, as pandas held it before version 3), original {original} s"
    )


def report_case(count: int, share: float, rounds: int) -> None:
    """Print one line of the table."""
    visits = make_visits(count, share)
    rows = check_agreement(visits)
    seconds = time_in_turns(visits, rounds)
    del visits
    peaks = measure_memory(count, share)
    print(
        f"{count:>9,} {share:>5.0%} {rows:>9,} {seconds['replaced']:>10.3f} {seconds['engine']:>9.3f} "
        f"{seconds['replaced'] / seconds['engine']:>6.1f} {peaks['replaced'] / MEBIBYTE:>12,.0f} "
        f"{peaks['engine'] / MEBIBYTE:>10,.0f} {peaks['replaced'] / peaks['engine']:>6.1f}",
        flush=True,
    )


def main() -> None:
    """Print the comparison, then the case of hostile density."""
    report_original()
    print("   visits share conflict  replaced s  engine s  ratio replaced MiB engine MiB  ratio")
    for case in CASES:
        report_case(*case)
    report_hostile_density()


if __name__ == "__main__":
    main()
