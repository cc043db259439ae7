"""`visit_conflicts`: a step for each prefix or pack of small ones; a failure stays in its prefix.

The graph's own output is never emitted: each prefix logs its materialization and its checks as soon as it is
committed, so that output would materialize every partition a second time.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetIn,
    BackfillPolicy,
    Backoff,
    DynamicOut,
    DynamicOutput,
    Failure,
    In,
    Jitter,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    RetryPolicy,
    graph_asset,
    op,
)

from conflict_assets.assets import checks
from conflict_assets.assets.attempts import Attempts
from conflict_assets.assets.detection import Batch, detection_policy, finish_prefix
from conflict_assets.assets.events import (
    ASSET,
    committed_lines,
    describe,
    log_finished,
    log_materialization,
    summarize,
)
from conflict_assets.assets.packing import mapping_key, pack_prefixes, prefixes_of
from conflict_assets.assets.partitions import SSN_PREFIXES, root_run_id
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_tags import tag_prefixes
from conflict_assets.assets.turns import await_turn
from conflict_assets.report.lines import failure_line, skipping_line, summary_lines
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.errors import PassingStoreError
from conflict_assets.store.store import ConflictStore
from conflict_assets.store.workers import WorkerLimit

PASSING_FAILURES = RetryPolicy(max_retries=2, delay=2, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
"""Also repeats a step whose process was killed; a permanent failure says itself that it is not to be repeated."""

_CHECK_OUTPUTS = [spec.get_python_identifier() for spec in checks.VISIT_CONFLICTS_CHECKS]


@op(ins={"active_visits": In(Nothing)}, out=DynamicOut(Nothing))
def plan_batches(context: OpExecutionContext, platform: Platform) -> Iterator[DynamicOutput[None]]:
    """Share the prefixes with contested visits over steps; finish the empty ones here, without a step."""
    tag_prefixes(context, context.partition_keys)
    await_turn(context)
    snapshot = snapshot_of(context, platform)
    prefixes = sorted(context.partition_keys)
    volumes = {prefix: snapshot.counts(prefix)["contested"] for prefix in prefixes}
    empty = [prefix for prefix in prefixes if not volumes[prefix]]
    if empty:
        context.log.info(skipping_line(empty, len(prefixes)))
        for prefix in _finish_empty(context, platform, snapshot, empty):
            del volumes[prefix]
    context.log.addFilter(_is_no_remark)
    visits_per_step = platform.settings.visits_per_step
    for pack in pack_prefixes(volumes, workers=_workers(context, platform), visits_per_step=visits_per_step):
        yield DynamicOutput(None, mapping_key=mapping_key(pack))


def _is_no_remark(record: logging.LogRecord) -> bool:
    """Keep Dagster's remark on a run without steps out of this step's log: it reads like a fault, and is none.

    An output that need not be emitted would not be remarked on, but then publish_conflicts would be skipped.
    """
    return not record.getMessage().startswith("Emitting implicit Nothing")


def _finish_empty(context: OpExecutionContext, platform: Platform, snapshot: Snapshot, empty: list[str]) -> list[str]:
    """Resolve what empty prefixes still hold. One that can't be committed is left to a step, to fail there alone."""
    finished = []
    with platform.store() as store:
        batch = _batch(context, platform, snapshot, store)
        for prefix in empty:
            try:
                done = finish_prefix(store, snapshot, prefix, batch)
            except Exception as error:  # noqa: BLE001 - whatever stops one prefix must not stop the others
                context.log.warning(f"prefix {prefix}: {describe(error)}; it gets a step of its own")
                continue
            log_finished(context, store, snapshot, done)
            finished.append(prefix)
    return finished


@op(ins={"start": In(Nothing)}, out=Out(Nothing), retry_policy=PASSING_FAILURES)
def detect_batch(context: OpExecutionContext, platform: Platform) -> None:
    """Detect and commit each prefix of the step; the step fails at its end if one of them did."""
    snapshot = snapshot_of(context, platform)
    prefixes = prefixes_of(context.get_mapping_key() or "")
    with platform.store() as store:
        errors = _finish_all(context, store, snapshot, prefixes, _batch(context, platform, snapshot, store))
    _fail_for(errors)


def _fail_for(errors: Mapping[str, Exception]) -> None:
    """Fail the step, to be repeated if one of its prefixes failed in a way that may pass."""
    if errors:
        passing = any(isinstance(error, PassingStoreError) for error in errors.values())
        raise Failure(failure_line(sorted(errors)), allow_retries=passing) from None


