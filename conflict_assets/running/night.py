"""A night that is started outside the UI.

It has one run for each range of prefixes, followed line by line, and then the summary. Its runs are runs of the code
location like any other: the UI lists them under their job, re-executes and cancels them, and the sensors see them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from threading import Thread
from typing import Any

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, JobDefinition, reconstructable

from conflict_assets import definitions
from conflict_assets.assets.partition_definitions import prefixes_of_run
from conflict_assets.assets.prefix_events import summarize
from conflict_assets.assets.processes import fail_deserted_runs, process_tag
from conflict_assets.automation.failed_prefixes import failed_prefixes
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB, range_tags
from conflict_assets.automation.sensors import BY_COMMAND_LINE, SUMMARIZED_TAG
from conflict_assets.dagster_private.names import execute_run, make_new_run_id
from conflict_assets.dagster_private.run_parts import job_origin
from conflict_assets.output.log_lines import failure_line, summary_lines
from conflict_assets.partitions import contiguous_ranges
from conflict_assets.running.interrupts import asked_to_end
from conflict_assets.running.run_follower import Watcher, following
from conflict_assets.settings import load_settings
from conflict_assets.store.store_factory import conflict_store

SUMMARY_NEEDS = ("conflict_assets.report.html_report", "conflict_assets.store.report_queries")
"""What the summary alone needs, which it would load when all else is done."""

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
FAILURE_REASON_TAG = "dagster/failure_reason"
INTERRUPTED = "UNEXPECTED_TERMINATION"


class NightInterrupted(Exception):  # noqa: N818 - somebody has asked for it
    """Somebody has interrupted the night.

    The cause was Ctrl-C, a closed terminal or a request to end. The message says what is left to do.
    """


@dataclass(frozen=True)
class NightOptions:
    """What one night may do differently from the settings."""

    prefixes: Sequence[str]
    workers: int
    allow_visit_drop: bool = False
    full: bool = False


@dataclass(frozen=True)
class NightOutcome:
    """The outcome of a night, with the ids of its runs.

    `failed` are the prefixes that were to be materialized and are not.
    """

    run_ids: tuple[str, ...]
    failed: tuple[str, ...]
    succeeded: bool


def nightly_job() -> JobDefinition:
    """Return the night's job.

    Step processes look it up by this function's name.
    """
    return definitions.defs.resolve_job_def(NIGHTLY_JOB)


def summary_job() -> JobDefinition:
    """Return the summary's job, which is also looked up by this name."""
    return definitions.defs.resolve_job_def(SUMMARY_JOB)


def run_night(instance: DagsterInstance, options: NightOptions, watcher: Watcher) -> NightOutcome:
    """Materialize the prefixes through the nightly job, then the summary.

    There is one run for each range of prefixes.

    Raises:
        NightInterrupted: somebody has broken it off.
    """
    fail_deserted_runs(instance)
    for module in SUMMARY_NEEDS:
        # They take a second to load, in which this process waits for steps.
        Thread(target=import_module, args=[module], daemon=True).start()
    runs: list[DagsterRun] = []
    for bounds in contiguous_ranges(options.prefixes):
        run = _run_range(instance, bounds, options, watcher)
        runs.append(run)
        if was_interrupted(run) or asked_to_end():
            raise NightInterrupted(_left_undone(instance, runs, options))
    failed = tuple(sorted(prefix for run in runs for prefix in failed_prefixes(instance, run)))
    _say_how_it_ended(runs, options, failed, watcher)
    return NightOutcome(
        run_ids=tuple(run.run_id for run in runs),
        failed=failed,
        succeeded=_sum_up(instance, watcher) and all(run.is_success for run in runs),
    )


def _say_how_it_ended(
    runs: Sequence[DagsterRun], options: NightOptions, failed: Sequence[str], watcher: Watcher
) -> None:
    """Sum up all ranges once, whether they succeeded or not."""
    with conflict_store(load_settings()) as store:
        night = summarize(store, [run.run_id for run in runs], options.prefixes, failed=failed)
    for line in summary_lines(night):
        watcher.say(logging.INFO, line)


def _sum_up(instance: DagsterInstance, watcher: Watcher) -> bool:
    return _execute(instance, summary_job, {}, {}, watcher).is_success


def _run_range(
    instance: DagsterInstance, bounds: tuple[str, str], options: NightOptions, watcher: Watcher
) -> DagsterRun:
    reading = {"allow_visit_drop": options.allow_visit_drop, "full": options.full}
    config = {
        "ops": {"active_visits": {"config": reading}},
        "execution": {"config": {"max_concurrent": options.workers}},
    }
    tags = {**range_tags(*bounds), SUMMARIZED_TAG: BY_COMMAND_LINE}
    return _execute(instance, nightly_job, config, tags, watcher)


def was_interrupted(run: DagsterRun) -> bool:
    """Return whether somebody has interrupted a run.

    This may happen on its terminal or in the UI.
    """
    return run.status is DagsterRunStatus.CANCELED or run.tags.get(FAILURE_REASON_TAG) == INTERRUPTED


def _left_undone(instance: DagsterInstance, runs: Sequence[DagsterRun], options: NightOptions) -> str:
    begun = {prefix for run in runs for prefix in prefixes_of_run(run)}
    failed = {prefix for run in runs for prefix in failed_prefixes(instance, run)}
    undone = sorted(failed | (set(options.prefixes) - begun))
    return failure_line(undone) if undone else "All prefixes are done."


def _execute(
    instance: DagsterInstance, job: Any, config: Mapping[str, Any], tags: Mapping[str, str], watcher: Watcher
) -> DagsterRun:
    """Create a run of the code location and act as its worker."""
    target = reconstructable(job)
    definition = target.get_definition()
    run_id = make_new_run_id()
    run = instance.create_run_for_job(
        definition,
        run_id=run_id,
        run_config={**config, "loggers": QUIET},
        tags={**tags, **process_tag(run_id)},
        remote_job_origin=job_origin(definition.name, definitions.__name__),
        job_code_origin=target.get_python_origin(),
    )
    with following(instance, run.run_id, watcher):
        execute_run(target, run, instance)
    return instance.get_run_by_id(run.run_id) or run
