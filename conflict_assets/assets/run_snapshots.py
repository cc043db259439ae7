"""The snapshots that a run works with.

They are looked up for each prefix, or taken from the source.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    OpExecutionContext,
    RunsFilter,
)

from conflict_assets.assets import check_events
from conflict_assets.assets.checks import JUDGED_VISIT, CheckOutcome, check_active_visits
from conflict_assets.assets.partition_definitions import root_run_id
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.source_reading import Reading, read_snapshot, visit_query
from conflict_assets.dagster_private.event_batches import log_together
from conflict_assets.dagster_private.names import IN_PROGRESS_RUN_STATUSES
from conflict_assets.domain.reading_facts import ReadingFacts
from conflict_assets.domain.reasons import InactiveReason, RejectReason
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.output.log_lines import prefix_ranges, reading_line, visits_line
from conflict_assets.source.protocol import VisitQuery
from conflict_assets.source.snapshot_parts import SnapshotParts
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.store.conflict_store import ConflictStore

ASSET = "active_visits"
_COUNTED = ("visits_seen", "active", "contested")
Context = AssetExecutionContext | OpExecutionContext


def usable_snapshots(
    context: Context, platform: Platform, store: ConflictStore, prefixes: Sequence[str]
) -> dict[str, Snapshot]:
    """Return the snapshot of each prefix that has a usable one.

    It is the root run's snapshot or the newest one, and never older than the snapshot that the store was filled from.
    """
    held = store.runs.snapshot_times(prefixes)
    own = platform.snapshots().for_run(root_run_id(context))
    newest: Mapping[str, Snapshot] | None = None
    found: dict[str, Snapshot] = {}
    for prefix in prefixes:
        snapshot = own if own is not None and prefix in own.prefixes else None
        if snapshot is None or _is_behind(snapshot, held.get(prefix)):
            newest = platform.snapshots().newest_of_each() if newest is None else newest
            snapshot = newest.get(prefix)
        if snapshot is not None and not _is_behind(snapshot, held.get(prefix)):
            found[prefix] = snapshot
    return found


def _is_behind(snapshot: Snapshot, stored: datetime | None) -> bool:
    return stored is not None and snapshot.as_of < stored


def read_anew(context: OpExecutionContext, platform: Platform, store: ConflictStore, prefixes: Sequence[str]) -> None:
    """Take a snapshot of prefixes that have no usable one.

    The snapshot is taken as `active_visits` does it, and logged under that asset.
    """
    ranges = ", ".join(prefix_ranges(prefixes))
    context.log.info(
        f"Reading prefixes {ranges} from the source anew: no snapshot holds them, or the store holds newer visits. "
        "Snapshots end by SNAPSHOTS_KEPT and SNAPSHOT_DAYS."
    )
    name = _free_name(platform.snapshots(), context.run.run_id)
    snapshot = take_snapshot(
        context,
        platform,
        store,
        prefixes,
        name=name,
        allow_drop=_is_asked(context, "allow_visit_drop"),
        full=_is_asked(context, "full"),
    )
    all_visits = visits_of_all_prefixes(store, snapshot)
    log_together(
        context,
        [
            AssetMaterialization(
                AssetKey(ASSET), partition=prefix, metadata=snapshot_metadata(snapshot, prefix) | all_visits
            )
            for prefix in snapshot.prefixes
        ],
    )
    log_snapshot_checks(context, snapshot)


def _free_name(snapshots: SnapshotStore, run_id: str) -> str:
    """Return a name for a new snapshot that no snapshot has.

    It is the run's id, with a number if need be: what the run has read before may still be needed.
    """
    names = (run_id, *(f"{run_id}-{number}" for number in range(2, 1000)))
    return next(name for name in names if snapshots.for_run(name) is None)


def _is_asked(context: OpExecutionContext, flag: str) -> bool:
    """Return whether the run's configuration sets this flag of `active_visits`.

    The work that is done here is that asset's work.
    """
    ops: Any = context.run.run_config.get("ops", {})
    return bool(ops.get(ASSET, {}).get("config", {}).get(flag, False))


def take_snapshot(
    context: Context,
    platform: Platform,
    store: ConflictStore,
    prefixes: Sequence[str],
    *,
    name: str,
    allow_drop: bool,
    full: bool,
) -> Snapshot:
    """Read prefixes into a snapshot of this name and list rejected visits."""
    settings = platform.settings
    as_of = datetime.now(tz=UTC)
    snapshots = platform.snapshots()
    source = platform.source()
    with source.open(run_id=context.run.run_id) as reader:
        reading = Reading(
            name=name,
            query=visit_query(settings, store, prefixes, as_of),
            as_of=as_of,
            allow_drop=allow_drop or settings.allow_visit_drop,
            warn=context.log.warning,
            full=full,
            incremental=settings.incremental,
            full_every=timedelta(days=settings.full_night_every),
            source=source.description,
        )
        snapshot = read_snapshot(reader, store, snapshots, reading)
        _keep_rejected(store, context.run.run_id, reading.query, snapshot)
        snapshots.purge(keep=settings.snapshots_kept, in_progress=runs_in_progress(context.instance))
    context.log.info(reading_line(snapshot.reading))
    context.log.info(visits_line(snapshot.total_counts()))
    return snapshot


def runs_in_progress(instance: DagsterInstance) -> set[str]:
    """Return the runs whose snapshots may still be read.

    The roots of their chains are among them.
    """
    runs = instance.get_runs(RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES))
    return {name for run in runs for name in (run.run_id, run.root_run_id) if name is not None}


def _keep_rejected(store: ConflictStore, run_id: str, query: VisitQuery, snapshot: Snapshot) -> None:
    left_out = snapshot.all_left_out()
    rejected = left_out.filter(pc.is_in(left_out["outcome"], pa.array([str(reason) for reason in RejectReason])))
    store.runs.write_rejected(
        run_id,
        rejected.rename_columns({"outcome": "reason"}),
        prefixes=query.prefixes,
        include_without_prefix=query.all_prefixes,
        as_of=snapshot.as_of,
    )


def log_snapshot_checks(context: Context, snapshot: Snapshot) -> None:
    """Log what the checks find in each prefix of a snapshot.

    The prefixes' materializations are logged already.
    """
    check_events.log_check_outcomes(context, ASSET, {prefix: judge(prefix, snapshot) for prefix in snapshot.prefixes})


def judge(prefix: str, snapshot: Snapshot) -> list[CheckOutcome]:
    """Check the rows of a prefix as they were written to disk.

    The file is not read by our schema, which would repair what is wrong.
    """
    counts = snapshot.counts(prefix)
    if prefix not in snapshot.contested_prefixes:
        return check_active_visits(prefix, VISIT_SCHEMA, VISIT_SCHEMA.empty_table(), counts)
    parts = snapshot.parts(prefix)
    return check_active_visits(prefix, parts.written_schema(), parts.rows(_judged_schema(parts)), counts)


def _judged_schema(parts: SnapshotParts) -> pa.Schema:
    return pa.schema([each for each in parts.written_schema() if each.name in JUDGED_VISIT])


def snapshot_metadata(snapshot: Snapshot, prefix: str) -> dict[str, Any]:
    """Return what the UI shows of a snapshot's prefix."""
    counts = snapshot.counts(prefix)
    left_out = {str(reason): counts[reason] for reason in (*InactiveReason, *RejectReason) if counts[reason]}
    return {
        **{name: counts[name] for name in _COUNTED},
        "dagster/row_count": counts["contested"],
        "left_out": left_out,
        **_reading_metadata(snapshot.reading),
        "as_of": snapshot.as_of.isoformat(),
        "window": f"{snapshot.first_date} to {snapshot.last_date}",
    }


