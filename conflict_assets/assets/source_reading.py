"""The reading of the source into a snapshot.

These functions make the query, judge whether the answer can be trusted, and save it. The night and the dry run both use
them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from conflict_assets.domain.reasons import InactiveReason
from conflict_assets.domain.window import window_at
from conflict_assets.settings import Settings
from conflict_assets.source.guard import PrefixVolume, check_for_half_load, refuse_empty_source
from conflict_assets.source.protocol import BLOCK_DAYS, VisitQuery, VisitReader
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.source.survey import Survey
from conflict_assets.store.conflict_store import ConflictStore


@dataclass(frozen=True)
class Reading:
    """One reading of the source.

    `name` is the snapshot's name, and `warn` receives a text about each oddity. `full` is whether somebody has asked to
    read everything.
    """

    name: str
    query: VisitQuery
    as_of: datetime
    allow_drop: bool
    warn: Callable[[str], None]
    full: bool = False


def visit_query(settings: Settings, store: ConflictStore, prefixes: Sequence[str], as_of: datetime) -> VisitQuery:
    """Return the query for the visits of some prefixes.

    It follows the settings and the store's lists of this moment.
    """
    window = window_at(as_of, settings.schedule_time_zone)
    exclusions = store.administration.exclusions()
    wanted = tuple(sorted(prefixes))
    return VisitQuery(
        prefixes=wanted,
        prefix_length=settings.ssn_prefix_length,
        first_date=window.first,
        last_date=window.last,
        cross_midnight=settings.cross_midnight,
        max_visits_per_day=settings.max_visits_per_day,
        excluded_agencies=exclusions.agencies,
        excluded_ssns=exclusions.ssns,
        followed=store.conflicts.open_blocks(wanted, window, BLOCK_DAYS),
    )


def read_snapshot(reader: VisitReader, store: ConflictStore, snapshots: SnapshotStore, reading: Reading) -> Snapshot:
    """Check, survey, guard and read the source into a snapshot.

    Of the store, only last time's volumes are read.

    Raises:
        SourceError: the source can't be read as asked, or looks half-loaded.
    """
    reader.check_contract()
    for view, keys in reader.dimension_duplicates().items():
        reading.warn(f"{view} has {keys} keys with more than one row; one of them is used, the same each time")
    survey = reader.survey(reading.query)
    guard(store, reading.query, survey, allow_drop=reading.allow_drop)
    visits = reader.read_visits(reading.query, survey)
    return snapshots.write(reading.name, reading.query, reading.as_of, visits, survey)


def guard(store: ConflictStore, query: VisitQuery, survey: Survey, *, allow_drop: bool) -> None:
    """Stop when the source holds far fewer visits than last time.

    Last time is the last commit of each prefix. The run stops before any commit.
    """
    previous = {
        prefix: PrefixVolume(seen=volume.seen, usable=volume.usable)
        for prefix, volume in store.runs.visit_volumes(query.prefixes).items()
    }
    current = {
        prefix: PrefixVolume(seen=survey.seen(prefix), usable=survey.usable(prefix)) for prefix in query.prefixes
    }
    if query.all_prefixes:
        refuse_empty_source(current, survey.seen(None), allow_drop=allow_drop)
    if not allow_drop:
        check_for_half_load(previous, current, whole_source=query.all_prefixes)


def usable_visits(counts: Mapping[str, int]) -> int:
    """Count the active visits and those left out by an exclusion alone.

    An exclusion names an agency or a caregiver.
    """
    return counts["active"] + counts[InactiveReason.EXCLUDED_AGENCY] + counts[InactiveReason.EXCLUDED_SSN]
