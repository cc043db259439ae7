"""A placeholder SSN that 20,000 visits of one day share.

The visits are judged within bounds when allowed, and left out otherwise.
"""

from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.engine.data import make_visits
from conflict_assets.domain.detection import DetectionPolicy, detect_conflicts

VISITS = 20_000
BLOCK = 40
"""The number of visits at one time, half of them at each of two agencies.

Each half conflicts with the other.
"""

PLACEHOLDER = "040404040"
DAY = np.datetime64("2025-03-05", "us")


def make_dense_day(visits: int = VISITS, block: int = BLOCK) -> pd.DataFrame:
    """Make the visits of one SSN on one day.

    They are blocks one after another, none of which touches another.
    """
    number = np.arange(visits)
    start = DAY + (number // block) * np.timedelta64(150, "s") + np.timedelta64(5, "s")
    end = start + np.timedelta64(100, "s")
    nothing = np.full(visits, np.datetime64("NaT"), dtype="datetime64[us]")
    return pd.DataFrame(
        {
            "visit_id": pd.Series([f"D{n:06d}" for n in number], dtype="str"),
            "ssn": pd.Series([PLACEHOLDER] * visits, dtype="str"),
            "provider_id": pd.Series(["P1" if n % 2 else "P2" for n in number], dtype="str"),
            "visit_date": np.full(visits, DAY),
            "sch_start_time": pd.Series(start).dt.tz_localize("UTC"),
            "sch_end_time": pd.Series(end).dt.tz_localize("UTC"),
            "visit_start_time": pd.Series(nothing).dt.tz_localize("UTC"),
            "visit_end_time": pd.Series(nothing).dt.tz_localize("UTC"),
        }
    )


def expected_conflicts(visits: int = VISITS, block: int = BLOCK) -> int:
    """Return the number of conflicts by the closed formula.

    Every visit of one half of a block conflicts with every visit of the other half.
    """
    return visits // block * (block // 2) ** 2


def report_hostile_density() -> None:
    """Print the cost of the dense day when it is allowed.

    Also print that it changes nobody's conflicts when it is not allowed.
    """
    dense = make_dense_day()
    begun = perf_counter()
    result = detect_conflicts(dense, DetectionPolicy(max_visits_per_day=VISITS))
    seconds = perf_counter() - begun
    counts = result.counts
    print(
        f"{VISITS:,} visits of one SSN on one day, allowed: {counts['conflicts']:,} conflicts "
        f"({expected_conflicts():,} by the formula) of {counts['pairs_compared']:,} pairs, {seconds:.2f} s"
    )
    others = make_visits(100_000, 0.02)
    alone = detect_conflicts(others)
    together = detect_conflicts(pd.concat([others, dense], ignore_index=True))
    print(
        f"by default: {together.counts['implausible_density']:,} visits left out, the others' "
        f"{len(alone.conflicts):,} conflict rows unchanged: {alone.conflicts.equals(together.conflicts)}"
    )