def _reading_metadata(facts: ReadingFacts) -> dict[str, Any]:
    """Return how the whole snapshot was read."""
    return {
        "reading": facts.kind,
        "reading_why": facts.why,
        "cells_changed": facts.cells_changed,
        "rows_read": facts.rows_read,
        "rows_carried_over": facts.rows_carried,
    }


def visits_of_all_prefixes(store: ConflictStore, snapshot: Snapshot) -> dict[str, int]:
    """Count the visits of all prefixes for the asset's page.

    The page shows the last prefix only. Counts of the snapshot's prefixes are as just read, and those of the others as
    they were last committed.
    """
    read = snapshot.total_counts()
    others = store.runs.latest_visits(without=snapshot.prefixes, counted=_COUNTED)
    return {f"all_prefixes_{name}": read[name] + others[name] for name in _COUNTED}


def tell_snapshots(context: OpExecutionContext, judged: Mapping[str, Snapshot]) -> None:
    """Log which snapshots of other runs prefixes are judged by.

    The line also says how the source is read anew.
    """
    groups: dict[Snapshot, list[str]] = {}
    for prefix, snapshot in judged.items():
        if snapshot.root_run_id != context.run.run_id:
            groups.setdefault(snapshot, []).append(prefix)
    for snapshot, prefixes in groups.items():
        context.log.info(
            f"Judging prefixes {', '.join(prefix_ranges(prefixes))} by the snapshot of "
            f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC, read by run {snapshot.root_run_id}. To read the source anew, "
            "materialize active_visits together with visit_conflicts, or: conflict-assets run"
        )
