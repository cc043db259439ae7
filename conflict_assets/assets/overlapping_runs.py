"""The wait of a run for earlier runs over the same prefixes.

This holds wherever the runs were started, and also for a run that overlaps the night. Otherwise a run that reads the
source later and commits earlier would make the night's snapshot stale. A queue can't order overlapping runs: it knows
neither the prefixes of a run nor the runs that the command line has started.
"""

import time

from dagster import AssetExecutionContext, DagsterRun, DagsterRunStatus, OpExecutionContext, RunsFilter

from conflict_assets.assets.partition_definitions import prefixes_of_run, run_prefixes
from conflict_assets.assets.processes import is_deserted

POLL_SECONDS = 3.0
_AT_WORK = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
_ASSET_JOBS = {"nightly_conflicts", "__ASSET_JOB"}


def await_overlapping_runs(context: AssetExecutionContext | OpExecutionContext) -> None:
    """Wait until no run that started earlier works on this run's prefixes."""
    named: set[str] = set()
    while ahead := _runs_ahead(context):
        for run in ahead:
            if run.run_id not in named:
                context.log.info(f"Waiting for run {run.run_id} ({run.job_name}): it works on the same prefixes")
                named.add(run.run_id)
        time.sleep(POLL_SECONDS)


def _runs_ahead(context: AssetExecutionContext | OpExecutionContext) -> list[DagsterRun]:
    records = context.instance.get_run_records(RunsFilter(statuses=_AT_WORK))
    own = next((record for record in records if record.dagster_run.run_id == context.run.run_id), None)
    if own is None or own.start_time is None:
        return []  # executed in a test, or about to be cancelled
    turn = (own.start_time, context.run.run_id)
    wanted = set(run_prefixes(context))
    return [
        record.dagster_run
        for record in records
        if record.start_time is not None
        and (record.start_time, record.dagster_run.run_id) < turn
        and record.dagster_run.job_name in _ASSET_JOBS
        and wanted & prefixes_of_run(record.dagster_run)
        and not is_deserted(context.instance, record.dagster_run)
    ]
