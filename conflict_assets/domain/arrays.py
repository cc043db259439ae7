"""The array types that the engine computes on, and how each of them says that a value is missing."""

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

LAST = int(np.iinfo(np.int64).max)

MICROSECONDS_PER_MINUTE = 60_000_000
MICROSECONDS_PER_DAY = 24 * 60 * MICROSECONDS_PER_MINUTE


def minutes(microseconds: Ints) -> Floats:
    """Convert a span in microseconds into minutes."""
    return microseconds / MICROSECONDS_PER_MINUTE
