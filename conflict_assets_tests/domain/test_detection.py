"""Detection as a whole: frames and tables, one result."""

from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from conflict_assets.domain.detection import DetectionPolicy, detect_conflicts, detect_conflicts_table
from conflict_assets.domain.detection_result import CONFLICT_SCHEMA, REJECTED_SCHEMA
from conflict_assets.domain.visits import VISIT_SCHEMA

NINE, TEN = datetime(2024, 5, 1, 9, tzinfo=UTC), datetime(2024, 5, 1, 10, tzinfo=UTC)


def visit(visit_id: str | None, provider_id: str, **changes: object) -> dict[str, object]:
    known = {
        "visit_id": visit_id,
        "ssn": "123-45-6789",
        "provider_id": provider_id,
        "visit_date": date(2024, 5, 1),
        "sch_start_time": NINE,
        "sch_end_time": TEN,
        "p_zip_code": "10458",
        "latitude": 40.0,
        "longitude": -74.0,
        "billed": True,
        "billed_hours": 2.0,
        "rate": 60.0,
        "rate_type": "Visit",
    }
    return dict.fromkeys(VISIT_SCHEMA.names) | known | changes


TABLE = pa.Table.from_pylist(
    [visit("v2", "P"), visit("v1", "Q", billed=False), visit(None, "R"), visit("v3", "R", sch_end_time=NINE)],
    schema=VISIT_SCHEMA,
)


def test_a_table_and_its_frame_give_the_same_result():
    from_table = detect_conflicts_table(TABLE)
    from_frame = detect_conflicts(TABLE.to_pandas())

    assert from_table.conflicts_table().equals(from_frame.conflicts_table())
    assert from_table.rejected_table().equals(from_frame.rejected_table())
    assert from_table.counts == from_frame.counts
    assert from_table.counts["conflicts"] == 1


@pytest.mark.parametrize("table", [TABLE, VISIT_SCHEMA.empty_table()])
def test_tables_have_their_schemas_and_frames_their_values(table: pa.Table):
    result = detect_conflicts_table(table)

    assert result.conflicts_table().schema == CONFLICT_SCHEMA
    assert result.rejected_table().schema == REJECTED_SCHEMA
    pd.testing.assert_frame_equal(result.conflicts, result.conflicts_table().to_pandas())
    assert result.conflicts.columns.tolist() == CONFLICT_SCHEMA.names


def test_an_ssn_is_told_as_nine_digits():
    assert detect_conflicts_table(TABLE).conflicts["ssn"].tolist() == ["123456789"] * 2


def test_rejected_visits_come_by_id_and_those_without_one_last():
    rejected = detect_conflicts_table(TABLE).rejected_table()

    assert rejected.to_pylist() == [
        {"visit_id": "v3", "reason": "empty_interval"},
        {"visit_id": None, "reason": "missing_key"},
    ]


def test_a_result_says_little_when_printed():
    assert "123456789" not in repr(detect_conflicts_table(TABLE))


def test_the_money_of_each_side_is_its_own():
    billed, other = (
        row for row in detect_conflicts_table(TABLE).conflicts_table().sort_by("cost_type").to_pylist()[::-1]
    )

    assert (billed["visit_id"], billed["visit_type"], billed["cost_type"]) == ("v2", "billed", "recovery")
    assert (billed["rate_per_minute"], billed["shift_amount"], billed["overlap_amount"]) == (0.5, 30.0, 30.0)
    assert (other["visit_id"], other["visit_type"], other["rate_per_minute"]) == ("v1", "scheduled", 1.0)


def test_the_policy_is_the_default_unless_given():
    counts = detect_conflicts_table(TABLE, DetectionPolicy(max_visits_per_day=1)).counts

    assert counts["implausible_density"] == 2
    assert counts["conflicts"] == 0
