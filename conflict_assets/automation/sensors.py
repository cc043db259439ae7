"""The sensors that follow a run.

One requests the summary after any run that changed conflicts, and one reports a run that failed.
"""

from collections.abc import Iterator

from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunStatusSensorContext,
    SensorDefinition,
    SkipReason,
    run_failure_sensor,
    run_status_sensor,
)

from conflict_assets.assets.prefix_events import summarize
from conflict_assets.automation.failed_prefixes import changed_conflicts, failed_prefixes, planned_prefixes
from conflict_assets.automation.jobs import conflict_summary_job
from conflict_assets.output.log_lines import failure_line, success_line, summary_lines
from conflict_assets.settings import load_settings
from conflict_assets.store.errors import StoreError
from conflict_assets.store.store_factory import conflict_store

SUMMARIZED_TAG = "conflict_assets/summary_by"
"""The tag of a run whose starter makes the summary itself.

Without it the summary would be made twice.
"""

BY_COMMAND_LINE = "command line"

SECONDS_BETWEEN_RUNS = 10
"""The time between two ticks, each of which handles one run.

Where many runs end at once, the summary of the last one waits for as many ticks.
"""


def _summary_after(status: DagsterRunStatus) -> SensorDefinition:
    @run_status_sensor(
        run_status=status,
        name=f"summary_after_{status.value.lower()}",
        request_job=conflict_summary_job,
        minimum_interval_seconds=SECONDS_BETWEEN_RUNS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Refreshes the summary after a run that has materialized conflicts, wholly or in part.",
    )
    def sensor(context: RunStatusSensorContext) -> RunRequest | SkipReason:
        run = context.dagster_run
        if _is_summed_up_by_its_starter(run):
            return SkipReason(f"run {run.run_id}: its starter makes the summary itself")
        if not changed_conflicts(context.instance, run):
            return SkipReason(f"run {run.run_id} has materialized no conflicts")
        return RunRequest(run_key=run.run_id)

    return sensor


def _is_summed_up_by_its_starter(run: DagsterRun) -> bool:
    """Return whether the starter of a run makes the summary itself.

    A re-execution of a command line's run inherits the tag from its parent, but nobody makes its summary.
    """
    by = run.tags.get(SUMMARIZED_TAG)
    return by is not None and not (by == BY_COMMAND_LINE and run.parent_run_id is not None)


summary_sensors = [
    _summary_after(status) for status in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
]


@run_failure_sensor(
    name="failed_prefixes",
    default_status=DefaultSensorStatus.RUNNING,
    description="Says what a failed run has done, which prefixes failed, and the command that repeats them.",
)
def failed_prefixes_sensor(context: RunStatusSensorContext) -> Iterator[SkipReason]:
    """Report what a failed run did and did not do.

    The report stands in the daemon's log, the sensor's tick and the run's own log.
    """
    run = context.dagster_run
    lines = _ending(context.instance, run)
    for line in lines:
        context.log.error(f"Run {run.run_id}: {line}")
        context.instance.report_engine_event(line, run)
    if not lines:
        yield SkipReason(f"Run {run.run_id} of {run.job_name} failed; no prefix is to be repeated.")
        return
    yield SkipReason(f"Run {run.run_id}: {'. '.join(lines)}")


def _ending(instance: DagsterInstance, run: DagsterRun) -> list[str]:
    """Return the lines with which a run that succeeds ends.

    They lack totals when the store does not answer within a tick.
    """
    planned, failed = planned_prefixes(instance, run), failed_prefixes(instance, run)
    if not planned:
        return []
    try:
        with conflict_store(load_settings(), attempts=1) as store:
            return summary_lines(summarize(store, [run.root_run_id or run.run_id], planned, failed=failed))
    except StoreError:
        return [success_line(sorted(planned), failed), *([failure_line(failed)] if failed else [])]
