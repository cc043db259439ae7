"""The prefixes that a re-execution takes over from earlier runs.

The re-execution logs anew what earlier runs of its chain have done. Dagster plans all prefixes of a re-execution.
Prefixes without a materialization in that very run would turn red when it fails. Their checks would show as skipped, or
as missing when they are not tied to the materialization that is shown.
"""

from collections.abc import Iterable

from dagster import AssetKey, AssetMaterialization, EventLogRecord, OpExecutionContext

from conflict_assets.assets import check_events
from conflict_assets.assets.overlapping_runs import await_overlapping_runs
from conflict_assets.assets.partition_definitions import run_prefixes
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_history import materialized_partitions, resumed_runs
from conflict_assets.dagster_private.event_batches import log_together

ASSET = "visit_conflicts"


def begin_step(context: OpExecutionContext, platform: Platform) -> None:
    """Take over earlier results and wait for overlapping runs.

    Each step of a re-execution begins with this, whichever step comes first.
    """
    if context.run.parent_run_id is not None:
        carry_over(context, platform)
        await_overlapping_runs(context)


def carry_over(context: OpExecutionContext, platform: Platform) -> None:
    """Log the newest materialization and checks of prefixes that are done.

    These are the prefixes that earlier runs of the chain have done and that this run has not logged. The newest
    materialization may be of a run outside the chain: the prefix is then ahead of what the chain has done.
    """
    earlier = resumed_runs(context.instance, context.run)
    if not earlier:
        return
    with platform.snapshots().lock():
        done = {prefix for run in earlier for prefix in materialized_partitions(context.instance, run, AssetKey(ASSET))}
        left = (done & set(run_prefixes(context))) - check_events.told_prefixes(context)
        if left:
            _log_anew(context, left)


def _log_anew(context: OpExecutionContext, prefixes: Iterable[str]) -> None:
    found = check_events.newest_materializations(context.instance, ASSET, prefixes)
    evaluations = check_events.evaluations_of(context.instance, ASSET, found.values())
    log_together(
        context,
        [_again(prefix, record) for prefix, record in sorted(found.items()) if record.run_id != context.run.run_id],
    )
    logged = check_events.newest_materializations(context.instance, ASSET, found)
    check_events.log_evaluations(context, [each for each in evaluations if each.partition in logged], logged)


def _again(prefix: str, record: EventLogRecord) -> AssetMaterialization:
    first = record.asset_materialization
    description = first.description if first is not None else None
    return AssetMaterialization(
        AssetKey(ASSET),
        partition=prefix,
        description=description or f"Done by run {record.run_id}, and taken over by a re-execution.",
        metadata=dict(first.metadata) if first is not None else {},
    )
