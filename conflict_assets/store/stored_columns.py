"""The columns of a run's rows, in Arrow and in the store."""

from collections.abc import Iterable

from conflict_assets.domain.detection_result import CONFLICT_SCHEMA, FLAGS
from conflict_assets.domain.visits import VISIT_SCHEMA

__all__ = [
    "CONFLICT_FACTS",
    "CONFLICT_KEY",
    "EVENT_FACTS",
    "FLAGS",
    "OTHER",
    "STORED_CONFLICT",
    "STORED_VISIT",
    "TRIP",
    "VISIT_FACTS",
    "VISIT_KEY",
    "of_other_visit",
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

TRIP = ("distance_miles", "average_miles_per_hour", "eta_travel_minutes", "minutes_between")
"""What lies between the two visits."""


OTHER = "con_"
"""What the name of a column of the other visit starts with."""


def of_other_visit(name: str) -> str:
    """Return the name that a visit's column has when the other visit is meant."""
    return f"{OTHER}{name}"


def _of_both(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for name in names for each in (name, of_other_visit(name)))


EVENT_FACTS = (
    *_of_both(("visit_date", "is_actual", "starts_at", "ends_at", "latitude", "longitude")),
    *TRIP,
    *_of_both(("rate_per_minute", "shift_amount", "overlap_amount", "provider_id", "zip_code", "visit_type")),
)
"""The facts of both visits that an event stores, from the view `judged_facts`. The verdict rests on them."""
