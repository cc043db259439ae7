"""Columns of Python objects, of one kind or mixed.

Columns of one kind become Arrow arrays. Mixed columns are read value by value.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

_MISSING_TYPES = {type(None), type(pd.NaT), type(pd.NA)}
_UNIFORM: tuple[tuple[frozenset[type], pa.DataType], ...] = (
    (frozenset({str}), pa.string()),
    (frozenset({date}), pa.date32()),
    (frozenset({bool, np.bool_}), pa.bool_()),
)


def typed_text(objects: npt.NDArray[np.object_]) -> pa.Array | list[Any]:
    """Do as `typed` does, faster for a column that is all text."""
    if pd.api.types.infer_dtype(objects, skipna=True) == "string":
        return _arrow(objects, pa.string())
    return typed(objects)


def typed(objects: npt.NDArray[np.object_]) -> pa.Array | list[Any]:
    """Turn Python values of one kind into an Arrow array.

    Mixed values are returned as they are, to be read one by one.
    """
    values = objects.tolist()
    kinds = set(map(type, values)) - _MISSING_TYPES
    if float in kinds and all(value != value for value in values if type(value) is float):  # noqa: PLR0124 (NaN)
        kinds -= {float}
    if not kinds:
        return pa.nulls(len(values))
    for allowed, arrow_type in _UNIFORM:
        if kinds <= allowed:
            return _arrow(values, arrow_type)
    if all(issubclass(kind, int | float | Decimal | np.number) and kind is not bool for kind in kinds):
        return _arrow(values, None)
    return values


def _arrow(values: list[Any] | npt.NDArray[np.object_], arrow_type: pa.DataType | None) -> pa.Array | list[Any]:
    try:
        return pa.array(values, type=arrow_type, from_pandas=True)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        return list(values)
