"""The asset `visit_conflicts`, whose steps detect conflicts prefix by prefix.

A step has one prefix or a pack of small ones, and a failure stays in its prefix. The graph's own outputs are never
emitted: each prefix logs its materialization and its checks as soon as it is committed, so an output would materialize
every partition a second time.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetIn,
    BackfillPolicy,
    DynamicOut,
    DynamicOutput,
    In,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    graph_asset,
    op,
)

from conflict_assets.assets import check_events
from conflict_assets.assets.all_prefixes import claim_all_prefixes
from conflict_assets.assets.overlapping_runs import await_overlapping_runs
from conflict_assets.assets.partition_definitions import SSN_PREFIXES, run_prefixes
from conflict_assets.assets.prefix_events import night_summary
from conflict_assets.assets.prefix_results import batch_of, fail_for, finish_empty, finish_prefixes, finish_unchanged
from conflict_assets.assets.reexecution import ASSET, begin_step, carry_over
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_snapshots import tell_snapshots
from conflict_assets.assets.run_state import committed_runs, run_state
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.step_failures import STEP_RETRIES, failing_in_words
from conflict_assets.assets.step_packing import mapping_key, pack_prefixes, prefixes_of
from conflict_assets.output.log_lines import skipping_line, summary_lines
from conflict_assets.store.conflict_store import ConflictStore

DESCRIPTION = (
    "Pairs of visits that put one caregiver in two places; in PostgreSQL, a prefix a partition. "
    "Materialized alone, it judges the newest snapshot of each prefix and does not look at the source: to read the "
    "source anew, materialize it together with active_visits. A run without any partition is one over all prefixes."
)
_CHECK_OUTPUTS = [spec.get_python_identifier() for spec in check_events.VISIT_CONFLICTS_CHECKS]


@op(ins={"active_visits": In(Nothing)}, out=DynamicOut(Nothing), retry_policy=STEP_RETRIES)
def plan_batches(context: OpExecutionContext, platform: Platform) -> Iterator[DynamicOutput[None]]:
    """Share the prefixes with contested visits over steps.

    Empty prefixes, and those that are unchanged since their last commit, are finished here, without a step.
    """
    with failing_in_words(context):
        claim_all_prefixes(context)
        tag_prefixes(context, run_prefixes(context))
        carry_over(context, platform)
        await_overlapping_runs(context)
        with platform.store() as store:
            store.administration.prepare()
            volumes = _volumes(context, platform, store)
    context.log.addFilter(_is_no_remark)
    workers, visits_per_step = _workers(context, platform), platform.settings.visits_per_step
    for pack in pack_prefixes(volumes, workers=workers, visits_per_step=visits_per_step):
        yield DynamicOutput(None, mapping_key=mapping_key(pack))


def _is_no_remark(record: logging.LogRecord) -> bool:
    """Leave Dagster's remark on a run without steps out of the log.

    It reads like a fault, and is none. An output that need not be emitted would not be remarked on, but then
    publish_conflicts would be skipped.
    """
    return not record.getMessage().startswith("Emitting implicit Nothing")


def _volumes(context: OpExecutionContext, platform: Platform, store: ConflictStore) -> dict[str, int]:
    """Return the prefixes that need a step, with their contested visits."""
    prefixes = run_prefixes(context)
    state = run_state(context, platform, store, prefixes)
    tell_snapshots(context, {prefix: state.snapshots[prefix] for prefix in state.to_do})
    volumes = {prefix: state.snapshots[prefix].counts(prefix)["contested"] for prefix in state.to_do}
    empty = [prefix for prefix in state.to_do if not volumes[prefix]]
    contested = [prefix for prefix in state.to_do if volumes[prefix]]
    batch = batch_of(context, platform, store, state)
    if empty:
        context.log.info(skipping_line(empty, len(prefixes)))
    done = {
        *finish_empty(context, store, state, empty, batch),
        *finish_unchanged(context, store, state, contested, batch),
    }
    return {prefix: volume for prefix, volume in volumes.items() if prefix not in done}


def _workers(context: OpExecutionContext, platform: Platform) -> int:
    """Return how many steps this run may have at once.

    The run's own configuration takes precedence over the settings.
    """
    execution: Any = context.run.run_config.get("execution", {})
    return int(execution.get("config", {}).get("max_concurrent") or platform.settings.max_workers)


@op(ins={"start": In(Nothing)}, out=Out(Nothing), retry_policy=STEP_RETRIES)
def detect_batch(context: OpExecutionContext, platform: Platform) -> None:
    """Detect and commit each prefix of the step.

    The step fails at its end if one of them did.
    """
    with failing_in_words(context):
        begin_step(context, platform)
        with platform.store() as store:
            errors = finish_prefixes(context, platform, store, prefixes_of(context.get_mapping_key() or ""))
        fail_for(context, errors)


@op(
    ins={"done": In(Nothing)},
    out={name: Out(Nothing, is_required=False) for name in ("result", *_CHECK_OUTPUTS)},
    retry_policy=STEP_RETRIES,
)
def publish_conflicts(context: OpExecutionContext, platform: Platform) -> Iterator[Output[None]]:
    """Say how the run went, when every step has succeeded."""
    with failing_in_words(context):
        begin_step(context, platform)
        with platform.store() as store:
            fail_for(context, _finish_unstarted(context, platform, store))
            summary = night_summary(store, committed_runs(context, store), run_prefixes(context))
        for line in summary_lines(summary):
            context.log.info(line)
    yield from check_events.outputs_of(context, check_events.VISIT_CONFLICTS_CHECKS)


def _finish_unstarted(context: OpExecutionContext, platform: Platform, store: ConflictStore) -> dict[str, Exception]:
    """Finish the prefixes whose step had not begun in the run before.

    This is for a re-execution of a run that was cut off. Dagster 1.13 repeats mapped steps that failed or were
    interrupted, and forgets those that never started (dagster-io/dagster#30077). Without this, the run would succeed
    with these prefixes left out.
    """
    if context.run.parent_run_id is None:
        return {}
    why = "Finishing here what the run before had not started"
    return finish_prefixes(context, platform, store, run_prefixes(context), why)


@graph_asset(
    name=ASSET,
    ins={"active_visits": AssetIn(dagster_type=Nothing)},
    description=DESCRIPTION,
    group_name="visit_conflicts",
    kinds={"postgres", "pandas"},
    partitions_def=SSN_PREFIXES,
    backfill_policy=BackfillPolicy.single_run(),
    check_specs=check_events.VISIT_CONFLICTS_CHECKS,
)
def visit_conflicts(active_visits: Any) -> Mapping[str, Any]:
    """Plan the steps, detect conflicts in parallel, and publish the result."""
    published = publish_conflicts(plan_batches(active_visits).map(detect_batch).collect())
    return {name: getattr(published, name) for name in ("result", *_CHECK_OUTPUTS)}
