"""What a conflict costs, by the rates and amounts of its visits."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from conflict_assets.domain.columns.arrays import MISSING, NO_CODE, Bools, Floats, Ints, minutes
from conflict_assets.domain.columns.texts import Codes, encode
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.normalization import trimmed

MINUTES_PER_HOUR = 60
VISIT_TYPES = ("scheduled", "confirmed", "billed")
COST_TYPES = ("avoidance", "recovery")
HOURLY, BY_HOURS = ("hourly",), ("daily", "visit")


@dataclass(frozen=True, eq=False)
class Impact:
    """The visit type, cost type and rate per minute of each visit.

    The types are positions in `VISIT_TYPES` and `COST_TYPES`. A missing rate is NaN.
    """

    visit_type: Ints
    cost_type: Ints
    rate_per_minute: Floats


def assess(columns: VisitColumns, rows: Ints, actual: Bools) -> Impact:
    """Return type, cost type and rate per minute of the given visits.

    `rows` are the visits' places in the input, and `actual` gives their bases.
    """
    billed = columns.flags("billed", rows)
    rate = _positive(_rate(columns, rows, billed))
    hours = _positive(np.where(billed, columns.numbers("billed_hours", rows)[0], _scheduled_hours(columns, rows)))
    kind = _rate_types(columns, rows)
    with np.errstate(over="ignore"):
        per_minute = np.select(
            [_is_one_of(kind, HOURLY), _is_one_of(kind, BY_HOURS)],
            [rate / MINUTES_PER_HOUR, rate / hours / MINUTES_PER_HOUR],
            default=np.nan,
        )
    return Impact(
        visit_type=np.where(billed, 2, actual.astype(np.int64)),
        cost_type=billed.astype(np.int64),
        rate_per_minute=_positive(per_minute),
    )


def _rate(columns: VisitColumns, rows: Ints, billed: Bools) -> Floats:
    """Return the rate of each visit in `rows`.

    It is `rate` where the column is given. Otherwise it is the billed rate when billed, else the contract's bill rate.
    """
    if columns.has("rate"):
        return columns.numbers("rate", rows)[0]
    return np.where(billed, columns.numbers("billed_rate", rows)[0], columns.numbers("bill_rate_non_billed", rows)[0])


def _scheduled_hours(columns: VisitColumns, rows: Ints) -> Floats:
    start, end = (columns.instants(name, rows)[0] for name in ("sch_start_time", "sch_end_time"))
    known = (start != MISSING) & (end != MISSING)
    return np.where(known, minutes(np.where(known, end - start, 0)) / MINUTES_PER_HOUR, np.nan)


def _rate_types(columns: VisitColumns, rows: Ints) -> Codes:
    if not columns.has("rate_type"):
        return Codes(np.full(len(rows), NO_CODE), [])
    return encode(columns.text("rate_type", rows), lambda text: trimmed(text).lower())


def _is_one_of(kind: Codes, names: tuple[str, ...]) -> Bools:
    return np.array([*(value in names for value in kind.values), False], dtype=np.bool_)[kind.codes]


def _positive(values: Floats) -> Floats:
    return np.where((values > 0) & np.isfinite(values), values, np.nan)


def named(positions: Ints, names: tuple[str, ...]) -> pa.Array:
    """Return names by their positions as Arrow strings."""
    return pa.array(names, pa.string()).take(pa.array(positions))
