"""Points on Earth where a rule about distances can go wrong."""

from math import degrees
from typing import Any

EARTH_RADIUS_MILES = 3958.7613
ROAD_FACTOR = 1.25
BASE = (40.70, -74.00)


def north_of_base(road_miles: float) -> tuple[float, float]:
    """The point due north of `BASE` so that the trip, roads included, has this length."""
    return BASE[0] + degrees(road_miles / ROAD_FACTOR / EARTH_RADIUS_MILES), BASE[1]


EDGE_MILES = (
    4.99,
    4.994999,
    4.995001,
    5.0,
    9.99,
    9.995001,
    10.0,
    15.15,
    19.99,
    19.994999,
    19.995001,
    20.0,
    0.004,
    0.006,
)
"""Where a band begins, before and after rounding; and a trip that rounds to nothing."""

GOOD_PLACES: tuple[tuple[float, float], ...] = (
    BASE,
    (40.85, -73.88),
    *(north_of_base(miles) for miles in EDGE_MILES),
    (90.0, 0.0),
    (90.0, 120.0),
    (-90.0, -180.0),
    (51.0, 180.0),
    (51.0, -180.0),
    (51.0, 179.99),
    (51.0, -179.99),
    (0.0, 1e-9),
    (0.0, -0.05),
    (-40.70, 106.0),
    (12.0, 10.0),
    (-12.0, -170.0),
)
BAD_PLACES: tuple[tuple[Any, Any], ...] = (
    (0.0, 0.0),
    (-0.0, 0.0),
    (90.000001, 0.0),
    (40.0, 180.000001),
    (-91.0, 10.0),
    (float("inf"), 10.0),
    (40.0, None),
    (None, -74.0),
    (None, None),
    ("", None),
    ("north", "west"),
    ("0", "0.0"),
)
TEXT_PLACES = (("40.70", " -74.00 "), ("40.85", -73.88))

PLACES: tuple[tuple[Any, Any], ...] = (*(BASE,) * 6, *GOOD_PLACES, *GOOD_PLACES, *BAD_PLACES, *TEXT_PLACES)
