"""`active_visits`: the contested visits of every prefix of the run, read from the source in one step."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dagster import (
    AssetExecutionContext,
    AssetSpec,
    BackfillPolicy,
    Config,
    Failure,
    MaterializeResult,
    Output,
    RetryRequested,
    RunsFilter,
    multi_asset,
)
from pydantic import Field

from conflict_assets.assets import checks
from conflict_assets.assets.dagster_private import IN_PROGRESS_RUN_STATUSES
from conflict_assets.assets.partitions import SSN_PREFIXES, root_run_id
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.source_reading import Reading, read_snapshot, visit_query
from conflict_assets.assets.turns import await_turn
from conflict_assets.assets.verdicts import JUDGED_VISIT, Verdict, judge_active_visits
from conflict_assets.domain.reasons import InactiveReason, RejectReason
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.report.lines import visits_line
from conflict_assets.settings import load_settings
from conflict_assets.source.protocol import PassingSourceError, SourceError, VisitQuery
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.errors import StoreError
from conflict_assets.store.store import ConflictStore

RETRIES = 2
RETRY_SECONDS = 10
_COUNTED = ("visits_seen", "active", "contested")


class ActiveVisitsConfig(Config):
    """What one run may do differently."""

    allow_visit_drop: bool = Field(
        default=False,
        description="Let this run through although the source has far fewer visits than last time.",
    )


@multi_asset(
    name="active_visits",
    specs=[
        AssetSpec(
            "active_visits",
            description="Active visits on contested days: the only ones that can conflict. One Parquet file a prefix.",
            group_name="visit_conflicts",
            kinds={load_settings().source_kind, "parquet"},
            partitions_def=SSN_PREFIXES,
        )
    ],
    check_specs=checks.ACTIVE_VISITS_CHECKS,
    partitions_def=SSN_PREFIXES,
    backfill_policy=BackfillPolicy.single_run(),
    can_subset=True,
)
def active_visits(
    context: AssetExecutionContext, config: ActiveVisitsConfig, platform: Platform
) -> Iterator[MaterializeResult[Any] | Output[None]]:
    """Count, guard, read and keep the visits of the run's prefixes; nothing is committed before all is well."""
    tag_prefixes(context, context.partition_keys)
    await_turn(context)
    try:
        snapshot, all_visits = take_snapshot(context, config, platform)
    except PassingSourceError as error:
        raise RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_SECONDS) from error
    except (SourceError, StoreError) as error:
        raise Failure(str(error), allow_retries=False) from None
    for prefix in snapshot.prefixes:
        counts = snapshot.counts(prefix)
        context.add_asset_metadata(_metadata(snapshot, counts) | all_visits, partition_key=prefix)
    yield MaterializeResult(asset_key="active_visits")
    for prefix in snapshot.prefixes:
        checks.log_verdicts(context, "active_visits", prefix, judge(prefix, snapshot))
    yield from checks.outputs_of(context, checks.ACTIVE_VISITS_CHECKS)


def judge(prefix: str, snapshot: Snapshot) -> list[Verdict]:
    """Check what was written for a prefix, as it lies on disk: not read by a schema, which would mend what is wrong."""
    counts = snapshot.counts(prefix)
    if prefix not in snapshot.contested_prefixes:
        return judge_active_visits(prefix, VISIT_SCHEMA, VISIT_SCHEMA.empty_table(), counts)
    with pq.ParquetFile(snapshot.folder / f"{prefix}.parquet") as file:
        return judge_active_visits(prefix, file.schema_arrow, file.read(columns=list(JUDGED_VISIT)), counts)


def take_snapshot(
    context: AssetExecutionContext, config: ActiveVisitsConfig, platform: Platform
) -> tuple[Snapshot, dict[str, int]]:
    """Read the run's prefixes from the source into a snapshot of the root run, and list the rejected visits.

    Returned with it are the visits of all prefixes, for the asset's page, which shows the last prefix only.
    """
    settings = platform.settings
    as_of = datetime.now(tz=UTC)
    snapshots = platform.snapshots()
    with platform.store() as store, platform.source().open(run_id=context.run.run_id) as reader:
        store.prepare()
        reading = Reading(
            name=root_run_id(context),
            query=visit_query(settings, store, context.partition_keys, as_of),
            as_of=as_of,
            allow_drop=config.allow_visit_drop or settings.allow_visit_drop,
            warn=context.log.warning,
        )
        snapshot = read_snapshot(reader, store, snapshots, reading)
        _keep_rejected(store, context.run.run_id, reading.query, snapshot)
        all_visits = _all_prefixes(store, snapshot)
        snapshots.purge(keep=settings.snapshots_kept, in_progress=_in_progress(context))
    context.log.info(visits_line(snapshot.total_counts()))
    return snapshot, all_visits


def _all_prefixes(store: ConflictStore, snapshot: Snapshot) -> dict[str, int]:
    """The visits of all prefixes: of the run's as just read, of the others as they were last committed."""
    read = snapshot.total_counts()
    others = store.latest_visits(without=snapshot.prefixes, counted=_COUNTED)
    return {f"all_prefixes_{name}": read[name] + others[name] for name in _COUNTED}


def _in_progress(context: AssetExecutionContext) -> set[str]:
    """The root runs whose snapshots may still be read."""
    runs = context.instance.get_runs(RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES))
    return {run.root_run_id or run.run_id for run in runs}


def _keep_rejected(store: ConflictStore, run_id: str, query: VisitQuery, snapshot: Snapshot) -> None:
    sidelined = snapshot.all_sidelined()
    rejected = sidelined.filter(pc.is_in(sidelined["outcome"], pa.array([str(reason) for reason in RejectReason])))
    store.write_rejected(
        run_id,
        rejected.rename_columns({"outcome": "reason"}),
        prefixes=query.prefixes,
        include_without_prefix=query.all_prefixes,
        as_of=snapshot.as_of,
    )


def _metadata(snapshot: Snapshot, counts: Mapping[str, int]) -> dict[str, object]:
    left_out = {str(reason): counts[reason] for reason in (*InactiveReason, *RejectReason) if counts[reason]}
    return {
        **{name: counts[name] for name in _COUNTED},
        "dagster/row_count": counts["contested"],
        "left_out": left_out,
        "as_of": snapshot.as_of.isoformat(),
        "window": f"{snapshot.first_date} to {snapshot.last_date}",
    }
