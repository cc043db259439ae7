"""How far two visits lie apart, and how long the trip takes: the twin's own arithmetic, one trip at a time."""

import math
from dataclasses import dataclass

import numpy as np

from conflict_assets.domain.policy import DetectionPolicy

EARTH_RADIUS_MILES = 3958.7613
Point = tuple[float, float]


@dataclass(frozen=True)
class Trip:
    """Distance (miles, roads included), speed (miles an hour) and the time needed (minutes)."""

    distance: float
    speed: float
    eta: float


def travel(here: Point | None, there: Point | None, policy: DetectionPolicy) -> Trip | None:
    """The trip between two points, None when one is not known."""
    if here is None or there is None:
        return None
    distance = float(np.round(great_circle_miles(here, there) * policy.extra_distance_factor, 2))
    for start, end, speed in policy.speed_bands:
        if start <= distance and (end is None or distance < end):
            return Trip(distance, float(speed), float(np.round(distance / speed * 60, 2)))
    raise AssertionError(f"no band holds {distance} miles")


def great_circle_miles(here: Point, there: Point) -> float:
    """The haversine formula: hav(d/R) = hav(north) + cos(latitude) cos(latitude) hav(east)."""
    latitude, other_latitude = math.radians(here[0]), math.radians(there[0])
    half_way_north = math.sin((other_latitude - latitude) / 2)
    half_way_east = math.sin(math.radians(there[1] - here[1]) / 2)
    haversine = half_way_north**2 + math.cos(latitude) * math.cos(other_latitude) * half_way_east**2
    return 2 * EARTH_RADIUS_MILES * math.asin(math.sqrt(min(1.0, haversine)))


def is_on_rounding_edge(here: Point | None, there: Point | None, policy: DetectionPolicy) -> bool:
    """Whether the last bits of a sine may decide to which hundredth of a mile the distance is rounded."""
    if here is None or there is None:
        return False
    miles = great_circle_miles(here, there)
    # Near the antipodes an arc sine is steep: one bit of its argument is worth a ten-thousandth of a mile.
    slack = 1e-9 if miles < 12_000 else 1e-3
    hundredths = miles * policy.extra_distance_factor * 100
    return abs(hundredths % 1 - 0.5) <= slack * 100
