"""The engine's frames have fixed columns and types, whatever comes in, and nothing that comes in is changed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from conflict_assets.domain.detection import DetectionResult, detect_conflicts
from conflict_assets.domain.reasons import Note, RejectReason
from conflict_assets.domain.visits import REQUIRED_COLUMNS
from conflict_assets_tests.domain.agreement import verdict_of
from conflict_assets_tests.domain.frames import Layout, frame_of
from conflict_assets_tests.domain.strategies import Row
from conflict_assets_tests.domain.twin import FLAGS, judge

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
CONFLICT_TYPES = {
    **dict.fromkeys(("ssn", "visit_id", "con_visit_id", "provider_id", "con_provider_id"), "str"),
    **dict.fromkeys(("visit_date", "con_visit_date"), "object"),
    **dict.fromkeys(FLAGS.values(), "bool"),
    **dict.fromkeys(("distance_miles", "average_miles_per_hour", "eta_travel_minutes"), "float64"),
    "conflict_type": "str",
    **dict.fromkeys(("overlap_minutes", "minutes_between"), "float64"),
    "crosses_midnight": "bool",
    **dict.fromkeys(("pair_id", "group_id", "visit_type", "cost_type"), "str"),
    **dict.fromkeys(("rate_per_minute", "shift_amount", "overlap_amount"), "float64"),
}
COUNTS = {
    *(reason.value for reason in RejectReason),
    *(note.value for note in Note),
    *("visits", "active", "paired_visits", "pairs_compared", "conflicts", "conflict_rows"),
}


def visit(visit_id: str | None, provider_id: str, **more: Any) -> Row:
    """An hour's work at noon."""
    return {
        "visit_id": visit_id,
        "ssn": "123456789",
        "provider_id": provider_id,
        "visit_date": date(2024, 6, 1),
        "sch_start_time": NOON,
        "sch_end_time": NOON + timedelta(hours=1),
        "visit_start_time": None,
        "visit_end_time": None,
        **more,
    }


RICH = {"rate": 30.0, "rate_type": "Hourly", "latitude": 40.7, "longitude": -74.0, "billed": True}
BLANK: dict[str, Any] = dict.fromkeys(RICH)
FRAMES = {
    "conflicts and a rejected visit": frame_of(
        [visit("1", "P", **RICH), visit("2", "Q", **RICH), visit(None, "P", **RICH)]
    ),
    "conflicts without anything optional": frame_of([visit("1", "P"), visit("2", "Q")]),
    "conflicts where the optional is missing": frame_of([visit("1", "P", **BLANK), visit("2", "Q", **BLANK)]),
    "one visit": frame_of([visit("1", "P")]),
    "rejected visits alone": frame_of([visit("1", "P", ssn=None), visit(None, "P", ssn="1")]),
    "nothing, in the types of visits": frame_of([visit("1", "P", **RICH)]).iloc[:0],
    "nothing, without types": pd.DataFrame(columns=list(REQUIRED_COLUMNS)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_columns_and_types_are_the_same_for_any_frame(name: str):
    result = detect_conflicts(FRAMES[name])

    assert {column: str(dtype) for column, dtype in result.conflicts.dtypes.items()} == CONFLICT_TYPES
    assert list(result.conflicts) == list(CONFLICT_TYPES)
    assert {column: str(dtype) for column, dtype in result.rejected.dtypes.items()} == dict.fromkeys(
        ("visit_id", "reason"), "str"
    )
    assert set(result.counts) == COUNTS
    assert {type(day) for day in result.conflicts["visit_date"]} <= {date}
    for frame in (result.conflicts, result.rejected):
        assert frame.index.equals(pd.RangeIndex(len(frame)))


def test_an_empty_frame_gives_zero_for_every_count():
    result = detect_conflicts(FRAMES["nothing, without types"])

    assert dict(result.counts) == dict.fromkeys(COUNTS, 0)
    assert result.conflicts.empty
    assert result.rejected.empty


@pytest.mark.parametrize("times", ["utc", "new_york", "naive", "nanoseconds", "objects", "arrow"])
@pytest.mark.parametrize("dates", ["date", "midnight", "arrow"])
@pytest.mark.parametrize("texts", ["str", "object", "arrow"])
def test_the_types_that_come_in_do_not_matter(times: str, dates: str, texts: str):
    rows = [visit("1", "P", **RICH), visit("2", "Q", **RICH), visit("3", "R", last_updated_date=NOON, **RICH)]
    rows = [{"last_updated_date": None, **row} for row in rows]

    result = detect_conflicts(frame_of(rows, Layout(times, dates, texts)))

    assert_same_result(result, detect_conflicts(frame_of(rows)))
    assert result.counts["conflicts"] == 3


def test_ids_given_as_numbers_become_text():
    rows = [visit("1", "7", p_zip_code=501), visit("20", "8", p_zip_code=501), visit("9", "9", p_zip_code=None)]
    frame = frame_of(rows).astype({"visit_id": "int64", "provider_id": "int64"})

    result = detect_conflicts(frame)

    assert_same_result(result, detect_conflicts(frame_of(rows)))
    assert list(result.conflicts["visit_id"]) == ["1", "1", "20", "20", "9", "9"]


def test_columns_that_the_rules_do_not_name_are_let_be():
    frame = FRAMES["conflicts without anything optional"]

    result = detect_conflicts(frame.assign(p_city="Albany", index=1, pair_id=None, level_0=2.0))

    assert_same_result(result, detect_conflicts(frame))


def test_engine_and_twin_know_the_same_columns():
    rows = [visit("1", "P"), visit("2", "Q")]

    assert list(judge(rows).conflicts[0]) == list(CONFLICT_TYPES)
    assert set(judge(rows).counts) == set(verdict_of(detect_conflicts(frame_of(rows))).counts)


def assert_same_result(one: DetectionResult, other: DetectionResult) -> None:
    """Hold both results against each other, types and all."""
    pd.testing.assert_frame_equal(one.conflicts, other.conflicts)
    pd.testing.assert_frame_equal(one.rejected, other.rejected)
    assert dict(one.counts) == dict(other.counts)
