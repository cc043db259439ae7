"""An explanation says what the engine says, and shows by which values."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conflict_assets.domain.detection import detect_conflicts_table
from conflict_assets.domain.explanation import explain_pair
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.rules import Rule
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.output.explanation_text import conditions, verdict
from conflict_assets_tests.domain.test_worked_examples import BATTERY, BRONX, EXAMPLES, shift

SSN = "123456789"
POLICIES = st.builds(
    DetectionPolicy,
    cross_midnight=st.booleans(),
    back_to_back_counts=st.booleans(),
    incomplete_actuals=st.sampled_from(["scheduled", "ignore"]),
    extra_distance_factor=st.sampled_from([1.25, 0.01]),
)
HOURS = st.sampled_from(
    [None, "09:00-10:00", "09:00-12:00", "10:00-11:00", "10:20-11:00", "10:40-11:00", "22:00-02:00"]
)
PLACES = st.sampled_from([None, BATTERY, BRONX, BATTERY | {"p_zip_code": "10458-1"}, BRONX | {"p_zip_code": None}])


def side(visit, visit_id, agency, ssn=SSN):
    return {"visit_id": visit_id, "ssn": ssn, "provider_id": agency} | visit


def found_by_engine(one, other, policy):
    rows = [{name: row.get(name) for name in VISIT_SCHEMA.names} for row in (one, other)]
    found = detect_conflicts_table(pa.Table.from_pylist(rows, VISIT_SCHEMA), policy).conflicts_table()
    return next((rule for rule in Rule if found.num_rows and found[rule.flag][0].as_py()), None)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_worked_example_is_explained_by_its_rule(example):
    found = explain_pair(side(example.p, "a", "P"), side(example.q, "b", "Q"), example.policy)
    assert (found.rule and found.rule.flag) == example.flag
    told = verdict(found, example.policy)
    assert told.startswith("a conflict by rule" if example.flag else "no conflict")


@st.composite
def visits(draw):
    visit = shift(
        draw(HOURS), draw(HOURS), draw(st.sampled_from([date(2024, 6, day) for day in (1, 2, 3)])), draw(PLACES)
    )
    if draw(st.integers(0, 3)) == 0:
        visit["visit_end_time"] = None
    return side(visit, "?", draw(st.sampled_from(["P", "Q"])), draw(st.sampled_from([SSN, SSN, SSN, "223456789"])))


@given(visits(), visits(), POLICIES)
def test_an_explanation_agrees_with_the_engine(one, other, policy):
    one, other = one | {"visit_id": "a"}, other | {"visit_id": "b"}
    found = explain_pair(one, other, policy)
    assert found.rule == found_by_engine(one, other, policy)
    told = conditions(found, policy, time_zone="America/New_York")
    pair, (same, overlap), trip = told[:4], told[4:6], told[6:]
    holds = all(each.holds for each in pair) and (
        same.holds or overlap.holds or (len(trip) == 4 and all(each.holds for each in trip))
    )
    assert bool(holds) == (found.rule is not None)
    assert verdict(found, policy).startswith(
        "no conflict" if found.rule is None else f"a conflict by rule {found.rule}"
    )


def test_the_trip_is_told_with_its_numbers():
    one, other = shift(actual="09:00-10:00", place=BATTERY), shift(actual="10:20-11:00", place=BRONX)
    policy = DetectionPolicy()
    found = explain_pair(side(one, "a", "P"), side(other, "b", "Q"), policy)
    assert found.trip is not None
    assert (found.trip.distance_miles, found.trip.band, found.trip.eta_travel_minutes) == (15.15, (10, 20, 25.0), 36.36)
    assert found.trip.minutes_between == 20
    assert verdict(found, policy) == "a conflict by rule 7, distance: 36.36 minutes needed, 20 given"
    values = {each.name: each.values for each in conditions(found, policy, time_zone="America/New_York")}
    assert values["the trip takes longer than there is time"] == (
        "15.15 miles (by air x 1.25), 25 mph in band [10, 20): 36.36 minutes needed, 20 given"
    )
    assert values["ZIP codes differ, or one is missing"] == "10004 and 10458"
    assert values["both have coordinates"] == "40.7000,-74.0000 and 40.8500,-73.8800"
    assert values["same interval (rules 1 to 3)"] == (
        "actual 2024-06-01 05:00:00 EDT to 2024-06-01 06:00:00 EDT and "
        "actual 2024-06-01 06:20:00 EDT to 2024-06-01 07:00:00 EDT"
    )


def test_what_is_missing_is_told_as_missing():
    found = explain_pair({"visit_id": "a", "ssn": SSN}, {"visit_id": "b"}, DetectionPolicy())
    assert found.rule is None
    assert not found.same_caregiver
    assert not found.agencies_differ
    assert found.days_apart is found.trip is found.first.start is None
    told = {each.name: each.values for each in conditions(found, DetectionPolicy(), time_zone="UTC")}
    assert told["same or neighbouring dates"] == "None and None, a date is missing"


def test_an_interval_keeps_its_microseconds():
    start = datetime(2024, 6, 1, 9, 0, 0, 1, tzinfo=UTC)
    found = explain_pair(
        side(shift("09:00-10:00") | {"sch_start_time": start}, "a", "P"), {"visit_id": "b"}, DetectionPolicy()
    )
    assert found.first.start == start
    told = conditions(found, DetectionPolicy(), time_zone="UTC")[4].values
    assert told.startswith("scheduled 2024-06-01 09:00:00.000001 UTC to")
