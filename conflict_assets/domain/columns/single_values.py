"""Single values of columns that mix types.

The error that refuses a type never shows the value, which may be an SSN.
"""

from decimal import Decimal
from typing import Any

_MISSING_TYPES = {"NoneType", "NaTType", "NAType"}
"""The names of the types: pandas need not be loaded to know its own."""


def is_missing(value: Any) -> bool:
    """Whether a value stands for nothing: None, NaN, NaT or NA."""
    if isinstance(value, Decimal):
        return value.is_nan()
    return type(value).__name__ in _MISSING_TYPES or (isinstance(value, float) and value != value)  # noqa: PLR0124 (NaN)


def refuse_type(name: str, found: str, allowed: str) -> TypeError:
    """Make the error for a column that holds a wrong type."""
    return TypeError(f"column {name!r} holds {found}; allowed: {allowed}")
