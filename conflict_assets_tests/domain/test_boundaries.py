"""The boundaries of the rules one by one, judged by the engine and by its twin."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets_tests.domain.agreement import detect
from conflict_assets_tests.domain.places import BASE, north_of_base
from conflict_assets_tests.domain.strategies import Row
from conflict_assets_tests.domain.twin import FLAGS, Verdict, digest, judge

Judge = Callable[..., Verdict]
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(params=[pytest.param(detect, id="engine"), pytest.param(judge, id="twin")])
def decide(request: pytest.FixtureRequest) -> Judge:
    return request.param


def worked(visit_id: str | None, provider_id: str | None = "P", start: datetime | None = NOON, **more: Any) -> Row:
    """An hour's work at noon, with whatever else is given."""
    return {
        "visit_id": visit_id,
        "ssn": "123456789",
        "provider_id": provider_id,
        "visit_date": date(2024, 6, 1),
        "sch_start_time": None,
        "sch_end_time": None,
        "visit_start_time": start,
        "visit_end_time": start and start + HOUR,
        **more,
    }


def flag_of(verdict: Verdict) -> str | None:
    """The one flag of a verdict on two visits, None when they are no conflict."""
    flags = {flag for row in verdict.conflicts for flag in FLAGS.values() if row[flag]}
    assert len(flags) == len(verdict.conflicts) / 2
    return flags.pop() if flags else None


@pytest.mark.parametrize(
    ("start", "length", "flag"),
    [
        pytest.param(HOUR, HOUR, None, id="touching after"),
        pytest.param(-HOUR, HOUR, None, id="touching before"),
        pytest.param(HOUR - TICK, HOUR, "visit_time_over_another_visit_time", id="one microsecond over the end"),
        pytest.param(-HOUR + TICK, HOUR, "visit_time_over_another_visit_time", id="one over the start"),
        pytest.param(0 * HOUR, HOUR, "same_visit_time", id="the same"),
        pytest.param(0 * HOUR, HOUR - TICK, "visit_time_over_another_visit_time", id="the same start, a shorter end"),
        pytest.param(TICK, HOUR - TICK, "visit_time_over_another_visit_time", id="the same end, a later start"),
        pytest.param(-HOUR, 3 * HOUR, "visit_time_over_another_visit_time", id="around the other"),
    ],
)
def test_half_open_intervals_overlap_to_the_microsecond(
    decide: Judge, start: timedelta, length: timedelta, flag: str | None
):
    other = worked("v2", "Q", NOON + start) | {"visit_end_time": NOON + start + length}

    assert flag_of(decide([worked("v1"), other])) == flag


@pytest.mark.parametrize(
    ("first", "second", "flag"),
    [
        pytest.param((40.7, -74.0, "10004"), (40.85, -73.88, "10458"), "distance", id="other ZIP codes"),
        pytest.param((40.7, -74.0, "10004"), (40.85, -73.88, "10004"), None, id="one ZIP code"),
        pytest.param((40.7, -74.0, "10004-1111"), (40.85, -73.88, " 10004"), None, id="one ZIP code told twice"),
        pytest.param((40.7, -74.0, "10004"), (40.85, -73.88, None), "distance", id="one ZIP code missing"),
        pytest.param((40.7, -74.0, None), (40.85, -73.88, None), "distance", id="both ZIP codes missing"),
        pytest.param((40.7, -74.0, ""), (40.85, -73.88, ""), "distance", id="both ZIP codes blank"),
        pytest.param((40.7, -74.0, "none"), (40.85, -73.88, "none"), "distance", id="the same non-number"),
        pytest.param((40.7, -74.0, "1000"), (40.85, -73.88, "01000"), None, id="the same but for a lost zero"),
        pytest.param((40.7, -74.0, "10"), (40.85, -73.88, "10"), "distance", id="the same two digits"),
        pytest.param((40.7, -74.0, None), (40.7, -74.0, None), None, id="no distance at all"),
        pytest.param((40.7, -74.0, None), (None, None, None), None, id="one point missing"),
        pytest.param((40.7, -74.0, None), (0.0, 0.0, None), None, id="one point a device's nothing"),
        pytest.param((0.0, 0.0, None), (0.0, 1.0, None), None, id="a device's nothing a degree away"),
        pytest.param((0.0, 0.1, None), (0.0, 1.0, None), "distance", id="the equator"),
        pytest.param((90.0, 0.0, None), (89.0, 0.0, None), "distance", id="the pole"),
        pytest.param((-90.1, 0.0, None), (-89.0, 0.0, None), None, id="beyond the pole"),
        pytest.param((0.0, -180.0, None), (0.0, -179.0, None), "distance", id="the date line"),
        pytest.param((0.0, 180.1, None), (0.0, 179.0, None), None, id="beyond the date line"),
        pytest.param((12.0, 10.0, None), (-12.0, -170.0, None), "distance", id="antipodes whose haversine exceeds 1"),
        pytest.param((51.0, 180.0, None), (51.0, -180.0, None), None, id="the date line by two names"),
        pytest.param((90.0, 0.0, None), (90.0, 120.0, None), None, id="the pole by two names"),
    ],
)
def test_back_to_back_visits_need_two_places(decide: Judge, first: Any, second: Any, flag: str | None):
    names = ("latitude", "longitude", "p_zip_code")
    here = worked("v1", **dict(zip(names, first, strict=True)))
    there = worked("v2", "Q", NOON + HOUR, **dict(zip(names, second, strict=True)))

    assert flag_of(decide([here, there])) == flag


