"""The trip between two visits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.travel import (
    great_circle_miles,
    longest_trip_minutes,
    miles_per_hour,
    road_miles,
    travel_minutes,
    usable_coordinates,
)

POLICIES = (
    DetectionPolicy(),
    DetectionPolicy(extra_distance_factor=3.0, speed_bands=((0, 1, 60.0), (1, 1.5, 0.01), (1.5, None, 900.0))),
)


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_the_speed_is_that_of_the_half_open_band():
    speeds = miles_per_hour(array(0, 4.99, 5, 9.99, 10, 19.99, 20, 12_000, np.nan), DetectionPolicy().speed_bands)

    assert speeds[:-1].tolist() == [4, 4, 10, 10, 25, 25, 50, 50]
    assert np.isnan(speeds[-1])


def test_miles_and_minutes_are_rounded_to_two_decimals():
    assert road_miles(array(12.1176, 4.0), DetectionPolicy()).tolist() == [15.15, 5.0]
    assert travel_minutes(array(15.15, 1.0), array(25.0, 7.0)).tolist() == [36.36, 8.57]


@pytest.mark.parametrize(
    ("latitude", "longitude", "usable"),
    [
        (40.7, -74.0, True),
        (90, 180, True),
        (-90, -180, True),
        (0, 1, True),
        (1, 0, True),
        (0, 0, False),
        (-0.0, 0.0, False),
        (90.0001, 0, False),
        (-90.0001, 0, False),
        (40, 180.0001, False),
        (40, -180.0001, False),
        (np.nan, 1, False),
        (1, np.nan, False),
        (np.inf, 1, False),
    ],
)
def test_a_point_is_usable_when_it_is_on_earth_and_not_nowhere(latitude: float, longitude: float, usable: bool):
    assert usable_coordinates(array(latitude), array(longitude)).tolist() == [usable]


def test_rounding_makes_no_antipode_unreachable():
    rng = np.random.default_rng(1)
    latitude, longitude = rng.uniform(-90, 90, 20_000).round(4), rng.uniform(-180, 0, 20_000).round(4)

    miles = great_circle_miles(latitude, longitude, -latitude, longitude + 180)

    # Of that many, rounding lifts the haversine of some above 1.
    np.testing.assert_allclose(miles, np.pi * 3958.7613, rtol=1e-6)


def test_antipodes_are_half_the_globe_apart():
    miles = great_circle_miles(array(0, -20.7, 90), array(0, -108.2, 0), array(0, 20.7, -90), array(180, 71.8, 77))

    assert miles.tolist() == pytest.approx([np.pi * 3958.7613] * 3)


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


@given(ends=st.tuples(latitudes, longitudes, latitudes, longitudes), policy=st.sampled_from(POLICIES))
def test_no_trip_takes_longer_than_the_longest_of_its_box(ends: tuple[float, ...], policy: DetectionPolicy):
    latitude, longitude, con_latitude, con_longitude = (array(value) for value in ends)
    distance = road_miles(great_circle_miles(latitude, longitude, con_latitude, con_longitude), policy)
    trip = travel_minutes(distance, miles_per_hour(distance, policy.speed_bands))

    longest = longest_trip_minutes(abs(latitude - con_latitude), abs(longitude - con_longitude), policy)

    assert trip <= longest


def test_without_two_places_there_is_no_trip():
    assert longest_trip_minutes(array(np.nan), array(np.nan), DetectionPolicy()).tolist() == [0]
