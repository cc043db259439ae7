"""The work on prefixes within a step.

Each prefix has its own transaction and its own events, and fails alone.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from dagster import OpExecutionContext

from conflict_assets.assets import begun_prefixes
from conflict_assets.assets.partition_definitions import root_run_id
from conflict_assets.assets.prefix_detection import (
    Batch,
    FinishedPrefix,
    detection_policy,
    finish_prefix,
    repeat_prefix,
)
from conflict_assets.assets.prefix_events import FinishedPrefixes, describe
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_history import makes_plan
from conflict_assets.assets.run_snapshots import tell_snapshots
from conflict_assets.assets.run_state import RunState, run_state
from conflict_assets.assets.step_failures import TRANSIENT, fail_step
from conflict_assets.output.log_lines import failure_line, unchanged_line
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.workers import WorkerLimit

CAUSES_SHOWN = 3


def batch_of(context: OpExecutionContext, platform: Platform, store: ConflictStore, state: RunState) -> Batch:
    """Return the data that all prefixes of a step share."""
    return Batch(
        run_id=context.run.run_id,
        root_run_id=root_run_id(context),
        policy=detection_policy(platform.settings, store),
        total=state.total,
        resumed=state.resumed,
        time_zone=platform.settings.schedule_time_zone,
        limit=WorkerLimit(platform.settings.max_workers_all_runs, context.log.info),
    )


def finish_prefixes(
    context: OpExecutionContext, platform: Platform, store: ConflictStore, prefixes: Sequence[str], why: str = ""
) -> dict[str, Exception]:
    """Finish each prefix that is not done and return the errors by prefix.

    The log first says why, if `why` is given. On a retry, prefixes that were begun before come last: if one of them
    kills the process again, the others are done by then.
    """
    errors: dict[str, Exception] = {}
    state = run_state(context, platform, store, prefixes)
    snapshots = {prefix: state.snapshots[prefix] for prefix in state.to_do}
    if why and snapshots:
        context.log.info(f"{why}: {', '.join(snapshots)}")
    if not makes_plan(context.run):  # the plan has logged it for all of them
        tell_snapshots(context, snapshots)
    batch = batch_of(context, platform, store, state)
    finished = FinishedPrefixes(context, store)
    try:
        for prefix in begun_prefixes.unbegun_first(snapshots):
            begun_prefixes.mark(snapshots[prefix], prefix)
            try:
                finished.add(snapshots[prefix], finish_prefix(store, snapshots[prefix], prefix, batch))
            except Exception as error:  # noqa: BLE001 - whatever stops one prefix must not stop the others
                errors |= _failed(context, {prefix: error})
            errors |= _failed(context, finished.write_when_due())
    finally:  # somebody may interrupt the step
        errors |= _failed(context, finished.write())
    return errors


def _failed(context: OpExecutionContext, errors: dict[str, Exception]) -> dict[str, Exception]:
    """Log the prefixes that have failed."""
    for prefix, error in errors.items():
        context.log.error(f"prefix {prefix} failed: {describe(error)}")
    return errors


def finish_empty(
    context: OpExecutionContext, store: ConflictStore, state: RunState, empty: Sequence[str], batch: Batch
) -> list[str]:
    """Resolve what the store still holds of empty prefixes, and return those that are done.

    A prefix that can't be committed is left to a step of its own, so that it fails there alone.
    """
    finish = partial(finish_prefix, store, batch=batch)
    return _tell_of(context, store, state, _each(context, state, empty, finish))


def finish_unchanged(
    context: OpExecutionContext, store: ConflictStore, state: RunState, contested: Sequence[str], batch: Batch
) -> list[str]:
    """Commit prefixes again whose visits are those of their last commit, and return those that are done.

    A prefix for which that fails is left to a step of its own.
    """
    finished = _each(context, state, contested, partial(repeat_prefix, store, batch=batch))
    if finished:
        context.log.info(unchanged_line(len(finished), len(contested)))
    return _tell_of(context, store, state, finished)


def _each(
    context: OpExecutionContext,
    state: RunState,
    prefixes: Sequence[str],
    finish: Callable[[Snapshot, str], FinishedPrefix | None],
) -> dict[str, FinishedPrefix]:
    """Return the prefixes that could be finished."""
    finished: dict[str, FinishedPrefix] = {}
    for prefix in prefixes:
        try:
            done = finish(state.snapshots[prefix], prefix)
        except Exception as error:  # noqa: BLE001 - whatever stops one prefix must not stop the others
            _leave_to_a_step(context, prefix, error)
        else:
            finished |= {prefix: done} if done else {}
    return finished


def _tell_of(
    context: OpExecutionContext, store: ConflictStore, state: RunState, finished: Mapping[str, FinishedPrefix]
) -> list[str]:
    """Log what was finished in the plan, and return the prefixes that are done with their events."""
    told = FinishedPrefixes(context, store)
    done = []
    for prefix, each in finished.items():
        try:
            told.add(state.snapshots[prefix], each)
            done.append(prefix)
        except Exception as error:  # noqa: BLE001 - whatever stops one prefix must not stop the others
            _leave_to_a_step(context, prefix, error)
    for prefix, unwritten in told.write().items():
        _leave_to_a_step(context, prefix, unwritten)
        done.remove(prefix)
    return done


def _leave_to_a_step(context: OpExecutionContext, prefix: str, error: Exception) -> None:
    context.log.warning(f"prefix {prefix}: {describe(error)}; it gets a step of its own")


def fail_for(context: OpExecutionContext, errors: Mapping[str, Exception]) -> None:
    """Fail the step and name the causes of its failed prefixes.

    The step is repeated if one of the errors is transient.
    """
    if errors:
        causes = list(dict.fromkeys(describe(error) for error in errors.values()))
        more = f" And {len(causes) - CAUSES_SHOWN} more causes." if len(causes) > CAUSES_SHOWN else ""
        text = f"{' '.join(causes[:CAUSES_SHOWN])}{more} {failure_line(sorted(errors))}"
        fail_step(context, text, transient=any(isinstance(error, TRANSIENT) for error in errors.values()))
