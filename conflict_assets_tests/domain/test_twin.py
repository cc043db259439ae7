"""The twin against values worked out by hand: it must be right before the engine is held to it."""

from datetime import UTC, datetime
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
        ("501", "00501"),
        ("1045x", "01045"),
        ("45x", None),
        ("", None),
        (None, None),
    ],
)
def test_a_zip_code_is_five_digits_with_lost_zeros_put_back(raw: object, code: str | None):
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


@given(rows=nights(), policy=policies)
def test_the_twin_accounts_for_every_visit(rows: list[Row], policy: DetectionPolicy):
    verdict = judge(rows, policy)

    assert verdict.counts["visits"] == len(rows) == verdict.counts["active"] + len(verdict.rejected)
    assert {row["pair_id"] for row in verdict.conflicts[:1]} <= {row["pair_id"] for row in verdict.conflicts[1:]}
