"""The removal of old entries from Dagster's own history.

Nothing is removed that the page of an asset or of a check still shows. A chain of re-executions is removed as a whole:
a run without its root can't be opened in the UI, nor re-executed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from dagster import (
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RunRecord,
    RunsFilter,
)

from conflict_assets.assets import check_events
from conflict_assets.assets.run_history import ROOT_RUN_TAG
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB
from conflict_assets.dagster_private.stored_rows import (
    delete_backfills,
    delete_check_rows,
    delete_freshness_changes,
    delete_run_file,
    ended_backfills,
    local_logs,
)

ASSETS = [AssetKey(name) for name in ("active_visits", "visit_conflicts", "conflict_summary")]
JOBS = (NIGHTLY_JOB, SUMMARY_JOB, "retention", "__ASSET_JOB")
TICK_LOGS = ("failed_prefixes", "summary_after_*", "alert_by_*", "late_night_by_*", "nightly_conflicts", "retention")
"""The names of our sensors and schedules.

Each tick that logs something leaves a file.
"""

RUNS_AT_ONCE = 1000
"""The number of runs that one purge removes at most.

The first purge of a home that is years old leaves the rest to the next days.
"""

BATCH = 100
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class PurgedHistory:
    """Counts of what a purge has removed.

    `complete` is False when the rest is left to the next purge.
    """

    runs: int
    checks: int
    backfills: int
    tick_logs: int
    complete: bool


def purge_dagster(
    instance: DagsterInstance, *, before: datetime, location: str | None, most: int = RUNS_AT_ONCE
) -> PurgedHistory:
    """Remove the history that was made before an instant.

    Another code location in the same Dagster retains all that is its own. The rows and files of a run are removed
    before the run itself, so that the next purge completes one that was cut off.
    """
    runs = list(islice(_removable_runs(instance, before, location), most))
    evaluations = 0
    for start in range(0, len(runs), BATCH):
        batch = runs[start : start + BATCH]
        evaluations += delete_check_rows(instance, batch)
        for run_id in batch:
            _delete_run(instance, run_id)
    delete_freshness_changes(instance, ASSETS, before)
    return PurgedHistory(
        runs=len(runs),
        checks=evaluations,
        backfills=_purge_backfills(instance, before),
        tick_logs=_purge_tick_logs(instance, before),
        complete=len(runs) < most,
    )


def _delete_run(instance: DagsterInstance, run_id: str) -> None:
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.event_log_storage.delete_events(run_id)
    instance.delete_run(run_id)
    delete_run_file(instance, run_id)


def _removable_runs(instance: DagsterInstance, before: datetime, location: str | None) -> Iterator[str]:
    """Yield the runs that can be removed, oldest first in each job.

    Their chains have ended, are old as a whole, and no page shows anything of them.
    """
    shown = _chains_of(instance, sorted(shown_runs(instance)))
    for job in JOBS:
        for page in _old_runs(instance, job, before):
            busy = shown | _busy_chains(instance, page, before)
            yield from (run.run_id for run in page if _chain(run) not in busy and _is_ours(run, location))


def _old_runs(instance: DagsterInstance, job: str, before: datetime) -> Iterator[list[DagsterRun]]:
    """Yield pages of a job's old runs.

    The last run of a page is the cursor of the next page, so it must still exist then.
    """
    wanted = RunsFilter(job_name=job, statuses=_ENDED, created_before=before)
    cursor = None
    while page := list(instance.get_runs(wanted, cursor=cursor, limit=BATCH, ascending=True)):
        cursor = page[-1].run_id
        yield page


def _is_ours(run: DagsterRun, location: str | None) -> bool:
    return location_of(run) in {None, location}


def location_of(run: DagsterRun) -> str | None:
    """Return the code location that launched a run, if there was one."""
    return run.remote_job_origin.location_name if run.remote_job_origin else None


def _chain(run: DagsterRun) -> str:
    """Return the run with which a chain of re-executions began."""
    return run.tags.get(ROOT_RUN_TAG) or run.run_id


def _chains_of(instance: DagsterInstance, run_ids: Sequence[str]) -> set[str]:
    return {
        _chain(run)
        for start in range(0, len(run_ids), BATCH)
        for run in instance.get_runs(RunsFilter(run_ids=list(run_ids[start : start + BATCH])))
    }


def _busy_chains(instance: DagsterInstance, runs: Sequence[DagsterRun], before: datetime) -> set[str]:
    """Return the chains with a re-execution that is younger or has not ended.

    Only the chains of the given runs are considered.
    """
    repeated = instance.get_run_records(RunsFilter(tags={ROOT_RUN_TAG: sorted({_chain(run) for run in runs})}))
    return {_chain(record.dagster_run) for record in repeated if not _is_over(record, before)}


def _is_over(record: RunRecord, before: datetime) -> bool:
    return record.dagster_run.status in _ENDED and record.create_timestamp < before


def shown_runs(instance: DagsterInstance) -> set[str]:
    """Return the runs whose results the assets' pages show.

    The pages show them for each partition and check.
    """
    shown = {run_id for asset in ASSETS for run_id in (*_materializing(instance, asset), *_failing(instance, asset))}
    for record in instance.get_asset_records(ASSETS):
        newest = record.asset_entry.last_materialization_record
        shown |= {record.asset_entry.last_run_id or "", newest.run_id if newest else ""}
    keys = [spec.key for spec in (*check_events.ACTIVE_VISITS_CHECKS, *check_events.VISIT_CONFLICTS_CHECKS)]
    evaluated = instance.event_log_storage.get_asset_check_partition_info(keys)
    return (shown | {info.latest_planned_run_id for info in evaluated}) - {""}


def _materializing(instance: DagsterInstance, asset: AssetKey) -> Iterator[str]:
    """Yield the runs that made the newest materialization of each partition."""
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(
        asset, DagsterEventType.ASSET_MATERIALIZATION
    )
    storage_ids = sorted(newest.values())
    for start in range(0, len(storage_ids), BATCH):
        chosen = AssetRecordsFilter(asset_key=asset, storage_ids=storage_ids[start : start + BATCH])
        yield from (record.run_id for record in instance.fetch_materializations(chosen, limit=BATCH).records)


def _failing(instance: DagsterInstance, asset: AssetKey) -> Iterator[str]:
    """Yield the runs that were the last to try a partition and failed.

    The partition shows as failed.
    """
    tried = instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(
        asset
    )
    yield from (run_id for run_id, _ in tried.values())


def _purge_backfills(instance: DagsterInstance, before: datetime) -> int:
    """Remove old backfills of our assets that have no runs left.

    Only backfills that have ended are removed.
    """
    gone = [
        backfill.backfill_id
        for backfill in ended_backfills(instance, before)
        if backfill.asset_selection
        and set(backfill.asset_selection) <= set(ASSETS)
        and not instance.get_runs_count(RunsFilter.for_backfill(backfill.backfill_id))
    ]
    delete_backfills(instance, gone)
    return len(gone)


def _purge_tick_logs(instance: DagsterInstance, before: datetime) -> int:
    """Remove the logs of ticks, where they are files.

    Dagster removes only the ticks.
    """
    folder = local_logs(instance)
    files = (file for name in TICK_LOGS for file in folder.glob(f"__repository__/{name}/*")) if folder else ()
    old = [file for file in files if file.stat().st_mtime < before.timestamp()]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)