@pytest.mark.parametrize(
    ("miles", "distance", "speed", "eta"),
    [
        (4.99, 4.99, 4.0, 74.85),
        (4.994999, 4.99, 4.0, 74.85),
        (4.995001, 5.0, 10.0, 30.0),
        (5.0, 5.0, 10.0, 30.0),
        (9.99, 9.99, 10.0, 59.94),
        (9.995001, 10.0, 25.0, 24.0),
        (19.994999, 19.99, 25.0, 47.98),
        (19.995001, 20.0, 50.0, 24.0),
        (0.006, 0.01, 4.0, 0.15),
    ],
)
def test_the_band_and_the_time_follow_the_rounded_distance(
    decide: Judge, miles: float, distance: float, speed: float, eta: float
):
    south = worked("v1", latitude=BASE[0], longitude=BASE[1])
    needed = timedelta(minutes=eta)
    for gap, is_conflict in ((timedelta(0), True), (needed - TICK, True), (needed, False), (needed + TICK, False)):
        latitude, longitude = north_of_base(miles)
        north = worked("v2", "Q", NOON + HOUR + gap, latitude=latitude, longitude=longitude)

        rows = decide([north, south]).conflicts

        assert [row["distance"] for row in rows] == [True, True] * is_conflict
        for row in rows:
            trip = (row["distance_miles"], row["average_miles_per_hour"], row["eta_travel_minutes"])
            assert trip == (distance, speed, eta)
            assert row["minutes_between"] == gap / timedelta(minutes=1)


def test_a_trip_is_told_for_every_rule_but_rule_7_is_for_worked_visits_alone(decide: Judge):
    places = ({"latitude": 40.7, "longitude": -74.0}, {"latitude": 40.85, "longitude": -73.88})
    planned = {"sch_start_time": NOON, "sch_end_time": NOON + HOUR}
    here = worked("v1", start=None, **planned, **places[0])

    overlapping = decide([here, worked("v2", "Q", NOON + HOUR / 2, **planned, **places[1])])
    back_to_back = decide([here, worked("v2", "Q", NOON + HOUR, **planned, **places[1])])

    assert {row["distance_miles"] for row in overlapping.conflicts} == {15.15}
    assert flag_of(overlapping) == "sch_time_over_visit_time"
    assert flag_of(back_to_back) is None


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        pytest.param(datetime(2024, 3, 10, 1, 30, tzinfo=NEW_YORK), 1, id="the hour that is skipped"),
        pytest.param(datetime(2024, 11, 3, 0, 30, tzinfo=NEW_YORK), 3, id="the hour that comes twice"),
    ],
)
def test_clock_changes_neither_lengthen_nor_shorten_a_visit(decide: Judge, night: datetime, hours: int):
    # Two hours later by the clock on the wall.
    end = night.replace(hour=night.hour + 2)
    here = worked("v1", start=night) | {"visit_end_time": end, "visit_date": night.date()}
    there = worked("v2", "Q", night.astimezone(UTC), visit_date=night.date())
    there |= {"visit_end_time": night.astimezone(UTC) + timedelta(hours=hours)}

    (row, _) = decide([here, there]).conflicts

    assert row["same_visit_time"]
    assert row["overlap_minutes"] == 60 * hours


