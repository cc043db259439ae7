"""The history of runs: their events and their chains of re-executions."""

from collections.abc import Iterator

from dagster import AssetKey, DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, RunsFilter

ROOT_RUN_TAG = "dagster/root_run_id"
_RESUMING_TAGS = ("dagster/is_resume_retry", "dagster/is_asset_resume_retry")
_PLANNING_STEP = "visit_conflicts.plan_batches"


def events_of(instance: DagsterInstance, run_id: str, kind: DagsterEventType) -> Iterator[DagsterEvent]:
    """Yield the events of one kind that a run has logged, oldest first."""
    cursor = None
    while True:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=kind)
        for record in page.records:
            event = record.event_log_entry.dagster_event
            if event is not None:
                yield event
        if not page.has_more:
            return
        cursor = page.cursor


def materialized_partitions(instance: DagsterInstance, run_id: str, asset: AssetKey) -> set[str]:
    """Return the partitions of an asset that a run has materialized."""
    made = _partitions(instance, run_id, asset, DagsterEventType.ASSET_MATERIALIZATION)
    return {partition for partition in made if partition is not None}


def planned_partitions(instance: DagsterInstance, run_id: str, asset: AssetKey) -> set[str | None]:
    """Return the partitions of an asset that a run was to materialize, None for a plan that names none."""
    return _partitions(instance, run_id, asset, DagsterEventType.ASSET_MATERIALIZATION_PLANNED)


def _partitions(instance: DagsterInstance, run_id: str, asset: AssetKey, kind: DagsterEventType) -> set[str | None]:
    """Return the partitions that a run's events of one kind name, without reading the events."""
    return set(instance.get_asset_partitions_for_run(run_id, kind).get(asset, ()))


def resumed_runs(instance: DagsterInstance, run: DagsterRun) -> tuple[str, ...]:
    """Return the earlier runs that this one goes on with, newest first.

    What they have done need not be done again. A re-execution from failure goes on with its parent. A re-execution of
    all steps begins anew.
    """
    if run.parent_run_id is None:
        return ()
    chain: list[str] = []
    filters = RunsFilter(tags={ROOT_RUN_TAG: run.root_run_id or run.run_id})
    earlier = {each.run_id: each for each in instance.get_runs(filters)}
    current: DagsterRun | None = run
    while current is not None and current.parent_run_id is not None and _resumes(current):
        chain.append(current.parent_run_id)
        current = earlier.get(current.parent_run_id)
    return tuple(chain)


def _resumes(run: DagsterRun) -> bool:
    """Return whether a re-execution leaves out what its parent has done.

    A choice of steps without the planning step does so, too.
    """
    return any(run.tags.get(tag) == "true" for tag in _RESUMING_TAGS) or not makes_plan(run)


def makes_plan(run: DagsterRun) -> bool:
    """Return whether a run distributes its prefixes over steps itself.

    Otherwise it goes on with the steps of another run.
    """
    return run.step_keys_to_execute is None or _PLANNING_STEP in run.step_keys_to_execute
