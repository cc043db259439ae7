"""Make pairs by a sweep over each caregiver's visits.

The visits are in order of start, and the sweep never holds many pairs at once.
"""

from collections.abc import Iterator

import numpy as np

from conflict_assets.domain.columns.arrays import MICROSECONDS_PER_MINUTE, Ints
from conflict_assets.domain.contested import PairedVisits
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.travel import longest_trip_minutes

PAIRS_AT_ONCE = 1 << 17
"""How many pairs are judged together: enough to keep NumPy busy, few enough to stay near the processor."""

_LONGEST_REACH = 1 << 61


def sweep_pairs(visits: PairedVisits, policy: DetectionPolicy) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs that may conflict, a bounded number at a time.

    A pair is two positions, and the visit that starts earlier comes first. A visit is compared with those that start
    before it ends. A visit that may be the first of a trip is also compared with those that start before the longest
    trip of its caregiver could end. Step k compares each visit with the k-th after it. A visit that has reached one
    that starts too late is done, since all later ones start too late as well.
    """
    until = _reach(visits, policy)
    days_apart = 1 if policy.cross_midnight else 0
    left, held, size = np.arange(len(visits)), [], 0
    step = 0
    while len(left):
        step += 1
        left = left[: np.searchsorted(left, len(visits) - step)]
        right = left + step
        going_on = (visits.ssn[left] == visits.ssn[right]) & (visits.start[right] < until[left])
        left, right = left[going_on], right[going_on]
        is_pair = visits.agency[left] != visits.agency[right]
        is_pair &= np.abs(visits.date[left] - visits.date[right]) <= days_apart
        held.append((left[is_pair], right[is_pair]))
        size += len(held[-1][0])
        if size >= PAIRS_AT_ONCE:
            yield _joined(held)
            held, size = [], 0
    if size:
        yield _joined(held)


def _joined(held: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    return np.concatenate([left for left, _ in held]), np.concatenate([right for _, right in held])


def _reach(visits: PairedVisits, policy: DetectionPolicy) -> Ints:
    """Return the instant from which nothing can conflict with each visit.

    It is the visit's end, or the end of the longest trip.
    """
    if len(visits) == 0:
        return visits.end
    travels = visits.actual & ~np.isnan(visits.latitude)
    first = np.flatnonzero(np.diff(visits.ssn, prepend=-1))
    spans = [
        np.fmax.reduceat(degrees, first) - np.fmin.reduceat(degrees, first)
        for degrees in (
            np.where(travels, visits.latitude, np.nan),
            np.where(travels, visits.longitude, np.nan),
        )
    ]
    trip = longest_trip_minutes(spans[0], spans[1], policy)
    microseconds = np.ceil(np.minimum(trip * MICROSECONDS_PER_MINUTE, _LONGEST_REACH)).astype(np.int64)
    per_visit = np.repeat(microseconds, np.diff(np.append(first, len(visits))))
    return visits.end + np.where(travels, per_visit, 0)
