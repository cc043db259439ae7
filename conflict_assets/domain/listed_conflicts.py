"""Conflicts as people see them, one by one and in lists, as plain values.

The store fills them, and the report and the commands show them.
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class ListedVisit:
    """A visit of a listed conflict, without its client.

    `start` and `end` are the times by which it is judged.
    """

    visit_id: str
    visit_date: date | None
    provider_id: str
    provider_name: str | None
    payer_id: str | None
    payer_name: str | None
    is_actual: bool
    start: datetime | None
    end: datetime | None
    shift_amount: float | None
    overlap_amount: float | None

    @property
    def agency(self) -> str:
        """The agency's name, else its id."""
        return self.provider_name or self.provider_id


@dataclass(frozen=True, kw_only=True)
class ShownConflict:
    """What people see of a conflict, once for its two rows.

    The SSN is masked. A date or time that Python does not know is missing.
    """

    pair_id: str
    group_id: str
    ssn: str
    status: str
    rule: int
    overlap_minutes: float | None
    distance_miles: float | None
    eta_travel_minutes: float | None
    minutes_between: float | None
    first_detected_at: datetime | None
    last_detected_at: datetime | None
    resolved_at: datetime | None
    resolved_reason: str | None
    decision: str | None
    decision_reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision_outdated: bool


@dataclass(frozen=True, kw_only=True)
class ListedConflict(ShownConflict):
    """A conflict in a list, with its cost.

    The visit with the smaller id comes first. `amount` is the overlap at the rates of both visits, in dollars. It is
    what the two rows hold together, and is missing where no rate is known.
    """

    amount: float | None
    visits: tuple[ListedVisit, ListedVisit]


@dataclass(frozen=True)
class ConflictList:
    """The first conflicts in an order, and the total of their kind."""

    conflicts: tuple[ListedConflict, ...]
    total: int
