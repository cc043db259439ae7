"""The trip between two visits: its distance, speed and time.

Rule 7 of docs/rules.md defines them.
"""

import numpy as np

from conflict_assets.domain.columns.arrays import Bools, Floats
from conflict_assets.domain.policy import DetectionPolicy, SpeedBand

EARTH_RADIUS_MILES = 3958.7613
MINUTES_PER_HOUR = 60
DECIMALS = 2
MAX_LATITUDE, MAX_LONGITUDE = 90, 180


def usable_coordinates(latitude: Floats, longitude: Floats) -> Bools:
    """Find the points (degrees) that can be used as coordinates.

    They are on Earth and are not the point 0, 0, which a device sends when it knows nothing.
    """
    in_range = (np.abs(latitude) <= MAX_LATITUDE) & (np.abs(longitude) <= MAX_LONGITUDE)
    usable: Bools = in_range & ((latitude != 0) | (longitude != 0))
    return usable


def great_circle_miles(latitude: Floats, longitude: Floats, con_latitude: Floats, con_longitude: Floats) -> Floats:
    """Return great-circle distances in miles, by the haversine formula.

    The points are in degrees.
    """
    phi, con_phi = np.radians(latitude), np.radians(con_latitude)
    half_phi = (con_phi - phi) / 2
    half_lambda = np.radians(con_longitude - longitude) / 2
    haversine = np.sin(half_phi) ** 2 + np.cos(phi) * np.cos(con_phi) * np.sin(half_lambda) ** 2
    # Rounding may lift the haversine of antipodes just above 1.
    miles: Floats = 2 * EARTH_RADIUS_MILES * np.arcsin(np.sqrt(np.minimum(haversine, 1)))
    return miles


def road_miles(great_circle: Floats, policy: DetectionPolicy) -> Floats:
    """Return miles by road, rounded to two decimals."""
    return np.round(great_circle * policy.extra_distance_factor, DECIMALS)


def miles_per_hour(distance: Floats, bands: tuple[SpeedBand, ...]) -> Floats:
    """Return the speed of the band that holds each distance.

    A band includes its start and excludes its end. A missing distance has a missing speed.
    """
    starts = np.array([start for start, _, _ in bands], dtype=np.float64)
    speeds = np.array([speed for _, _, speed in bands], dtype=np.float64)
    return np.where(np.isnan(distance), np.nan, speeds[np.searchsorted(starts, distance, side="right") - 1])


def travel_minutes(distance: Floats, speed: Floats) -> Floats:
    """Return the minutes that a distance takes, rounded to two decimals."""
    return np.round(distance / speed * MINUTES_PER_HOUR, DECIMALS)


def longest_trip_minutes(latitude_span: Floats, longitude_span: Floats, policy: DetectionPolicy) -> Floats:
    """Return an upper bound of the minutes across a box.

    It holds for any two points of a box of that size. The spans are in degrees, and NaN means no trip.

    One can go along a meridian and then along a parallel, so no great circle is longer than both together.
    """
    angle = np.minimum(np.radians(latitude_span + longitude_span), np.pi)
    # A little more, for the roundings of distance and of time.
    farthest = angle * EARTH_RADIUS_MILES * policy.extra_distance_factor * (1 + 1e-9) + 1 / 100
    longest = np.zeros_like(farthest)
    for start, end, speed in policy.speed_bands:
        within = farthest if end is None else np.minimum(farthest, end)
        longest = np.where(farthest >= start, np.maximum(longest, within / speed * MINUTES_PER_HOUR), longest)
    return np.where(np.isnan(angle), 0.0, longest + 1 / 100)
