"""The reading of the source into a snapshot.

These functions make the query, judge whether the answer can be trusted, and save it. The night and the dry run both use
them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from conflict_assets.domain.reading_facts import INCREMENTAL, ReadingFacts
from conflict_assets.domain.reasons import InactiveReason
from conflict_assets.domain.window import window_at
from conflict_assets.settings import Settings
from conflict_assets.source.carried_rows import CarryingError
from conflict_assets.source.cells import bucket_count
from conflict_assets.source.conditions import NO_SNAPSHOT, conditions_of, why_not
from conflict_assets.source.fingerprints import Fingerprints
from conflict_assets.source.guard import PrefixVolume, check_for_half_load, refuse_empty_source
from conflict_assets.source.incremental import (
    TooMuchChanged,
    find_changes,
    first_look,
    keep_changes,
    refuse_much_change,
    survey_changes,
    watched_blocks,
)
from conflict_assets.source.protocol import BLOCK_DAYS, FIRST_BLOCK, VisitQuery, VisitReader
from conflict_assets.source.snapshot_writer import SnapshotContent
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.source.survey import Survey
from conflict_assets.store.conflict_store import ConflictStore


@dataclass(frozen=True)
class Reading:
    """One reading of the source.

    `name` is the snapshot's name, and `warn` receives a text about each oddity. `full` is whether somebody has asked to
    read everything this once, and `incremental` whether the settings allow anything else, for up to `full_every`.
    `source` says where the visits come from. `earlier` holds the snapshots that may be carried over, if they are not
    where the new one goes.
    """

    name: str
    query: VisitQuery
    as_of: datetime
    allow_drop: bool
    warn: Callable[[str], None]
    full: bool = False
    incremental: bool = True
    full_every: timedelta = timedelta(days=7)
    source: str = ""
    earlier: SnapshotStore | None = None

    @property
    def why_full(self) -> str:
        """Why everything is to be read, or nothing if it need not be."""
        if self.full:
            return "somebody has asked for it"
        return "" if self.incremental else "INCREMENTAL is false"


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
        followed=store.conflicts.open_blocks(wanted, window, first_block=FIRST_BLOCK, block_days=BLOCK_DAYS),
    )


def read_snapshot(reader: VisitReader, store: ConflictStore, snapshots: SnapshotStore, reading: Reading) -> Snapshot:
    """Check, compare, survey, guard and read the source into a snapshot.

    Only what has changed since an earlier snapshot is read, where that gives what reading everything would give. Of the
    store, only last time's volumes are read.

    Raises:
        SourceError: the source can't be read as asked, or looks half-loaded.
    """
    reader.check_contract()
    for view, keys in reader.dimension_duplicates().items():
        reading.warn(f"{view} has {keys} keys with more than one row; one of them is used, the same each time")
    conditions = conditions_of(reader, reading.query, reading.source)
    base, why = _base(reading.earlier or snapshots, reading, conditions)
    if base is not None:
        known = _with_buckets(reading, base.buckets)
        try:
            return _read_changes(reader, store, snapshots, known, base)
        except TooMuchChanged as error:
            # What is seen of the source is not looked up a second time.
            return _read_all(reader, store, snapshots, known, conditions, str(error), error.seen)
        except CarryingError as error:
            why = str(error)
    reading = _with_buckets(reading, bucket_count(reader.visit_count(), reading.query.prefix_length))
    return _read_all(reader, store, snapshots, reading, conditions, why, first_look(reader, reading.query))


def _base(snapshots: SnapshotStore, reading: Reading, conditions: Mapping[str, Any]) -> tuple[Snapshot | None, str]:
    """Return the newest snapshot that may be carried over, or why there is none."""
    if reading.why_full:
        return None, reading.why_full
    candidates = [each for each in snapshots.newest_first(reading.query.prefixes) if each.root_run_id != reading.name]
    reasons = [why_not(each, conditions, reading.as_of, reading.full_every) for each in candidates]
    usable = [each for each, reason in zip(candidates, reasons, strict=True) if not reason]
    return (usable[0], "") if usable else (None, next(iter(reasons), NO_SNAPSHOT))


def _with_buckets(reading: Reading, buckets: int) -> Reading:
    return replace(reading, query=replace(reading.query, buckets=buckets))


def _read_changes(
    reader: VisitReader, store: ConflictStore, snapshots: SnapshotStore, reading: Reading, base: Snapshot
) -> Snapshot:
    """Read what has changed since an earlier snapshot, and carry the rest over.

    Raises:
        CarryingError: the earlier snapshot is damaged.
        TooMuchChanged: reading everything takes less time.
    """
    changes = find_changes(reader, reading.query, base)
    refuse_much_change(changes)
    changes = keep_changes(reader, reading.query, changes)
    survey, seen = survey_changes(reader, reading.query, changes)
    guard(store, reading.query, survey, allow_drop=reading.allow_drop)
    facts = replace(
        base.reading,
        kind=INCREMENTAL,
        why=base.root_run_id,
        cells=seen.cells.num_rows,
        cells_changed=len(changes.look.cells),
        share=changes.share,
    )
    content = SnapshotContent(
        query=reading.query,
        as_of=reading.as_of,
        batches=reader.read_visits(reading.query, survey, changes.kept) if changes.kept else (),
        survey=survey,
        fingerprints=seen,
        carried=changes.carried,
        facts=facts,
    )
    return snapshots.write(reading.name, content)


def _read_all(  # noqa: PLR0917 - what a reading needs, by its end
    reader: VisitReader,
    store: ConflictStore,
    snapshots: SnapshotStore,
    reading: Reading,
    conditions: Mapping[str, Any],
    why: str,
    seen: Fingerprints,
) -> Snapshot:
    """Read everything.

    What is `seen` of the source was looked up before: a change in between is then found by the next night.
    """
    survey = reader.survey(reading.query)
    guard(store, reading.query, survey, allow_drop=reading.allow_drop)
    cells = seen.cells.num_rows
    content = SnapshotContent(
        query=reading.query,
        as_of=reading.as_of,
        batches=reader.read_visits(reading.query, survey),
        survey=survey,
        fingerprints=replace(seen, outcomes=survey.outcomes, watched=watched_blocks(reader, reading.query, survey)),
        facts=ReadingFacts(why=why, full_as_of=reading.as_of, conditions=conditions, cells=cells, cells_changed=cells),
    )
    return snapshots.write(reading.name, content)


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
