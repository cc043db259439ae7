"""What the store returns about itself, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from conflict_assets.domain.conflict_counts import ConflictCounts


@dataclass(frozen=True)
class Exclusions:
    """The agencies and caregivers that do not count.

    Agencies are given by provider id, caregivers by SSN (digits only).
    """

    agencies: tuple[str, ...]
    ssns: tuple[str, ...]


@dataclass(frozen=True)
class VisitVolume:
    """The visits of a prefix at its last commit.

    `seen` counts all visits that the source had, `usable` those that could count.
    """

    seen: int
    usable: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """Conflicts (pairs) and conflict rows that runs have found."""

    conflicts: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class PrefixRun(ConflictCounts):
    """One prefix as one run has committed it."""

    prefix: str
    run_id: str
    root_run_id: str
    as_of: datetime
    first_date: date
    last_date: date
    committed_at: datetime
    position: int
    batches_total: int
    rows: int
    unchanged: int
    detect_seconds: float
    write_seconds: float
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class PrefixCounts:
    """The counts of a prefix now and before its latest run.

    `rows` counts the stored conflict rows that hold and lie in the latest window. `one_sided` counts those of them
    whose other row is missing. `previous_conflicts` and `previous_visits` are what the run before the latest one has
    found. They are None when there was no such run.
    """

    prefix: str
    rows: int
    one_sided: int
    previous_conflicts: int | None
    previous_visits: int | None


@dataclass(frozen=True, kw_only=True)
class StoreTotals:
    """The totals of the whole store.

    `by_status` counts all conflicts. Everything else is about open ones (status new or open). Conflicts are pairs.
    `shift_amount` counts once for each visit, `overlap_amount` once for each conflict row (dollars). The keys of
    `by_rule` are the names of flags. `by_prefix` holds every prefix.
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
