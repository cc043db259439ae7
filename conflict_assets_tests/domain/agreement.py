"""Engine beside twin: the engine's frames as plain values, and the comparison of every number of both."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from conflict_assets.domain.detection import DetectionResult, detect_conflicts
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets_tests.domain.frames import Layout, frame_of
from conflict_assets_tests.domain.twin import Verdict, judge


def detect(
    rows: Sequence[Mapping[str, Any]], policy: DetectionPolicy | None = None, layout: Layout | None = None
) -> Verdict:
    """Let the engine judge these rows, and give its result in the twin's words."""
    return verdict_of(detect_conflicts(frame_of(rows, layout), policy or DetectionPolicy()))


def verdict_of(result: DetectionResult) -> Verdict:
    """The engine's frames as plain values."""
    return Verdict(
        conflicts=records(result.conflicts),
        rejected=[(row["visit_id"], row["reason"]) for row in records(result.rejected)],
        counts={str(name): int(value) for name, value in result.counts.items()},
        on_rounding_edge=False,
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as dictionaries of plain values, None where something is missing."""
    columns = [[plain(value) for value in frame[name].tolist()] for name in frame]
    return [dict(zip(frame, values, strict=True)) for values in zip(*columns, strict=True)]


def plain(value: Any) -> Any:
    """None for every kind of missing value, a date for every kind of date."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else getattr(value, "value", value)


def assert_agree(engine: Verdict, twin: Verdict) -> None:
    """Hold every row, flag, number and count against each other; numbers equal to the last bit."""
    assert by_text(engine.rejected) == by_text(twin.rejected)
    assert engine.counts == twin.counts
    sides = [[(row["ssn"], row["visit_id"], row["con_visit_id"]) for row in v.conflicts] for v in (engine, twin)]
    assert sides[0] == sides[1]
    for ours, theirs in zip(engine.conflicts, twin.conflicts, strict=True):
        assert list(ours) == list(theirs)
        assert ours == theirs


def by_text(rejected: Sequence[tuple[str | None, str]]) -> Counter[tuple[str | None, str]]:
    """Rejected visits without their order."""
    return Counter((visit_id, str(reason)) for visit_id, reason in rejected)


__all__ = ["assert_agree", "by_text", "detect", "judge", "records", "verdict_of"]
