"""The engine's array types, and how each marks a missing value."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
"""Codes (missing: `NO_CODE`), days since 1970-01-01 or microseconds since then in UTC (missing: `MISSING`)."""

Floats = npt.NDArray[np.float64]
"""Degrees, miles, minutes, rates or amounts; missing: NaN."""

Bools = npt.NDArray[np.bool_]

NO_CODE = -1
MISSING = int(np.iinfo(np.int64).min)
"""NumPy's own NaT, seen as an integer."""

FAR = MISSING + 1
"""Stands for a date or a time that is further away than integers reach, or infinitely far."""

LAST = int(np.iinfo(np.int64).max)

MICROSECONDS_PER_MINUTE = 60_000_000
MICROSECONDS_PER_DAY = 24 * 60 * MICROSECONDS_PER_MINUTE


def minutes(microseconds: Ints) -> Floats:
    """Convert a span in microseconds into minutes."""
    return microseconds / MICROSECONDS_PER_MINUTE


def order_by(major: Ints, minor: Ints) -> Ints:
    """Return an order by `major`, which is not negative, then by `minor`."""
    joined = _joined(major, minor)
    return np.lexsort((minor, major)) if joined is None else np.argsort(joined[0])


def sort_pairs(major: Ints, minor: Ints) -> tuple[Ints, Ints]:
    """Return `major` and `minor`, both sorted by `major`, then by `minor`.

    `major` is not negative.
    """
    joined = _joined(major, minor)
    if joined is None:
        order = np.lexsort((minor, major))
        return major[order], minor[order]
    values, span, lowest = joined
    values.sort()
    sorted_major = values // span
    return sorted_major, values - sorted_major * span + lowest


def _joined(major: Ints, minor: Ints) -> tuple[Ints, int, int] | None:
    """Join two numbers into one, if they fit.

    Sorting by one number is several times faster than sorting by both.
    """
    if len(major) == 0:
        return major.copy(), 1, 0
    lowest = int(minor.min())
    span = int(minor.max()) - lowest + 1
    if (int(major.max()) + 1) * span > LAST:
        return None
    return major * span + (minor - lowest), span, lowest


def starts_of_runs(values: Ints) -> Ints:
    """Return where each run of equal values starts."""
    return np.flatnonzero(np.append(np.ones(min(len(values), 1), dtype=np.bool_), np.diff(values) != 0))


def lengths_of_runs(starts: Ints, size: int) -> Ints:
    """Return the lengths of the runs that begin at `starts`.

    The runs fill an array of `size` values.
    """
    return np.diff(np.append(starts, size))
