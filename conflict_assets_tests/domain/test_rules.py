"""The rules on single pairs, whichever of the two comes first."""

import numpy as np
import pandas as pd
import pytest

from conflict_assets.domain.columns.arrays import MICROSECONDS_PER_MINUTE
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.contested import PairedVisits
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.rules import Rule, judge, minutes_between, overlap_minutes
from conflict_assets.domain.visits import REQUIRED_COLUMNS

LEFT, RIGHT = np.array([0, 1]), np.array([1, 0])
"""The pair of two visits, in both orders."""

NO_COLUMNS = VisitColumns(pd.DataFrame([[None] * len(REQUIRED_COLUMNS)] * 2, columns=list(REQUIRED_COLUMNS)))
HERE, THERE, NOWHERE = (40.70, -74.0), (40.85, -73.88), (np.nan, np.nan)


def two_visits(
    spans: tuple[tuple[int, int], tuple[int, int]],
    actual: tuple[bool, bool] = (True, True),
    places: tuple[tuple[float, float], tuple[float, float]] = (HERE, THERE),
) -> PairedVisits:
    """Two visits with spans in minutes."""
    both = np.array([0, 1])
    return PairedVisits(
        row=both,
        ssn=both * 0,
        agency=both,
        date=both * 0,
        start=np.array([start for start, _ in spans]) * MICROSECONDS_PER_MINUTE,
        end=np.array([end for _, end in spans]) * MICROSECONDS_PER_MINUTE,
        actual=np.array(actual),
        latitude=np.array([latitude for latitude, _ in places]),
        longitude=np.array([longitude for _, longitude in places]),
    )


@pytest.mark.parametrize(
    ("spans", "actual", "rule"),
    [
        (((0, 60), (0, 60)), (False, False), Rule.SAME_SCH_TIME),
        (((0, 60), (0, 60)), (True, True), Rule.SAME_VISIT_TIME),
        (((0, 60), (0, 60)), (True, False), Rule.SCH_AND_VISIT_TIME_SAME),
        (((0, 60), (0, 60)), (False, True), Rule.SCH_AND_VISIT_TIME_SAME),
        (((0, 60), (59, 90)), (False, False), Rule.SCH_OVER_ANOTHER_SCH_TIME),
        (((0, 60), (59, 90)), (True, True), Rule.VISIT_TIME_OVER_ANOTHER_VISIT_TIME),
        (((0, 60), (59, 90)), (True, False), Rule.SCH_TIME_OVER_VISIT_TIME),
        (((0, 60), (59, 90)), (False, True), Rule.SCH_TIME_OVER_VISIT_TIME),
        (((0, 60), (0, 61)), (True, True), Rule.VISIT_TIME_OVER_ANOTHER_VISIT_TIME),
        (((0, 60), (1, 60)), (True, True), Rule.VISIT_TIME_OVER_ANOTHER_VISIT_TIME),
        (((0, 60), (60, 90)), (False, False), 0),
        (((0, 60), (60, 90)), (True, False), 0),
        (((0, 60), (60, 90)), (True, True), Rule.DISTANCE),
        (((0, 60), (96, 120)), (True, True), Rule.DISTANCE),
        (((0, 60), (97, 120)), (True, True), 0),
    ],
)
def test_the_rule_of_a_pair_is_the_same_from_both_sides(
    spans: tuple[tuple[int, int], tuple[int, int]], actual: tuple[bool, bool], rule: int
):
    visits = two_visits(spans, actual)

    assert judge(NO_COLUMNS, visits, LEFT, RIGHT, DetectionPolicy()).tolist() == [rule, rule]


@pytest.mark.parametrize("places", [(HERE, NOWHERE), (NOWHERE, HERE), (NOWHERE, NOWHERE), (HERE, HERE)])
def test_rule_7_needs_two_places(places: tuple[tuple[float, float], tuple[float, float]]):
    visits = two_visits(((0, 60), (60, 90)), places=places)

    assert judge(NO_COLUMNS, visits, LEFT, RIGHT, DetectionPolicy()).tolist() == [0, 0]


def test_gap_and_overlap_are_never_negative():
    apart, across = two_visits(((0, 60), (75, 90))), two_visits(((0, 60), (50, 90)))

    assert minutes_between(apart, LEFT, RIGHT).tolist() == [15, 15]
    assert overlap_minutes(apart, LEFT, RIGHT).tolist() == [0, 0]
    assert minutes_between(across, LEFT, RIGHT).tolist() == [0, 0]
    assert overlap_minutes(across, LEFT, RIGHT).tolist() == [10, 10]


def test_a_speed_near_zero_makes_a_trip_endless_without_a_warning():
    crawl = DetectionPolicy(speed_bands=((0, None, 1e-307),))
    visits = two_visits(((0, 60), (90, 120)))

    with np.errstate(over="ignore"):
        assert judge(NO_COLUMNS, visits, LEFT, RIGHT, crawl).tolist() == [Rule.DISTANCE, Rule.DISTANCE]