@pytest.mark.parametrize(
    ("days", "pairs", "pairs_without_midnight"),
    [(0, 1, 1), (1, 1, 0), (-1, 1, 0), (2, 0, 0), (-2, 0, 0)],
)
def test_only_neighbouring_dates_make_a_pair(decide: Judge, days: int, pairs: int, pairs_without_midnight: int):
    leap_day = date(2024, 2, 29)
    here = worked("v1", visit_date=leap_day)
    there = worked("v2", "Q", visit_date=leap_day + timedelta(days=days))

    wide, narrow = decide([here, there]), decide([here, there], DetectionPolicy(cross_midnight=False))

    assert (wide.counts["conflicts"], narrow.counts["conflicts"]) == (pairs, pairs_without_midnight)
    assert all(row["crosses_midnight"] == (days != 0) for row in wide.conflicts)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"provider_id": "P"}, id="one agency"),
        pytest.param({"provider_id": " P "}, id="one agency with blanks around it"),
        pytest.param({"ssn": "123456780"}, id="two caregivers"),
    ],
)
def test_visits_of_one_agency_or_of_two_caregivers_are_no_pair(decide: Judge, changes: dict[str, Any]):
    verdict = decide([worked("v1"), worked("v2", "Q") | changes])

    assert verdict.counts["pairs_compared"] == verdict.counts["paired_visits"] == 0
    assert verdict.conflicts == []


def test_ids_keep_their_case_their_script_and_their_order_by_code_point(decide: Judge):
    ids = ["V1", "v1", "\u00ff", "\uffee", "\U0001d4b1", "9", "10", "a b"]
    rows = [worked(visit_id, provider) for visit_id, provider in zip(ids, "PQRSTUVW", strict=True)]

    verdict = decide(rows)

    assert verdict.counts["conflicts"] == 28
    assert [row["con_visit_id"] for row in verdict.conflicts if row["visit_id"] == "10"] == sorted(ids)[1:]
    assert {
        row["pair_id"]
        for row in verdict.conflicts
        if {"\uffee", "\U0001d4b1"} == {row["visit_id"], row["con_visit_id"]}
    } == {digest("\uffee", "\U0001d4b1")}
    assert {row["group_id"] for row in verdict.conflicts} == {digest("10")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ssn": None, "visit_id": None}, "missing_ssn"),
        ({"ssn": " - "}, "missing_ssn"),
        ({"ssn": "12345678", "visit_id": None}, "invalid_ssn"),
        ({"ssn": "12345678x"}, "invalid_ssn"),
        ({"visit_id": " ", "visit_start_time": None}, "missing_key"),
        ({"provider_id": ""}, "missing_key"),
        ({"visit_date": None}, "missing_key"),
        ({"visit_end_time": None}, "no_times"),
        ({"visit_end_time": NOON}, "empty_interval"),
        ({"visit_end_time": NOON - HOUR, "sch_start_time": NOON, "sch_end_time": NOON + HOUR}, "empty_interval"),
    ],
)
def test_the_first_reason_that_fits_rejects_a_visit(decide: Judge, changes: dict[str, Any], reason: str):
    verdict = decide([{**worked("v1"), **changes}])

    assert [why for _, why in verdict.rejected] == [reason]
    assert verdict.counts[reason] == 1
    assert verdict.counts["active"] == 0


def test_of_duplicates_the_newest_stays_even_when_it_can_not_be_judged(decide: Judge):
    old = worked("v1", last_updated_date=NOON)
    newest = worked(" v1", start=None, last_updated_date=NOON + HOUR)
    ageless = worked("v1", last_updated_date=None)

    verdict = decide([old, newest, ageless, worked("v2", "Q", last_updated_date=None)])

    assert sorted(verdict.rejected) == [("v1", "duplicate_visit_id"), ("v1", "duplicate_visit_id"), ("v1", "no_times")]
    assert verdict.conflicts == []


def test_too_many_visits_of_one_day_are_all_rejected_and_those_of_other_days_are_not(decide: Judge):
    crowd = [worked(f"v{number}", "PQ"[number % 2], NOON + number * HOUR) for number in range(3)]
    calm = worked("w1", visit_date=date(2024, 6, 2))

    verdict = decide([*crowd, calm], DetectionPolicy(max_visits_per_day=2))

    assert sorted(verdict.rejected) == [(f"v{number}", "implausible_density") for number in range(3)]
    assert decide([*crowd, calm], DetectionPolicy(max_visits_per_day=3)).rejected == []


