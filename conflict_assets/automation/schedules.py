"""The schedule of the night: 02:00 every day in the schedule's zone."""

from dagster import DefaultScheduleStatus, RunRequest, ScheduleEvaluationContext, schedule

from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.automation.jobs import nightly_conflicts, range_tags
from conflict_assets.settings import load_settings

NIGHT = "0 2 * * *"


@schedule(
    name="nightly_conflicts",
    job=nightly_conflicts,
    cron_schedule=NIGHT,
    execution_timezone=load_settings().schedule_time_zone,
    default_status=DefaultScheduleStatus.RUNNING,
    description="All prefixes in one run, so that the warehouse is read once.",
)
def nightly_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Request one run over all prefixes."""
    prefixes = SSN_PREFIXES.get_partition_keys()
    night = context.scheduled_execution_time.date().isoformat()
    return RunRequest(run_key=night, tags=range_tags(prefixes[0], prefixes[-1]))
