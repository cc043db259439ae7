"""Which of several rows of one visit stays."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pandas as pd
import pytest

from conflict_assets.domain import duplicates
from conflict_assets.domain.detection import detect_conflicts

NINE = datetime(2024, 5, 1, 9, tzinfo=UTC)
TEN = datetime(2024, 5, 1, 10, tzinfo=UTC)
VISIT = {
    "visit_id": "v1",
    "ssn": "123456789",
    "provider_id": "P",
    "visit_date": date(2024, 5, 1),
    "sch_start_time": NINE,
    "sch_end_time": TEN,
    "visit_start_time": pd.NaT,
    "visit_end_time": pd.NaT,
    "last_updated_date": NINE,
    "rate": 60.0,
    "rate_type": "Hourly",
    "p_zip_code": "10458",
    "latitude": 40.0,
    "longitude": -74.0,
    "billed": False,
    "visit_status": "Confirmed",
}
OTHER = {**VISIT, "visit_id": "v2", "provider_id": "Z"}


def outcome(*rows: dict[str, Any]) -> Any:
    result = detect_conflicts(pd.DataFrame([*rows, OTHER]))
    return result.conflicts, dict(result.counts)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"last_updated_date": TEN}, {"last_updated_date": NINE, "provider_id": "A"}),
        ({"last_updated_date": NINE}, {"last_updated_date": None, "provider_id": "A"}),
        ({"provider_id": "A"}, {"provider_id": "B"}),
        ({"provider_id": "B"}, {"provider_id": None}),
        ({"provider_id": "é"}, {"provider_id": "日"}),
        ({"visit_date": date(2024, 4, 30)}, {}),
        ({"sch_start_time": NINE.replace(hour=8)}, {}),
        ({"sch_end_time": NINE.replace(minute=59)}, {}),
        ({"visit_start_time": NINE}, {"sch_start_time": NINE.replace(hour=8)}),
        ({"visit_start_time": NINE}, {"visit_start_time": TEN, "sch_start_time": NINE.replace(hour=8)}),
        ({"visit_end_time": TEN}, {"sch_start_time": NINE.replace(hour=8)}),
    ],
)
def test_the_newest_stays_and_ties_go_by_agency_date_and_times(first: dict[str, Any], second: dict[str, Any]):
    first, second = VISIT | first, VISIT | second
    conflicts, counts = outcome(first)

    for rows in permutations([first, second]):
        found, found_counts = outcome(*rows)
        pd.testing.assert_frame_equal(found, conflicts)
        expected = counts | {"visits": 3, "duplicate_visit_id": 1}
        assert found_counts == expected


@pytest.mark.parametrize(
    "changes",
    [{"rate": 1.0}, {"rate": None}, {"rate_type": "Daily"}, {"billed": True}, {"latitude": 41.0}, {"visit_status": ""}],
)
def test_the_order_of_rows_decides_nothing_even_when_all_else_is_tied(changes: dict[str, Any]):
    rows = [VISIT, VISIT | changes, VISIT]

    found = [outcome(*order) for order in permutations(rows)]

    for conflicts, counts in found:
        pd.testing.assert_frame_equal(conflicts, found[0][0])
        assert counts == found[0][1]
        assert counts["duplicate_visit_id"] == 2


def test_the_same_visit_id_of_two_caregivers_is_no_duplicate():
    counts = outcome(VISIT, VISIT | {"ssn": "123456780"})[1]

    assert counts["duplicate_visit_id"] == 0


@pytest.mark.parametrize("ssn", [None, " - "])
def test_without_an_ssn_no_row_is_a_duplicate(ssn: str | None):
    counts = outcome(VISIT | {"ssn": ssn}, VISIT | {"ssn": ssn})[1]

    assert counts["duplicate_visit_id"] == 0
    assert counts["missing_ssn"] == 2


def test_rows_of_an_invalid_ssn_are_duplicates_all_the_same():
    counts = outcome(VISIT | {"ssn": "12-3"}, VISIT | {"ssn": " 123 "}, VISIT)[1]

    assert counts["duplicate_visit_id"] == 1
    assert counts["invalid_ssn"] == 1


def test_equal_hashes_alone_make_no_duplicate(monkeypatch: pytest.MonkeyPatch):
    expected = outcome(VISIT, VISIT | {"visit_id": "v3"}, VISIT | {"last_updated_date": TEN})
    hash_words: Callable[..., Any] = duplicates.hash_words
    monkeypatch.setattr(duplicates, "hash_words", lambda *given: hash_words(*given) * 0)

    found = outcome(VISIT, VISIT | {"visit_id": "v3"}, VISIT | {"last_updated_date": TEN})

    pd.testing.assert_frame_equal(found[0], expected[0])
    assert found[1] == expected[1]
    assert found[1]["duplicate_visit_id"] == 1
