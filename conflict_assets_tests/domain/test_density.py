"""A day so dense that it can't be one person's: left out by default, bounded when allowed."""

import tracemalloc
from datetime import date

import numpy as np
import pandas as pd
import pytest

from conflict_assets.domain.detection import DetectionPolicy, detect_conflicts

DAY = np.datetime64("2025-03-05T00:00:00", "us")
VISITS, BLOCK = 20_000, 40


def dense_day(ssn: str = "040404040") -> pd.DataFrame:
    """Blocks of visits at one time, half of each at one agency and half at another; no block touches the next."""
    number = np.arange(VISITS)
    start = DAY + (number // BLOCK) * np.timedelta64(150, "s")
    return pd.DataFrame(
        {
            "visit_id": [f"D{n:06d}" for n in number],
            "ssn": ssn,
            "provider_id": np.where(number % 2, "P", "Q"),
            "visit_date": date(2025, 3, 5),
            "sch_start_time": start,
            "sch_end_time": start + np.timedelta64(100, "s"),
            "visit_start_time": pd.NaT,
            "visit_end_time": pd.NaT,
        }
    )


def test_an_allowed_dense_day_has_the_conflicts_of_the_closed_formula_within_bounded_memory():
    tracemalloc.start()
    result = detect_conflicts(dense_day(), DetectionPolicy(max_visits_per_day=VISITS))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert result.counts["conflicts"] == VISITS // BLOCK * (BLOCK // 2) ** 2 == 200_000
    assert result.counts["pairs_compared"] == (VISITS // 2) ** 2
    assert result.counts["implausible_density"] == 0
    assert len(result.conflicts) == result.counts["conflict_rows"] == 400_000
    # NumPy reports its memory here, Arrow does not: it holds the two rows of each conflict.
    assert peak < 500 << 20


def test_one_visit_against_thousands_that_overlap_each_other_is_bounded_too():
    visits = dense_day().assign(sch_start_time=DAY, sch_end_time=DAY + np.timedelta64(1, "h"), provider_id="P")
    visits = visits.head(6000)
    visits.loc[17, "provider_id"] = "Q"

    result = detect_conflicts(visits, DetectionPolicy(max_visits_per_day=VISITS))

    assert result.counts["conflicts"] == result.counts["pairs_compared"] == 5999


def test_a_dense_day_is_left_out_by_default_and_harms_nobody_else():
    others = dense_day("040404041").head(50)
    dense = dense_day()

    alone = detect_conflicts(others)
    together = detect_conflicts(pd.concat([dense, others]))

    assert together.counts["implausible_density"] == VISITS
    assert together.rejected["reason"].unique().tolist() == ["implausible_density"]
    pd.testing.assert_frame_equal(together.conflicts, alone.conflicts)
    assert len(alone.conflicts) == 2 * (20 * 20 + 5 * 5)


@pytest.mark.parametrize(("limit", "rejected"), [(200, 0), (199, 200)])
def test_the_limit_itself_is_allowed(limit: int, rejected: int):
    result = detect_conflicts(dense_day().head(200), DetectionPolicy(max_visits_per_day=limit))

    assert result.counts["implausible_density"] == rejected


def test_visits_that_are_rejected_for_another_reason_do_not_count_towards_the_limit():
    visits = dense_day().head(51)
    visits.loc[5, "sch_end_time"] = DAY

    counts = detect_conflicts(visits).counts

    assert counts["empty_interval"] == 1
    assert counts["implausible_density"] == 0
