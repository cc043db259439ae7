"""What follows a run: the summary after any that changed conflicts, and a clear word after one that failed."""

from collections.abc import Iterator

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunStatusSensorContext,
    SensorDefinition,
    SkipReason,
    run_failure_sensor,
    run_status_sensor,
)

from conflict_assets.automation.failures import changed_conflicts, failed_prefixes
from conflict_assets.automation.jobs import conflict_summary_job
from conflict_assets.report.lines import failure_line

SUMMARIZED_TAG = "conflict_assets/summary_by"
"""Set by who starts the summary itself, so that it is not started twice."""


def _summary_after(status: DagsterRunStatus) -> SensorDefinition:
    @run_status_sensor(
        run_status=status,
        name=f"summary_after_{status.value.lower()}",
        request_job=conflict_summary_job,
        default_status=DefaultSensorStatus.RUNNING,
        description="Refreshes the summary after a run that has materialized conflicts, wholly or in part.",
    )
    def sensor(context: RunStatusSensorContext) -> RunRequest | SkipReason:
        run = context.dagster_run
        if SUMMARIZED_TAG in run.tags:
            return SkipReason(f"run {run.run_id}: its starter makes the summary itself")
        if not changed_conflicts(context.instance, run):
            return SkipReason(f"run {run.run_id} has materialized no conflicts")
        return RunRequest(run_key=run.run_id)

    return sensor


summary_sensors = [
    _summary_after(status) for status in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
]


@run_failure_sensor(
    name="failed_prefixes",
    default_status=DefaultSensorStatus.RUNNING,
    description="Names the failed prefixes of a run and the command that repeats them.",
)
def failed_prefixes_sensor(context: RunStatusSensorContext) -> Iterator[SkipReason]:
    """Say in one line which prefixes failed: in the daemon's log, the sensor's tick and the run's own log."""
    run = context.dagster_run
    prefixes = failed_prefixes(context.instance, run)
    if not prefixes:
        yield SkipReason(f"Run {run.run_id} of {run.job_name} failed; no prefix is to be repeated.")
        return
    line = failure_line(prefixes)
    context.log.error(f"Run {run.run_id}: {line}")
    context.instance.report_engine_event(line, run)
    yield SkipReason(f"Run {run.run_id}: {line}")
