"""A night started outside the UI: one run for each range of prefixes, followed line by line, then the summary."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from dagster import DagsterInstance, DagsterRun, JobDefinition, execute_job, reconstructable

from conflict_assets.assets.processes import PROCESS_TAG, fail_deserted_runs, this_process
from conflict_assets.automation.failures import failed_prefixes
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB, range_tags
from conflict_assets.automation.sensors import SUMMARIZED_TAG
from conflict_assets.definitions import defs
from conflict_assets.partitions import contiguous_ranges
from conflict_assets.report.lines import failure_line
from conflict_assets.running.following import MARK_TAG, Watcher, find_run, following

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@dataclass(frozen=True)
class NightOptions:
    """What one night may do differently from the settings."""

    prefixes: Sequence[str]
    workers: int
    allow_visit_drop: bool = False


@dataclass(frozen=True)
class NightOutcome:
    """How a night ended: the ids of its runs, and the prefixes that were to be materialized and are not."""

    run_ids: tuple[str, ...]
    failed: tuple[str, ...]
    succeeded: bool


def nightly_job() -> JobDefinition:
    """The night's job; step processes find it by this function's name."""
    return defs.resolve_job_def(NIGHTLY_JOB)


def run_night(instance: DagsterInstance, options: NightOptions, watcher: Watcher) -> NightOutcome:
    """Materialize the prefixes through the nightly job, range by range, then the summary."""
    fail_deserted_runs(instance)
    runs = [_run_range(instance, bounds, options, watcher) for bounds in contiguous_ranges(options.prefixes)]
    failed = tuple(sorted(prefix for run in runs for prefix in failed_prefixes(instance, run)))
    if failed:
        watcher.say(logging.ERROR, failure_line(failed))
    return NightOutcome(
        run_ids=tuple(run.run_id for run in runs),
        failed=failed,
        succeeded=_sum_up(instance, watcher) and all(run.is_success for run in runs),
    )


def _sum_up(instance: DagsterInstance, watcher: Watcher) -> bool:
    mark = uuid.uuid4().hex
    with following(instance, mark, watcher):
        result = defs.resolve_job_def(SUMMARY_JOB).execute_in_process(
            instance=instance, run_config={"loggers": QUIET}, tags={MARK_TAG: mark}, raise_on_error=False
        )
    return result.success


def _run_range(
    instance: DagsterInstance, bounds: tuple[str, str], options: NightOptions, watcher: Watcher
) -> DagsterRun:
    mark = uuid.uuid4().hex
    config = {
        "ops": {"active_visits": {"config": {"allow_visit_drop": options.allow_visit_drop}}},
        "execution": {"config": {"max_concurrent": options.workers}},
        "loggers": QUIET,
    }
    tags = {**range_tags(*bounds), SUMMARIZED_TAG: "command line", MARK_TAG: mark, PROCESS_TAG: this_process()}
    with following(instance, mark, watcher):
        execute_job(reconstructable(nightly_job), instance=instance, run_config=config, tags=tags)
    return find_run(instance, mark)