def _finish_all(
    context: OpExecutionContext,
    store: ConflictStore,
    snapshot: Snapshot,
    prefixes: Sequence[str],
    batch: Batch,
) -> dict[str, Exception]:
    """Finish each prefix and return the errors of those that failed.

    On a retry, prefixes that the run has committed are skipped, and those that were begun before go last: if one of
    them kills the process again, the others are done by then.
    """
    errors: dict[str, Exception] = {}
    attempts = Attempts(snapshot.folder)
    committed = committed_lines(store, snapshot, batch.root_run_id)
    for prefix in attempts.unbegun_first(prefixes):
        if prefix in committed:
            log_materialization(context, store, snapshot, committed[prefix])
            continue
        attempts.mark(prefix)
        try:
            done = finish_prefix(store, snapshot, prefix, batch)
            log_finished(context, store, snapshot, done)
        except Exception as error:  # noqa: BLE001 - whatever stops one prefix must not stop the others
            errors[prefix] = error
            context.log.error(f"prefix {prefix} failed: {describe(error)}")
    return errors


def snapshot_of(context: OpExecutionContext, platform: Platform) -> Snapshot:
    """The snapshot that the run's chain has taken, else the newest that holds the run's prefixes."""
    prefixes = sorted(context.partition_keys)
    snapshots = platform.snapshots()
    snapshot = snapshots.for_run(root_run_id(context)) or snapshots.newest(prefixes)
    if snapshot is None:
        raise Failure(
            f"No snapshot holds prefixes {prefixes[0]} to {prefixes[-1]}. Materialize active_visits for them first, "
            "or together with visit_conflicts.",
            allow_retries=False,
        )
    return snapshot


def _batch(context: OpExecutionContext, platform: Platform, snapshot: Snapshot, store: ConflictStore) -> Batch:
    wanted = set(context.partition_keys)
    return Batch(
        run_id=context.run.run_id,
        root_run_id=root_run_id(context),
        policy=detection_policy(platform.settings, store),
        time_zone=platform.settings.schedule_time_zone,
        total=sum(prefix in wanted for prefix in snapshot.contested_prefixes),
        limit=WorkerLimit(platform.settings.max_workers_all_runs, context.log.info),
    )


def _workers(context: OpExecutionContext, platform: Platform) -> int:
    """How many steps this run may have at once: its own configuration, else the settings'."""
    execution: Any = context.run.run_config.get("execution", {})
    return int(execution.get("config", {}).get("max_concurrent") or platform.settings.max_workers)


@op(
    ins={"done": In(Nothing)},
    out={name: Out(Nothing, is_required=False) for name in ("result", *_CHECK_OUTPUTS)},
    retry_policy=PASSING_FAILURES,
)
def publish_conflicts(context: OpExecutionContext, platform: Platform) -> Iterator[Output[None]]:
    """Say how the run went, when every step has succeeded; tell the checks of prefixes that earlier runs have done."""
    snapshot = snapshot_of(context, platform)
    with platform.store() as store:
        _fail_for(_finish_unstarted(context, platform, snapshot, store))
        checks.repeat_verdicts(context, ASSET)
        for line in summary_lines(summarize(store, [root_run_id(context)], context.partition_keys)):
            context.log.info(line)
    yield from checks.outputs_of(context, checks.VISIT_CONFLICTS_CHECKS)


def _finish_unstarted(
    context: OpExecutionContext, platform: Platform, snapshot: Snapshot, store: ConflictStore
) -> dict[str, Exception]:
    """Finish, in a re-execution, the prefixes whose step had not begun when the run before was cut off.

    Dagster 1.13 repeats mapped steps that failed or were interrupted, and forgets those that never started
    (dagster-io/dagster#30077): the run would succeed with these prefixes left out.
    """
    if context.run.parent_run_id is None:
        return {}
    committed = committed_lines(store, snapshot, root_run_id(context))
    unstarted = sorted(set(context.partition_keys) - set(committed))
    if unstarted:
        context.log.info(f"Finishing here what the run before had not started: {', '.join(unstarted)}")
    return _finish_all(context, store, snapshot, unstarted, _batch(context, platform, snapshot, store))


@graph_asset(
    name=ASSET,
    ins={"active_visits": AssetIn(dagster_type=Nothing)},
    description="Pairs of visits that put one caregiver in two places; in PostgreSQL, a prefix a partition.",
    group_name="visit_conflicts",
    kinds={"postgres", "pandas"},
    partitions_def=SSN_PREFIXES,
    backfill_policy=BackfillPolicy.single_run(),
    check_specs=checks.VISIT_CONFLICTS_CHECKS,
)
def visit_conflicts(active_visits: Any) -> Mapping[str, Any]:
    """Plan, detect in parallel, publish."""
    published = publish_conflicts(plan_batches(active_visits).map(detect_batch).collect())
    return {name: getattr(published, name) for name in ("result", *_CHECK_OUTPUTS)}
