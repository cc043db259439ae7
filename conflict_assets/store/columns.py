"""The columns of a run's rows, as Arrow brings them and as the store keeps them."""

import pyarrow as pa

from conflict_assets.domain.visits import VISIT_SCHEMA

FLAGS = (
    "same_sch_time",
    "same_visit_time",
    "sch_and_visit_time_same",
    "sch_over_another_sch_time",
    "visit_time_over_another_visit_time",
    "sch_time_over_visit_time",
    "distance",
)
"""The seven rules in their order: `rule` 1 is the first."""

STORED_CONFLICT = pa.schema(
    [
        *((name, pa.string()) for name in ("ssn", "visit_id", "con_visit_id", "provider_id", "con_provider_id")),
        *((name, pa.date32()) for name in ("visit_date", "con_visit_date")),
        *((name, pa.bool_()) for name in FLAGS),
        *((name, pa.float64()) for name in ("distance_miles", "average_miles_per_hour", "eta_travel_minutes")),
        ("conflict_type", pa.string()),
        *((name, pa.float64()) for name in ("overlap_minutes", "minutes_between")),
        ("crosses_midnight", pa.bool_()),
        *((name, pa.string()) for name in ("pair_id", "group_id", "visit_type", "cost_type")),
        *((name, pa.float64()) for name in ("rate_per_minute", "shift_amount", "overlap_amount")),
    ]
)
"""What a run brings of a conflict row."""

STORED_VISIT = VISIT_SCHEMA
"""What a run brings of a visit."""

CONFLICT_KEY = ("ssn", "visit_id", "con_visit_id")
VISIT_KEY = ("ssn", "visit_id")

CONFLICT_FACTS = tuple(name for name in STORED_CONFLICT.names if name not in {*CONFLICT_KEY, "group_id"})
"""What makes a conflict another one when it changes; a change of `group_id` alone is no event."""

VISIT_FACTS = tuple(name for name in STORED_VISIT.names if name not in VISIT_KEY)
