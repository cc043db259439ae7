"""Each worked example of the rules by name, judged by the engine and by its twin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets_tests.domain.agreement import detect
from conflict_assets_tests.domain.twin import FLAGS, Verdict, judge

Judge = Callable[..., Verdict]
FIRST = date(2024, 6, 1)
BATTERY = {"latitude": 40.70, "longitude": -74.00, "p_zip_code": "10004"}
BRONX = {"latitude": 40.85, "longitude": -73.88, "p_zip_code": "10458"}


def shift(
    scheduled: str | None = None,
    actual: str | None = None,
    day: date = FIRST,
    place: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A visit told as the rules tell it: `09:00-12:00`, an end before its start being on the next day."""
    sch_start, sch_end = span(scheduled, day)
    start, end = span(actual, day)
    return {
        "visit_date": day,
        "sch_start_time": sch_start,
        "sch_end_time": sch_end,
        "visit_start_time": start,
        "visit_end_time": end,
        **(place or {"latitude": None, "longitude": None, "p_zip_code": None}),
    }


def span(text: str | None, day: date) -> tuple[datetime | None, datetime | None]:
    if text is None:
        return None, None
    start, end = (datetime.combine(day, time.fromisoformat(clock), UTC) for clock in text.split("-"))
    return start, end if end > start else end + timedelta(days=1)


@dataclass(frozen=True)
class Example:
    """Two visits, the flag that must hold (None: no conflict), and what the rows must say besides."""

    name: str
    p: dict[str, Any]
    q: dict[str, Any]
    flag: str | None
    says: dict[str, Any] = field(default_factory=dict)
    policy: DetectionPolicy = field(default_factory=DetectionPolicy)


AT_BATTERY = shift(actual="09:00-10:00", place=BATTERY)
TRIP = {
    "distance_miles": 15.15,
    "average_miles_per_hour": 25.0,
    "eta_travel_minutes": 36.36,
    "overlap_minutes": 0.0,
}
EXAMPLES = (
    Example(
        "rule 1: the same scheduled time",
        shift("09:00-12:00"),
        shift("09:00-12:00"),
        "same_sch_time",
        {"conflict_type": "exact", "overlap_minutes": 180.0, "minutes_between": 0.0, "distance_miles": None},
    ),
    Example(
        "rule 2: the same actual time",
        shift(actual="09:00-12:00"),
        shift(actual="09:00-12:00"),
        "same_visit_time",
        {"conflict_type": "exact", "overlap_minutes": 180.0},
    ),
    Example(
        "rule 3: scheduled and actual time are the same",
        shift("09:00-12:00"),
        shift(actual="09:00-12:00"),
        "sch_and_visit_time_same",
        {"conflict_type": "exact", "overlap_minutes": 180.0},
    ),
    Example(
        "rule 4: scheduled times overlap by 60 minutes",
        shift("09:00-12:00"),
        shift("11:00-13:00"),
        "sch_over_another_sch_time",
        {"conflict_type": "overlap", "overlap_minutes": 60.0},
    ),
    Example(
        "rule 5: one actual time lies within another",
        shift(actual="09:00-12:00"),
        shift(actual="10:00-11:00"),
        "visit_time_over_another_visit_time",
        {"conflict_type": "overlap", "overlap_minutes": 60.0},
    ),
    Example(
        "rule 6: scheduled and actual time overlap by 30 minutes",
        shift("09:00-12:00"),
        shift(actual="11:30-14:00"),
        "sch_time_over_visit_time",
        {"conflict_type": "overlap", "overlap_minutes": 30.0},
    ),
    Example(
        "none: a visit worked later than planned is judged on its actual time",
        shift("09:00-12:00", "14:00-15:00"),
        shift(actual="09:30-10:00"),
        None,
    ),
    Example(
        "rule 7: 36.36 minutes needed, 20 given",
        AT_BATTERY,
        shift(actual="10:20-11:00", place=BRONX),
        "distance",
        {**TRIP, "conflict_type": "travel", "minutes_between": 20.0},
    ),
    Example(
        "none: 40 minutes are enough for the trip",
        AT_BATTERY,
        shift(actual="10:40-11:00", place=BRONX),
        None,
    ),
    Example(
        "rule 7: back to back in two places",
        AT_BATTERY,
        shift(actual="10:00-11:00", place=BRONX),
        "distance",
        {**TRIP, "conflict_type": "travel", "minutes_between": 0.0},
    ),
    Example(
        "none: back to back in two places when the policy lets it pass",
        AT_BATTERY,
        shift(actual="10:00-11:00", place=BRONX),
        None,
        policy=DetectionPolicy(back_to_back_counts=False),
    ),
    Example(
        "none: scheduled times touch, and rule 7 is for actual visits",
        shift("09:00-10:00", place=BATTERY),
        shift("10:00-11:00", place=BRONX),
        None,
    ),
    Example(
        "rule 5: overlap by 60 minutes across midnight",
        shift(actual="22:00-02:00"),
        shift(actual="01:00-05:00", day=FIRST + timedelta(days=1)),
        "visit_time_over_another_visit_time",
        {"conflict_type": "overlap", "overlap_minutes": 60.0, "crosses_midnight": True},
    ),
)


@pytest.mark.parametrize("decide", [pytest.param(detect, id="engine"), pytest.param(judge, id="twin")])
@pytest.mark.parametrize("example", [pytest.param(example, id=example.name) for example in EXAMPLES])
def test_the_worked_example_holds_in_either_order(example: Example, decide: Judge):
    p = {"visit_id": "p1", "ssn": "123456789", "provider_id": "P", **example.p}
    q = {"visit_id": "q1", "ssn": "123-45-6789", "provider_id": "Q", **example.q}

    for rows in ([p, q], [q, p]):
        verdict = decide(rows, example.policy)

        assert [row["visit_id"] for row in verdict.conflicts] == (["p1", "q1"] if example.flag else [])
        for row in verdict.conflicts:
            assert [flag for flag in FLAGS.values() if row[flag]] == [example.flag]
            assert {name: row[name] for name in example.says} == example.says
        assert verdict.counts["pairs_compared"] == 1
        assert verdict.counts["conflicts"] == (1 if example.flag else 0)
