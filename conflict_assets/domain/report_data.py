"""Report data as plain values.

The store fills them, and the report shows them.

Conflicts are pairs, and open ones unless said otherwise. Amounts are dollars, times are UTC instants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from conflict_assets.domain.listed_conflicts import ListedConflict


@dataclass(frozen=True, kw_only=True)
class NightPoint:
    """The conflicts (pairs) of one night.

    A night is a date on which runs read the source, and all runs of the date count together. `open_conflicts` counts
    the conflicts that were open before the next night began, and for the last night those that are open now. `new`
    counts those found for the first time, `reopened` those found again, and `resolved` those that no longer held.
    """

    night: date
    open_conflicts: int
    new: int
    reopened: int
    resolved: int


@dataclass(frozen=True, kw_only=True)
class Stake:
    """The amounts at stake on visits, either billed or not yet.

    `recovery` is for billed visits, and `avoidance` for the others. `shift_amount` counts once per visit, and
    `overlap_amount` once per conflict row. `unpriced` visits have no amount.
    """

    visits: int = 0
    unpriced: int = 0
    shift_amount: float = 0.0
    overlap_amount: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AgencyFigures:
    """An agency's side of its conflicts.

    The amounts are those of its own visits.
    """

    provider_id: str
    name: str
    conflicts: int
    visits: int
    shift_amount: float
    overlap_amount: float


@dataclass(frozen=True, kw_only=True)
class AgencyPairFigures:
    """The conflicts that two agencies have with each other.

    The amount is of both sides.
    """

    provider_ids: tuple[str, str]
    names: tuple[str, str]
    conflicts: int
    caregivers: int
    overlap_amount: float


@dataclass(frozen=True, kw_only=True)
class PayerFigures:
    """The conflicts in which a payer pays at least one visit.

    The amounts are of the visits that it pays.
    """

    payer_id: str
    name: str
    conflicts: int
    visits: int
    shift_amount: float
    overlap_amount: float


@dataclass(frozen=True, kw_only=True)
class ChainedGroup:
    """A group of connected conflicts of one caregiver.

    `masked_ssn` hides the last four digits too where these digits and the counts by prefix would reveal most of the
    number.
    """

    group_id: str
    masked_ssn: str
    conflicts: int
    visits: int
    agencies: int
    first_date: date
    last_date: date
    overlap_minutes: float
    overlap_amount: float


@dataclass(frozen=True, kw_only=True)
class PrefixTime:
    """How long a prefix took in a night, all its runs together."""

    prefix: str
    conflicts: int
    detect_seconds: float
    write_seconds: float


@dataclass(frozen=True, kw_only=True)
class LastNight:
    """The newest date with a run, all its runs together.

    The seconds are the sum over the prefixes. `left_behind` holds the prefixes without a commit on that date, with the
    time of the snapshot that they still show.
    """

    night: date
    started_at: datetime
    committed_at: datetime
    runs: int
    prefixes: int
    new: int
    changed: int
    resolved: int
    reopened: int
    detect_seconds: float
    write_seconds: float
    slowest: tuple[PrefixTime, ...]
    left_behind: Mapping[str, datetime | None]


@dataclass(frozen=True, kw_only=True)
class ChartFigures:
    """The figures of the whole store at one moment that the charts show.

    `by_rule` goes by the flag's name, and `by_prefix` holds every prefix. `by_hour` holds (ISO weekday, hour) of the
    moment at which the second of the two visits starts.
    """

    time_zone: str
    agency_time_zone: str
    open_conflicts: int
    by_rule: Mapping[str, int]
    by_prefix: Mapping[str, int]
    by_hour: Mapping[tuple[int, int], int]
    nights: tuple[NightPoint, ...]


@dataclass(frozen=True, kw_only=True)
class ReportData(ChartFigures):
    """The whole store at one moment.

    `costliest_new` has the status new, and `costliest_open` new or open. `last_resolved` and `last_reopened` are the
    costliest of the last night. `source_counts` counts visits by what became of them, at the last commit of each
    prefix. `without_prefix` counts rejected visits that have no prefix, by reason.
    """

    made_at: datetime
    visits: int
    caregivers: int
    agencies: int
    by_status: Mapping[str, int]
    recovery: Stake
    avoidance: Stake
    top_agencies: tuple[AgencyFigures, ...]
    top_pairs: tuple[AgencyPairFigures, ...]
    top_payers: tuple[PayerFigures, ...]
    costliest_new: tuple[ListedConflict, ...]
    costliest_open: tuple[ListedConflict, ...]
    last_resolved: tuple[ListedConflict, ...]
    last_reopened: tuple[ListedConflict, ...]
    largest_groups: tuple[ChainedGroup, ...]
    source_counts: Mapping[str, int]
    without_prefix: Mapping[str, int]
    last_night: LastNight | None

    @property
    def day(self) -> date:
        """The night that the report is about, else today."""
        return self.last_night.night if self.last_night else self.made_at.astimezone(ZoneInfo(self.time_zone)).date()

    @property
    def shift_amount(self) -> float:
        """What the visits in conflict are worth, once per visit."""
        return self.recovery.shift_amount + self.avoidance.shift_amount

    @property
    def overlap_amount(self) -> float:
        """What the overlaps are worth, once per conflict row."""
        return self.recovery.overlap_amount + self.avoidance.overlap_amount
