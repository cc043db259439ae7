"""The twin against values worked out by hand: it must be right before the engine is held to it."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets_tests.domain.strategies import Row, nights, policies
from conflict_assets_tests.domain.twin import digest, judge
from conflict_assets_tests.domain.twin_travel import great_circle_miles
from conflict_assets_tests.domain.twin_visit import coordinates, instant, text, zip_code

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


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


@pytest.mark.parametrize(
    ("here", "there", "miles"),
    [
        pytest.param((40.70, -74.00), (40.85, -73.88), 12.1176, id="the worked example"),
        pytest.param((0.0, 0.0), (0.0, 90.0), 6218.4077, id="a quarter of the equator"),
        pytest.param((90.0, 0.0), (-90.0, 77.0), 12436.8154, id="from pole to pole"),
        pytest.param((90.0, -180.0), (90.0, 15.0), 0.0, id="one pole by two names"),
        pytest.param((51.0, 180.0), (51.0, -180.0), 0.0, id="the date line by two names"),
        pytest.param((0.0, 179.5), (0.0, -179.5), 69.0934, id="one degree across the date line"),
    ],
)
def test_the_great_circle_has_its_known_length(here: tuple[float, float], there: tuple[float, float], miles: float):
    assert great_circle_miles(here, there) == pytest.approx(miles, abs=5e-5)
    assert great_circle_miles(there, here) == great_circle_miles(here, there)


def test_the_digest_counts_bytes_and_keeps_ids_apart():
    assert digest("a", "é") == sha256(b"1:a2:\xc3\xa9").hexdigest()[:32]
    assert digest("a", "b1:c") != digest("a1:b", "c")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("10458", "10458"),
        (" 10458-1234", "10458"),
        ("104581234", "10458"),
        (10458, "10458"),
        (501, "00501"),
        ("501", None),
        ("1045x", None),
        ("", None),
        (None, None),
    ],
)
def test_a_zip_code_is_its_first_five_digits(raw: object, code: str | None):
    assert zip_code(raw) == code


@pytest.mark.parametrize(
    ("raw", "point", "is_bad"),
    [
        ((40.7, -74.0), (40.7, -74.0), False),
        (("40.7", " -74"), (40.7, -74.0), False),
        ((90.0, 180.0), (90.0, 180.0), False),
        ((0.0, 0.1), (0.0, 0.1), False),
        ((None, None), None, False),
        (("", " "), None, False),
        ((0.0, 0.0), None, True),
        ((90.1, 0.0), None, True),
        ((0.0, -180.1), None, True),
        ((float("inf"), 0.0), None, True),
        (("north", "west"), None, True),
        ((40.7, None), None, True),
    ],
)
def test_a_point_is_good_or_missing_or_bad(raw: tuple[Any, Any], point: tuple[float, float] | None, is_bad: bool):
    assert coordinates(*raw) == (point, is_bad)


def test_times_become_instants_and_texts_lose_their_margins():
    assert instant(datetime(2024, 6, 1, 8, tzinfo=ZoneInfo("America/New_York"))) == NOON
    assert instant(datetime(2024, 6, 1, 12)) == NOON  # noqa: DTZ001 - a naive time is what is tried here
    assert text(" \t v1 ") == "v1"
    assert text(" ") is None
    assert text(12) == "12"


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
def test_the_first_reason_that_fits_rejects_a_visit(changes: dict[str, Any], reason: str):
    verdict = judge([{**worked("v1"), **changes}])

    assert [why for _, why in verdict.rejected] == [reason]
    assert verdict.counts[reason] == 1
    assert verdict.counts["active"] == 0


def test_of_duplicates_the_newest_stays_even_when_it_can_not_be_judged():
    old = worked("v1", last_updated_date=NOON)
    newest = worked(" v1", start=None, last_updated_date=NOON + HOUR)
    ageless = worked("v1", last_updated_date=None)

    verdict = judge([old, newest, ageless, worked("v2", "Q", last_updated_date=None)])

    assert sorted(verdict.rejected) == [("v1", "duplicate_visit_id"), ("v1", "duplicate_visit_id"), ("v1", "no_times")]
    assert verdict.conflicts == []


def test_too_many_visits_of_one_day_are_all_rejected_and_those_of_other_days_are_not():
    crowd = [worked(f"v{number}", "PQ"[number % 2], NOON + number * HOUR) for number in range(3)]
    calm = worked("w1", visit_date=date(2024, 6, 2))

    verdict = judge([*crowd, calm], DetectionPolicy(max_visits_per_day=2))

    assert sorted(verdict.rejected) == [(f"v{number}", "implausible_density") for number in range(3)]
    assert judge([*crowd, calm], DetectionPolicy(max_visits_per_day=3)).rejected == []


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
def test_odd_times_start_over_a_day_away_or_last_over_a_day(start: timedelta, end: timedelta, is_odd: bool):
    midnight = datetime(2024, 6, 1, tzinfo=UTC)
    visit = {**worked("v1"), "visit_start_time": midnight + start, "visit_end_time": midnight + end}

    assert judge([visit]).counts["odd_times"] == is_odd


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
def test_money_a_minute_is_worked_out_or_missing(money: dict[str, Any], rate: float | None):
    row = judge([worked("v1", **money), worked("v2", "Q", NOON + HOUR / 2)]).conflicts[0]

    assert row["rate_per_minute"] == rate
    assert row["shift_amount"] == (rate and rate * 60)
    assert row["overlap_amount"] == (rate and rate * 30)
    assert row["visit_type"] == ("billed" if money.get("billed") else "confirmed")
    assert row["cost_type"] == ("recovery" if money.get("billed") else "avoidance")


def test_conflicts_that_hang_together_share_the_group_of_their_smallest_visit():
    chain = [worked(f"v{number}", "PQR"[number % 3], NOON + number * HOUR / 2) for number in range(4)]
    alone = [worked("a1", start=NOON + 9 * HOUR), worked("a2", "Q", NOON + 9 * HOUR)]

    verdict = judge([*chain, *alone])

    assert {(row["visit_id"][0], row["group_id"]) for row in verdict.conflicts} == {
        ("v", digest("v0")),
        ("a", digest("a1")),
    }
    assert verdict.counts["conflicts"] == 4


def test_a_visit_with_one_actual_time_is_in_no_pair_when_the_policy_ignores_it():
    planned = {"sch_start_time": NOON, "sch_end_time": NOON + HOUR}
    half = worked("v1", start=None, **planned) | {"visit_start_time": NOON + 9 * HOUR}
    rows = [half, worked("v2", "Q", **planned)]

    judged, ignored = judge(rows), judge(rows, DetectionPolicy(incomplete_actuals="ignore"))

    assert [row["sch_and_visit_time_same"] for row in judged.conflicts] == [True, True]
    assert (ignored.counts["pairs_compared"], ignored.counts["paired_visits"], ignored.counts["active"]) == (0, 0, 2)
    assert judged.counts["one_actual_time"] == ignored.counts["one_actual_time"] == 1


@given(rows=nights(), policy=policies)
def test_the_twin_accounts_for_every_visit(rows: list[Row], policy: DetectionPolicy):
    verdict = judge(rows, policy)

    assert verdict.counts["visits"] == len(rows) == verdict.counts["active"] + len(verdict.rejected)
    assert {row["pair_id"] for row in verdict.conflicts[:1]} <= {row["pair_id"] for row in verdict.conflicts[1:]}