@pytest.mark.parametrize(
    ("start", "end", "is_odd"),
    [
        (-24 * HOUR, HOUR, True),
        (-24 * HOUR, timedelta(0), False),
        (-24 * HOUR - timedelta(microseconds=1), -23 * HOUR, True),
        (48 * HOUR - timedelta(microseconds=1), 49 * HOUR, False),
        (48 * HOUR, 49 * HOUR, True),
        (timedelta(0), 24 * HOUR + timedelta(microseconds=1), True),
    ],
)
def test_odd_times_start_over_a_day_away_or_last_over_a_day(
    decide: Judge, start: timedelta, end: timedelta, is_odd: bool
):
    midnight = datetime(2024, 6, 1, tzinfo=UTC)
    visit = {**worked("v1"), "visit_start_time": midnight + start, "visit_end_time": midnight + end}

    assert decide([visit]).counts["odd_times"] == is_odd


@pytest.mark.parametrize(
    ("money", "rate"),
    [
        ({"rate": 30.0, "rate_type": " hourly "}, 0.5),
        ({"rate": 30.0, "rate_type": "Visit"}, None),
        ({"rate": 30.0, "rate_type": "Daily", "billed": True, "billed_hours": 2.0}, 0.25),
        ({"rate": 30.0, "rate_type": "Daily", "billed": False, "billed_hours": 2.0}, None),
        ({"rate": 30.0, "rate_type": "Visit", "sch_start_time": NOON, "sch_end_time": NOON + 5 * HOUR}, 0.1),
        ({"rate": 30.0, "rate_type": "Weekly"}, None),
        ({"rate": 0.0, "rate_type": "Hourly"}, None),
        ({"rate": -1.0, "rate_type": "Hourly"}, None),
        ({"rate": None, "billed_rate": 60.0, "billed": True, "rate_type": "Hourly"}, None),
        ({"billed_rate": 60.0, "bill_rate_non_billed": 6.0, "billed": True, "rate_type": "Hourly"}, 1.0),
        ({"billed_rate": 60.0, "bill_rate_non_billed": 6.0, "rate_type": "Hourly"}, 0.1),
        ({"rate": 30.0, "rate_type": "Daily", "billed": True, "billed_hours": 0.0}, None),
    ],
)
def test_money_a_minute_is_worked_out_or_missing(decide: Judge, money: dict[str, Any], rate: float | None):
    row = decide([worked("v1", **money), worked("v2", "Q", NOON + HOUR / 2)]).conflicts[0]

    assert row["rate_per_minute"] == rate
    assert row["shift_amount"] == (rate and rate * 60)
    assert row["overlap_amount"] == (rate and rate * 30)
    assert row["visit_type"] == ("billed" if money.get("billed") else "confirmed")
    assert row["cost_type"] == ("recovery" if money.get("billed") else "avoidance")


def test_conflicts_that_hang_together_share_the_group_of_their_smallest_visit(decide: Judge):
    chain = [worked(f"v{number}", "PQR"[number % 3], NOON + number * HOUR / 2) for number in range(4)]
    alone = [worked("a1", start=NOON + 9 * HOUR), worked("a2", "Q", NOON + 9 * HOUR)]

    verdict = decide([*chain, *alone])

    assert {(row["visit_id"][0], row["group_id"]) for row in verdict.conflicts} == {
        ("v", digest("v0")),
        ("a", digest("a1")),
    }
    assert verdict.counts["conflicts"] == 4


def test_a_visit_with_one_actual_time_is_in_no_pair_when_the_policy_ignores_it(decide: Judge):
    planned = {"sch_start_time": NOON, "sch_end_time": NOON + HOUR}
    half = worked("v1", start=None, **planned) | {"visit_start_time": NOON + 9 * HOUR}
    rows = [half, worked("v2", "Q", **planned)]

    judged, ignored = decide(rows), decide(rows, DetectionPolicy(incomplete_actuals="ignore"))

    assert [row["sch_and_visit_time_same"] for row in judged.conflicts] == [True, True]
    assert (ignored.counts["pairs_compared"], ignored.counts["paired_visits"], ignored.counts["active"]) == (0, 0, 2)
    assert judged.counts["one_actual_time"] == ignored.counts["one_actual_time"] == 1


def test_years_typed_wrong_harm_nobody(decide: Judge):
    ages = (datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 20, tzinfo=UTC))
    typos = [
        worked(f"t{number}", "PQ"[number % 2], ages[number % 2], ssn=f"{100000000 + number // 2}")
        for number in range(200)
    ]
    long_ago = worked("t200", "Q", ages[0]) | {"visit_end_time": ages[1]}

    verdict = decide([*typos, long_ago, worked("v1"), worked("v2", "Q")])

    assert [(row["visit_id"], row["con_visit_id"]) for row in verdict.conflicts] == [
        ("t200", "v1"),
        ("v1", "t200"),
        ("v1", "v2"),
        ("v2", "v1"),
    ]
    assert verdict.counts["odd_times"] == 201
