"""Detect visit conflicts in a frame of visits.

The result holds conflict rows, rejected visits and counts.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from conflict_assets.domain.classification import classify_visits, note_counts
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.conflict_rows import build_conflicts, build_rejected
from conflict_assets.domain.contested import find_paired
from conflict_assets.domain.detection_result import DetectionResult
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.rules import find_conflicts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DetectionPolicy", "DetectionResult", "detect_conflicts", "detect_conflicts_table"]


def detect_conflicts(visits: "pd.DataFrame", policy: DetectionPolicy = DetectionPolicy()) -> DetectionResult:  # noqa: B008
    """Find the conflicts among visits, as docs/rules.md defines them.

    Args:
        visits: the columns of `REQUIRED_COLUMNS`; any other may be absent, index and order don't matter. Text, ids as
            numbers, dates or midnights, zoned or naive (UTC) times and ISO text are understood.
        policy: how pairs are judged.

    Raises:
        ValueError: a required column is missing, a date has a time of day, or text is no date or time.
        TypeError: a column has a type that can't be read; the message names it and never shows a value.
    """
    return _detect(VisitColumns(visits), policy)


def detect_conflicts_table(visits: pa.Table, policy: DetectionPolicy = DetectionPolicy()) -> DetectionResult:  # noqa: B008
    """Find the conflicts among the visits of an Arrow table.

    This does what `detect_conflicts` does, without pandas. A table of `VISIT_SCHEMA` is an example.
    """
    return _detect(VisitColumns(visits), policy)


@np.errstate(over="ignore")
def _detect(columns: VisitColumns, policy: DetectionPolicy) -> DetectionResult:
    # A speed near zero makes a trip of infinite minutes, which is no reason to warn.
    classified_visits = classify_visits(columns, policy)
    paired, pair_counts = find_paired(classified_visits, policy)
    conflicts = build_conflicts(
        columns, classified_visits.visits, paired, find_conflicts(columns, paired, policy), policy
    )
    reasons = classified_visits.reason_counts()
    counts = {
        "visits": len(columns),
        **reasons,
        "active": len(columns) - sum(reasons.values()),
        **note_counts(columns, classified_visits),
        "paired_visits": pair_counts.paired_visits,
        "pairs_compared": pair_counts.pairs_compared,
        "conflicts": len(conflicts) // 2,
        "conflict_rows": len(conflicts),
    }
    return DetectionResult(counts, conflicts, build_rejected(classified_visits))
