"""The columns of a run's rows, as Arrow brings them and as the store keeps them."""

from conflict_assets.domain.conflicts import CONFLICT_SCHEMA, FLAGS
from conflict_assets.domain.visits import VISIT_SCHEMA

__all__ = [
    "CONFLICT_FACTS",
    "CONFLICT_KEY",
    "FLAGS",
    "STORED_CONFLICT",
    "STORED_VISIT",
    "VISIT_FACTS",
    "VISIT_KEY",
]

STORED_CONFLICT = CONFLICT_SCHEMA
"""What a run brings of a conflict row."""

STORED_VISIT = VISIT_SCHEMA
"""What a run brings of a visit."""

CONFLICT_KEY = ("ssn", "visit_id", "con_visit_id")
VISIT_KEY = ("ssn", "visit_id")

CONFLICT_FACTS = tuple(name for name in STORED_CONFLICT.names if name not in {*CONFLICT_KEY, "group_id"})
"""What makes a conflict another one when it changes; a change of `group_id` alone is no event."""

VISIT_FACTS = tuple(name for name in STORED_VISIT.names if name not in VISIT_KEY)
