"""The choices that conflict detection leaves open, as one immutable value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from numbers import Real
from typing import Literal, get_args

SpeedBand = tuple[float, float | None, float]
"""From (miles, inclusive), to (miles, exclusive; None: no end), speed (miles an hour)."""

DEFAULT_SPEED_BANDS: tuple[SpeedBand, ...] = ((0, 5, 4.0), (5, 10, 10.0), (10, 20, 25.0), (20, None, 50.0))

IncompleteActuals = Literal["scheduled", "ignore"]


@dataclass(frozen=True, kw_only=False)
class DetectionPolicy:
    """How pairs are judged.

    Raises:
        ValueError: a field has a value that is not allowed; the message names the field.
    """

    cross_midnight: bool = True
    extra_distance_factor: float = 1.25
    speed_bands: tuple[SpeedBand, ...] = DEFAULT_SPEED_BANDS
    back_to_back_counts: bool = True
    incomplete_actuals: IncompleteActuals = "scheduled"
    max_visits_per_day: int = 50

    def __post_init__(self) -> None:
        for field in ("cross_midnight", "back_to_back_counts"):
            if not isinstance(getattr(self, field), bool):
                raise ValueError(f"{field} is {getattr(self, field)!r}; allowed: True or False")
        if not _is_number(self.extra_distance_factor) or self.extra_distance_factor <= 0:
            raise ValueError(f"extra_distance_factor is {self.extra_distance_factor!r}; allowed: a number above 0")
        if not isinstance(self.incomplete_actuals, str) or self.incomplete_actuals not in get_args(IncompleteActuals):
            raise ValueError(
                f"incomplete_actuals is {self.incomplete_actuals!r}; allowed: {', '.join(get_args(IncompleteActuals))}"
            )
        limit = self.max_visits_per_day
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise ValueError(f"max_visits_per_day is {limit!r}; allowed: a whole number of 1 or more")
        object.__setattr__(self, "speed_bands", check_speed_bands(self.speed_bands))


def check_speed_bands(bands: Sequence[Sequence[float | None]]) -> tuple[SpeedBand, ...]:
    """Return the speed bands in order of distance.

    Raises:
        ValueError: the table leaves a gap, overlaps, or has a band with no speed or no length.
    """
    if not isinstance(bands, Iterable):
        raise ValueError(f"speed_bands is {bands!r}; allowed: bands of (from miles, to miles or None, miles an hour)")
    rows = [_band(band) for band in bands]
    if not rows:
        raise ValueError("speed_bands is empty; allowed: at least one band, from 0 miles to no end")
    rows.sort(key=lambda band: band[0])
    if rows[0][0] != 0:
        raise ValueError(f"speed_bands starts at {rows[0][0]} miles; allowed: the first band starts at 0")
    for (_, end, _), (start, _, _) in pairwise(rows):
        if end is None or end > start:
            raise ValueError(f"speed_bands has an overlap at {start} miles; allowed: each band starts where one ends")
        if end < start:
            raise ValueError(f"speed_bands has a gap from {end} to {start} miles; allowed: no gap")
    if rows[-1][1] is not None:
        raise ValueError(f"speed_bands ends at {rows[-1][1]} miles; allowed: the last band has no end (None)")
    return tuple(rows)


def _band(band: Sequence[float | None]) -> SpeedBand:
    try:
        start, end, speed = band
    except (TypeError, ValueError):
        raise ValueError(f"speed_bands has {band!r}; allowed: (from miles, to miles or None, miles an hour)") from None
    if not _is_number(start) or (end is not None and not _is_number(end)) or not _is_number(speed):
        raise ValueError(f"speed_bands has {band!r}; allowed: finite numbers, and None for no end")
    if speed is None or speed <= 0:
        raise ValueError(f"speed_bands has a speed of {speed!r}; allowed: a speed above 0 miles an hour")
    if start is None or start < 0 or (end is not None and end <= start):
        raise ValueError(f"speed_bands has {band!r}; allowed: a band that ends after it starts, from 0 miles")
    return (start, end, speed)


def _is_number(value: object) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False
