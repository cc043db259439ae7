"""Retention: the daily removal of what is older than the settings allow.

It runs after the night.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from dagster import (
    DefaultScheduleStatus,
    Failure,
    OpExecutionContext,
    ScheduleDefinition,
    in_process_executor,
    job,
    op,
)

from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_snapshots import runs_in_progress
from conflict_assets.assets.step_failures import STEP_RETRIES, failing_in_words
from conflict_assets.automation.jobs import EVERY_PREFIX
from conflict_assets.settings import Settings, load_settings
from conflict_assets.source.stale_files import purge_stale_files
from conflict_assets.store.retention import Retention

MORNING = "0 5 * * *"


@op(retry_policy=STEP_RETRIES)
def purge_files(context: OpExecutionContext, platform: Platform) -> None:
    """Remove old snapshots and stale files.

    Stale files are those that killed processes have left. Files that can't be removed are reported.
    """
    with failing_in_words(context):
        settings = platform.settings
        found = platform.snapshots().purge(
            settings.snapshots_kept,
            older_than=timedelta(days=settings.snapshot_days),
            in_progress=runs_in_progress(context.instance),
        )
        stale = purge_stale_files(settings)
    stuck = [*found.stuck, *(path.name for path in stale if path.exists())]
    counts = {"snapshots": len(found.removed), "leftovers": len(stale) + len(found.stuck) - len(stuck)}
    context.add_output_metadata({**counts, "not_removed": len(stuck)})
    context.log.info(f"Removed {counts['snapshots']} snapshots, {counts['leftovers']} files that were left behind")
    if stuck:
        raise Failure(
            f"{len(stuck)} of the old files in {settings.data_dir} can't be removed: {', '.join(stuck)}. They "
            "hold visits. Give the platform's user the right to remove them, or remove them by hand.",
            allow_retries=False,
        )


@op(retry_policy=STEP_RETRIES)
def purge_store(context: OpExecutionContext, platform: Platform) -> None:
    """Remove old rows from the store.

    Decisions and open conflicts stay.
    """
    with failing_in_words(context), platform.store() as store:
        store.administration.prepare()
        purged = store.administration.purge(retention_of(platform.settings), now=datetime.now(tz=UTC))
    context.add_output_metadata(
        {
            "closed_conflicts": purged.conflicts,
            "visits": purged.visits,
            "events": purged.events,
            "prefix_runs": purged.prefix_runs,
            "rejected_visits": purged.rejected_visits,
        }
    )
    context.log.info(
        f"Removed {purged.conflicts} closed conflicts, {purged.visits} visits, {purged.events} events, "
        f"{purged.prefix_runs} prefix runs, {purged.rejected_visits} rejected visits"
    )


@op
def purge_dagster(context: OpExecutionContext, platform: Platform) -> None:
    """Remove old runs, events, checks, backfills and logs from Dagster.

    What the page of a partition or a check shows stays.
    """
    # Imported here: it loads Dagster's SQLite storage, for which every run and its steps would wait.
    from conflict_assets.automation import dagster_history

    days = platform.settings.dagster_run_days
    before = datetime.now(tz=UTC) - timedelta(days=days)
    try:
        purged = dagster_history.purge_dagster(
            context.instance, before=before, location=dagster_history.location_of(context.run)
        )
    except OSError as error:
        raise Failure(
            f"A log of Dagster that is older than {days} days can't be removed: {error}. Give the platform's user the "
            "right to remove it, or remove it by hand.",
            allow_retries=False,
        ) from None
    context.add_output_metadata(asdict(purged))
    context.log.info(
        f"Removed {purged.runs} of Dagster's runs with {purged.checks} check results, {purged.backfills} backfills, "
        f"{purged.tick_logs} logs of ticks"
    )
    if not purged.complete:
        context.log.info("There are more old runs; the next run of this job goes on")


def retention_of(settings: Settings) -> Retention:
    """Return how long the store retains each kind of row."""
    return Retention(
        rejected_visits=settings.rejected_visit_days,
        closed_conflicts=settings.closed_conflict_days,
        history=settings.history_days,
        prefix_runs=settings.prefix_run_days,
    )


@job(
    name="retention",
    executor_def=in_process_executor,
    description="Removes snapshots, rejected visits, closed conflicts, events, prefix runs and Dagster's own runs that "
    "are old enough.",
    tags=EVERY_PREFIX,
)
def retention_job() -> None:
    """Run the three purges at once.

    None waits for another, and none is skipped when another fails.
    """
    purge_files()
    purge_store()
    purge_dagster()


retention_schedule = ScheduleDefinition(
    name="retention",
    job=retention_job,
    cron_schedule=MORNING,
    execution_timezone=load_settings().schedule_time_zone,
    default_status=DefaultScheduleStatus.RUNNING,
    description="Once a day, when the night is over.",
)
