"""The columns of a run's rows, in Arrow and in the store."""

from conflict_assets.domain.detection_result import CONFLICT_SCHEMA, FLAGS
from conflict_assets.domain.visits import VISIT_SCHEMA

__all__ = [
    "CONFLICT_FACTS",
    "CONFLICT_KEY",
    "EVENT_FACTS",
    "FLAGS",
    "STORED_CONFLICT",
    "STORED_VISIT",
    "VISIT_FACTS",
    "VISIT_KEY",
]

STORED_CONFLICT = CONFLICT_SCHEMA
"""The columns of a conflict row that a run brings."""

STORED_VISIT = VISIT_SCHEMA
"""The columns of a visit that a run brings."""

CONFLICT_KEY = ("ssn", "visit_id", "con_visit_id")
VISIT_KEY = ("ssn", "visit_id")

CONFLICT_FACTS = tuple(name for name in STORED_CONFLICT.names if name not in {*CONFLICT_KEY, "group_id"})
"""The columns whose change is an event of the conflict. A change of `group_id` alone is none."""

VISIT_FACTS = tuple(name for name in STORED_VISIT.names if name not in VISIT_KEY)

_EVENT_VISIT = (
    *("visit_date", "is_actual", "starts_at", "ends_at", "latitude", "longitude", "rate_per_minute", "shift_amount"),
    *("overlap_amount", "provider_id", "zip_code", "visit_type"),
)
EVENT_FACTS = (
    *_EVENT_VISIT,
    *(f"con_{name}" for name in _EVENT_VISIT),
    *("distance_miles", "average_miles_per_hour", "eta_travel_minutes", "minutes_between"),
)
"""The facts of both visits that an event stores, from the view `judged_facts`. The verdict rests on them."""
