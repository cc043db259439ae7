"""Build the engine's result from conflicts and classified visits.

A conflict has two narrow rows, and the rejected visits are a list.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from conflict_assets.domain.classification import GOOD, REASONS, ClassifiedVisits, VisitArrays
from conflict_assets.domain.columns.arrays import Floats, Ints, minutes, order_by
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.columns.words import rank
from conflict_assets.domain.conflict_ids import digests, lowest_connected, measure
from conflict_assets.domain.contested import PairedVisits
from conflict_assets.domain.detection_result import CONFLICT_SCHEMA, REJECTED_SCHEMA
from conflict_assets.domain.impact import COST_TYPES, VISIT_TYPES, assess, named
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.rules import (
    CONFLICT_TYPES,
    JudgedPairs,
    Rule,
    conflict_types,
    minutes_between,
    overlap_minutes,
    trips_between,
)


@dataclass(frozen=True, eq=False)
class _Sides:
    """The visits in conflict, and the two visits of each conflict.

    `rows` are the visits' places in the input, ascending, since reading in order is fastest. `order` sorts them by SSN
    and visit id, and `visit_id` is in that order. `first` and `second` are positions in that order, the smaller one
    first.
    """

    rows: Ints
    order: Ints
    visit_id: pa.Array
    first: Ints
    second: Ints


def build_conflicts(
    columns: VisitColumns,
    visits: VisitArrays,
    paired: PairedVisits,
    conflicts: JudgedPairs,
    policy: DetectionPolicy,
) -> pa.Table:
    """Return the conflict rows as `CONFLICT_SCHEMA`, sorted by `ssn`, `visit_id`, `con_visit_id`."""
    sides = _sides(visits, paired, conflicts)
    own, other, conflict = _both_directions(sides)
    of_conflict = _conflict_columns(paired, conflicts, sides, policy)
    overlap = overlap_minutes(paired, conflicts.left, conflicts.right)[conflict]
    of_conflict = of_conflict.take(pa.array(conflict))
    data = {
        **_identity_columns(visits, sides, own, other),
        **{name: of_conflict.column(name) for name in of_conflict.column_names},
        "overlap_minutes": pa.array(overlap),
        **_impact_columns(columns, visits, sides, own, overlap),
    }
    return pa.table({name: data[name] for name in CONFLICT_SCHEMA.names}, schema=CONFLICT_SCHEMA)


def _sides(visits: VisitArrays, paired: PairedVisits, conflicts: JudgedPairs) -> _Sides:
    left, right = paired.row[conflicts.left], paired.row[conflicts.right]
    in_conflict = np.zeros(len(visits.date), dtype=np.bool_)
    in_conflict[left] = in_conflict[right] = True
    rows = np.flatnonzero(in_conflict)
    ids = visits.visit_id.take(pa.array(rows))
    order = order_by(visits.ssn.codes[rows], rank(ids))
    place = np.empty(len(visits.date), dtype=np.int64)
    place[rows[order]] = np.arange(len(rows))
    left, right = place[left], place[right]
    return _Sides(rows, order, ids.take(pa.array(order)), np.minimum(left, right), np.maximum(left, right))


def _both_directions(sides: _Sides) -> tuple[Ints, Ints, Ints]:
    """Return the own visit, other visit and conflict of each row.

    The rows are in their final order.
    """
    own = np.concatenate([sides.first, sides.second])
    other = np.concatenate([sides.second, sides.first])
    order = order_by(own, other)
    conflict = order % max(len(sides.first), 1)
    return own[order], other[order], conflict


def _identity_columns(visits: VisitArrays, sides: _Sides, own: Ints, other: Ints) -> dict[str, pa.Array]:
    rows = sides.rows[sides.order]
    ssn, agency = visits.ssn.take(rows[own]), visits.agency.take(rows)
    visit_date = pa.array(visits.date[rows].astype("datetime64[D]"))
    own_side, other_side = pa.array(own), pa.array(other)
    return {
        "ssn": ssn,
        "visit_id": sides.visit_id.take(own_side),
        "con_visit_id": sides.visit_id.take(other_side),
        "provider_id": agency.take(own_side),
        "con_provider_id": agency.take(other_side),
        "visit_date": visit_date.take(own_side),
        "con_visit_date": visit_date.take(other_side),
    }


def _conflict_columns(paired: PairedVisits, conflicts: JudgedPairs, sides: _Sides, policy: DetectionPolicy) -> pa.Table:
    """Return what both rows of a conflict share, a row a conflict."""
    left, right = conflicts.left, conflicts.right
    trips = trips_between(paired, left, right, policy)
    measured = measure(sides.visit_id)
    lowest = lowest_connected(len(sides.rows), sides.first, sides.second)
    is_lowest = lowest == np.arange(len(lowest))
    group = np.cumsum(is_lowest) - 1
    groups = digests(measured.filter(pa.array(is_lowest)))
    columns = {
        **{rule.flag: pa.array(conflicts.rule == rule) for rule in Rule},
        "distance_miles": _nullable(trips.distance),
        "average_miles_per_hour": _nullable(trips.speed),
        "eta_travel_minutes": _nullable(trips.minutes),
        "conflict_type": named(conflict_types(conflicts.rule), CONFLICT_TYPES),
        "minutes_between": pa.array(minutes_between(paired, left, right)),
        "crosses_midnight": pa.array(paired.date[left] != paired.date[right]),
        "pair_id": digests(measured.take(pa.array(sides.first)), measured.take(pa.array(sides.second))),
        "group_id": groups.take(pa.array(group[lowest[sides.first]])),
    }
    return pa.table(columns)


def _impact_columns(
    columns: VisitColumns, visits: VisitArrays, sides: _Sides, own: Ints, overlap: Floats
) -> dict[str, pa.Array]:
    impact = assess(columns, sides.rows, visits.actual[sides.rows])
    shift_amount = impact.rate_per_minute * minutes(visits.end[sides.rows] - visits.start[sides.rows])
    own = sides.order[own]
    rate_per_minute = impact.rate_per_minute[own]
    return {
        "visit_type": named(impact.visit_type[own], VISIT_TYPES),
        "cost_type": named(impact.cost_type[own], COST_TYPES),
        "rate_per_minute": _nullable(rate_per_minute),
        "shift_amount": _nullable(shift_amount[own]),
        "overlap_amount": _nullable(rate_per_minute * overlap),
    }


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)


def build_rejected(classified_visits: ClassifiedVisits) -> pa.Table:
    """Return the rejected visits as `REJECTED_SCHEMA`, sorted by visit id and reason.

    Visits without an id come last.
    """
    rows = np.flatnonzero(classified_visits.outcome != GOOD)
    ids = classified_visits.visits.visit_id.take(pa.array(rows)).cast(pa.string())
    reasons = named(classified_visits.outcome[rows].astype(np.int64), tuple(str(reason) for reason in REASONS))
    rejected = pa.table([ids, reasons], schema=REJECTED_SCHEMA)
    return rejected.sort_by([("visit_id", "ascending"), ("reason", "ascending")])
