"""Single values of columns that mix types.

The error that refuses a type never shows the value, which may be an SSN.
"""

from decimal import Decimal
from typing import Any

import pandas as pd

_MISSING_TYPES = (type(None), type(pd.NaT), type(pd.NA))


def is_missing(value: Any) -> bool:
    """Whether a value stands for nothing: None, NaN, NaT or NA."""
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, _MISSING_TYPES) or (isinstance(value, float) and value != value)  # noqa: PLR0124 (NaN)


def refuse_type(name: str, found: str, allowed: str) -> TypeError:
    """Make the error for a column that holds a wrong type."""
    return TypeError(f"column {name!r} holds {found}; allowed: {allowed}")
