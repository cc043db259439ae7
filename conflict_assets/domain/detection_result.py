"""The engine's result: conflict rows, rejected visits and counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from conflict_assets.domain.rules import Rule

if TYPE_CHECKING:
    import pandas as pd

FLAGS = tuple(rule.flag for rule in Rule)

CONFLICT_SCHEMA = pa.schema(
    [
        ("ssn", pa.string()),
        ("visit_id", pa.string()),
        ("con_visit_id", pa.string()),
        ("provider_id", pa.string()),
        ("con_provider_id", pa.string()),
        ("visit_date", pa.date32()),
        ("con_visit_date", pa.date32()),
        *((flag, pa.bool_()) for flag in FLAGS),
        ("distance_miles", pa.float64()),
        ("average_miles_per_hour", pa.float64()),
        ("eta_travel_minutes", pa.float64()),
        ("conflict_type", pa.string()),
        ("overlap_minutes", pa.float64()),
        ("minutes_between", pa.float64()),
        ("crosses_midnight", pa.bool_()),
        ("pair_id", pa.string()),
        ("group_id", pa.string()),
        ("visit_type", pa.string()),
        ("cost_type", pa.string()),
        ("rate_per_minute", pa.float64()),
        ("shift_amount", pa.float64()),
        ("overlap_amount", pa.float64()),
    ]
)
"""A conflict row. Only the trip's columns and the amounts can be missing (null)."""

REJECTED_SCHEMA = pa.schema([("visit_id", pa.string()), ("reason", pa.string())])
"""A rejected visit; its id is null when it has none."""


@dataclass(frozen=True, eq=False)
class DetectionResult:
    """The counts, conflicts and rejected visits that the engine found.

    The frames are made from the tables when they are first asked for.

    `counts` holds every `RejectReason` and `Note`, and `visits`, `active` (not rejected), `paired_visits`,
    `pairs_compared`, `conflicts` and `conflict_rows`.
    """

    counts: Mapping[str, int]
    _conflicts: pa.Table = field(repr=False)
    _rejected: pa.Table = field(repr=False)

    def conflicts_table(self) -> pa.Table:
        """Return the conflict rows as `CONFLICT_SCHEMA`, sorted by `ssn`, `visit_id`, `con_visit_id`."""
        return self._conflicts

    def rejected_table(self) -> pa.Table:
        """Return the rejected visits as `REJECTED_SCHEMA`, sorted by visit id and reason.

        Visits without an id come last.
        """
        return self._rejected

    @cached_property
    def conflicts(self) -> "pd.DataFrame":
        """The conflict rows as a frame.

        Text is `str`, dates are `datetime.date`, flags are `bool` and numbers are `float64`.
        """
        frame: pd.DataFrame = self._conflicts.to_pandas()
        return frame

    @cached_property
    def rejected(self) -> "pd.DataFrame":
        """The rejected visits as a frame of `visit_id` and `reason`."""
        frame: pd.DataFrame = self._rejected.to_pandas()
        return frame
