"""The columns of the store's views, each listed once.

Those of the other visit follow from those of the visit.
"""

from collections.abc import Callable

from conflict_assets.store.stored_columns import (
    EVENT_FACTS,
    FLAGS,
    OTHER,
    STORED_CONFLICT,
    STORED_VISIT,
    TRIP,
    of_other_visit,
)

_CONFLICT = (
    *("pair_id", "group_id", "status", "ssn_prefix", "ssn", "rule", "conflict_type"),
    *FLAGS,
    *("overlap_minutes", "minutes_between", "crosses_midnight"),
    *("distance_miles", "average_miles_per_hour", "eta_travel_minutes"),
    *("visit_type", "cost_type", "rate_per_minute", "shift_amount", "overlap_amount"),
    *("first_detected_at", "last_detected_at", "resolved_at", "resolved_reason"),
    *("decision", "decision_reason", "decided_by", "decided_at", "decision_outdated"),
)
"""What there is of a conflict from each of its sides."""

_SHOWN = tuple(name for name in _CONFLICT if name != "ssn_prefix")
"""What readers see of it."""

_VISIT_IN_CONFLICT = ("visit_id", "visit_date", "provider_id")
"""What a conflict row has of both visits."""

_VISIT = tuple(name for name in STORED_VISIT.names if name not in STORED_CONFLICT.names)
"""What else there is of a visit."""

_EVENT_SIDE = (
    *("visit_id", "provider_id", "visit_date", "basis", "starts_at", "ends_at", "latitude", "longitude", "zip_code"),
    *("visit_type", "rate_per_minute", "shift_amount", "overlap_amount"),
)
"""What is shown of a visit in an event."""

_STATE = """c.*,
    CASE
        WHEN d.decision IS NOT NULL THEN d.decision
        WHEN c.resolved_at IS NOT NULL THEN 'resolved'
        WHEN least(c.visit_date, c.con_visit_date) < r.first_date
            OR greatest(c.visit_date, c.con_visit_date) > r.last_date THEN 'expired'
        WHEN c.first_detected_at >= r.new_since THEN 'new'
        ELSE 'open'
    END AS status,
    CASE
        WHEN c.resolved_at IS NULL AND least(c.visit_date, c.con_visit_date) >= r.first_date
            AND greatest(c.visit_date, c.con_visit_date) <= r.last_date THEN r.as_of
        ELSE greatest(c.first_detected_at, (
            SELECT max(p.as_of)
            FROM prefix_runs AS p
            WHERE p.ssn_prefix = c.ssn_prefix
                AND p.as_of < coalesce(c.resolved_at, 'infinity')
                AND p.first_date <= least(c.visit_date, c.con_visit_date)
                AND p.last_date >= greatest(c.visit_date, c.con_visit_date)
        ))
    END AS last_detected_at,
    d.decision AS decision,
    d.reason AS decision_reason,
    d.decided_by AS decided_by,
    d.decided_at AS decided_at,
    coalesce(
        d.rule IS NOT NULL AND (d.rule <> c.rule OR d.overlap_minutes IS DISTINCT FROM c.overlap_minutes), false
    ) AS decision_outdated"""
"""The life of a conflict. It is derived here, and stored nowhere."""

_STATE_JOINS = """JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
LEFT JOIN holding_decisions AS d ON d.pair_id = c.pair_id"""


def column_lists() -> dict[str, str]:
    """Return the lists that `views.sql` names in braces."""
    return {
        "state": _STATE,
        "state_joins": _STATE_JOINS,
        "sides": ", ".join((*(f"c.{name}" for name in _CONFLICT), *_visit("v"), *_visit("w", of_other_visit))),
        "masked_sides": ", ".join((*map(_masked, _SHOWN), *_of_both_sides((*_VISIT_IN_CONFLICT, *_VISIT)))),
        "judged_facts": ", ".join(map(_judged, EVENT_FACTS)),
        "event_sides": ", ".join(map(_kept, _of_both_sides(_EVENT_SIDE))),
        "trip": ", ".join(map(_kept, TRIP)),
    }


def _of_both_sides(names: tuple[str, ...]) -> tuple[str, ...]:
    return (*names, *map(of_other_visit, names))


def _visit(table: str, named: Callable[[str], str] = str) -> tuple[str, ...]:
    """Return the columns of one visit, which is in a table of this name."""
    return (
        *(f"c.{named(name)}" for name in _VISIT_IN_CONFLICT),
        *(f"{table}.{name} AS {named(name)}" for name in _VISIT),
    )


def _masked(name: str) -> str:
    """Return a column as readers see it: no full SSN, and flags as letters."""
    if name == "ssn":
        return "'***-**-' || right(ssn, 4) AS ssn"
    return f"CASE WHEN {name} THEN 'Y' ELSE 'N' END AS {name}" if name in FLAGS else name


def _judged(name: str) -> str:
    """Return a fact from where it stands: in a visit, in the conflict row, or in the other side's row."""
    own = name.removeprefix(OTHER)
    if own not in STORED_CONFLICT.names:
        return f"{'v' if own == name else 'w'}.{own} AS {name}"
    return f"c.{name}" if name in STORED_CONFLICT.names else f"o.{own} AS {name}"


def _kept(name: str) -> str:
    """Return a fact as an event has kept it."""
    if not name.endswith("basis"):
        return f"h.{name}"
    flag = f"h.{name.replace('basis', 'is_actual')}"
    return f"CASE WHEN {flag} THEN 'actual' WHEN NOT {flag} THEN 'scheduled' END AS {name}"
