"""What the store tells about itself, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Exclusions:
    """Who does not count: agencies by provider id, caregivers by SSN (digits only)."""

    agencies: tuple[str, ...]
    ssns: tuple[str, ...]


@dataclass(frozen=True)
class VisitVolume:
    """Visits of a prefix at its last commit: all that the source had, and those that could count."""

    seen: int
    usable: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """Conflicts (pairs) and conflict rows that runs have found."""

    conflicts: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class PrefixRun:
    """One prefix as one run committed it; conflicts, new, changed, resolved, reopened and unchanged count pairs."""

    prefix: str
    run_id: str
    root_run_id: str
    as_of: datetime
    first_date: date
    last_date: date
    committed_at: datetime
    position: int
    batches_total: int
    conflicts: int
    rows: int
    new: int
    changed: int
    resolved: int
    reopened: int
    unchanged: int
    detect_seconds: float
    write_seconds: float
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class PrefixCounts:
    """What the store holds of a prefix now, and what the run before its latest one found.

    `rows` counts conflict rows that hold and lie in the latest window, `one_sided` those of them whose other row is
    missing. `previous_conflicts` and `previous_visits` are missing when there was no run before.
    """

    rows: int
    one_sided: int
    previous_conflicts: int | None
    previous_visits: int | None


@dataclass(frozen=True, kw_only=True)
class StoreTotals:
    """The whole store. `by_status` counts all conflicts; everything else is about open ones (status new or open).

    Conflicts are pairs. `shift_amount` counts once per visit, `overlap_amount` once per conflict row (dollars).
    `by_rule` goes by the flag's name, `by_prefix` holds every prefix.
    """

    open_conflicts: int
    rows: int
    visits: int
    caregivers: int
    agencies: int
    shift_amount: float
    overlap_amount: float
    by_status: Mapping[str, int]
    by_rule: Mapping[str, int]
    by_prefix: Mapping[str, int]
