"""The runs that Dagster considers in progress, in words for the doctor."""

from dagster import DagsterInstance, DagsterRun, RunsFilter

from conflict_assets.assets.processes import is_deserted
from conflict_assets.dagster_private.names import IN_PROGRESS_RUN_STATUSES


def runs_in_progress(instance: DagsterInstance) -> list[str]:
    """Describe each run by its job and state, the oldest first."""
    runs = instance.get_runs(RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES))
    return [_described(instance, run) for run in reversed(runs)]


def _described(instance: DagsterInstance, run: DagsterRun) -> str:
    text = f"{run.run_id} ({run.job_name}, {run.status.value})"
    return f"{text}, whose process has ended: the next run marks it as failed" if is_deserted(instance, run) else text
