"""A policy holds only choices that can be meant."""

from dataclasses import fields
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from conflict_assets.domain.policy import DEFAULT_SPEED_BANDS, DetectionPolicy

NAN, INFINITE = float("nan"), float("inf")
FIELDS = [field.name for field in fields(DetectionPolicy)]


def test_the_defaults_are_those_of_the_contract():
    policy = DetectionPolicy()

    assert policy.cross_midnight is True
    assert policy.extra_distance_factor == 1.25
    assert policy.speed_bands == ((0, 5, 4.0), (5, 10, 10.0), (10, 20, 25.0), (20, None, 50.0)) == DEFAULT_SPEED_BANDS
    assert policy.back_to_back_counts is True
    assert policy.incomplete_actuals == "scheduled"
    assert policy.max_visits_per_day == 50


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("cross_midnight", value) for value in (None, 1, "yes")),
        *(("back_to_back_counts", value) for value in (None, 0, "no")),
        *(("extra_distance_factor", value) for value in (0, -1, NAN, INFINITE, None, "1.25", True)),
        *(("incomplete_actuals", value) for value in ("actual", None, "", True)),
        *(("max_visits_per_day", value) for value in (0, -1, 1.5, None, "200", True)),
        ("speed_bands", ()),
        ("speed_bands", ((0, 5, 4.0),)),
        ("speed_bands", ((1, None, 4.0),)),
        ("speed_bands", ((0, 5, 4.0), (6, None, 10.0))),
        ("speed_bands", ((0, 5, 4.0), (4, None, 10.0))),
        ("speed_bands", ((0, None, 4.0), (5, None, 10.0))),
        ("speed_bands", ((0, 5, 0), (5, None, 10.0))),
        ("speed_bands", ((0, 5, -4.0), (5, None, 10.0))),
        ("speed_bands", ((0, 5, NAN), (5, None, 10.0))),
        ("speed_bands", ((0, 5, INFINITE), (5, None, 10.0))),
        ("speed_bands", ((0, 5, None), (5, None, 10.0))),
        ("speed_bands", ((0, 0, 4.0), (0, None, 10.0))),
        ("speed_bands", ((-1, 5, 4.0), (5, None, 10.0))),
        ("speed_bands", ((0, 5), (5, None, 10.0))),
        ("speed_bands", ((0, "5", 4.0), (5, None, 10.0))),
        ("speed_bands", (None,)),
        *(("speed_bands", value) for value in (5, None, True, 1.5, "fast", object(), {0: 1}, [5], [[]])),
        ("speed_bands", [[[0], None, 4]]),
        ("speed_bands", ((0, None, 10**400),)),
        ("speed_bands", ((0, 10**400, 4.0), (10**400, None, 4.0))),
        *((field, value) for field in FIELDS for value in (object(), (), [], {}, np.array([1, 2]), 1j, b"1")),
        *(("extra_distance_factor", value) for value in (10**400, Decimal("1.25"))),
    ],
)
def test_a_wrong_value_is_refused_by_the_fields_name(field: str, value: Any):
    with pytest.raises(ValueError, match=field):
        DetectionPolicy(**{field: value})


def test_bands_may_come_in_any_order_and_as_lists():
    policy = DetectionPolicy(speed_bands=[[5, None, 10.0], [0, 5, 4.0]])  # type: ignore[arg-type]

    assert policy.speed_bands == ((0, 5, 4.0), (5, None, 10.0))
