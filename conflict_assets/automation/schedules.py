"""The schedule of the night, every day in the schedule's zone."""

from dagster import DefaultScheduleStatus, RunRequest, ScheduleEvaluationContext, schedule

from conflict_assets.assets.freshness import every_day_at
from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.automation.jobs import nightly_conflicts, range_tags
from conflict_assets.configuration.setting_values import NIGHT_STARTS
from conflict_assets.settings import load_settings


@schedule(
    name="nightly_conflicts",
    job=nightly_conflicts,
    cron_schedule=every_day_at(NIGHT_STARTS),
    execution_timezone=load_settings().schedule_time_zone,
    default_status=DefaultScheduleStatus.RUNNING,
    description="All prefixes in one run, so that the warehouse is read once.",
)
def nightly_schedule(context: ScheduleEvaluationContext) -> RunRequest:
    """Request one run over all prefixes."""
    prefixes = SSN_PREFIXES.get_partition_keys()
    night = context.scheduled_execution_time.date().isoformat()
    return RunRequest(run_key=night, tags=range_tags(prefixes[0], prefixes[-1]))
