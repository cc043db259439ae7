"""The phases of a night of ours, second by second.

They are taken from its event log, its commits and the files that it has left.
"""

from collections.abc import Sequence
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance, RunsFilter

from benchmarks.night.sampling import Usage
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB
from conflict_assets.store.row_types import PrefixRun

Moment = tuple[DagsterEventType, str | None]

RUN_END: Moment = (DagsterEventType.RUN_SUCCESS, None)
PLAN = "visit_conflicts.plan_batches"
DETECT = "visit_conflicts.detect_batch"


def profile(home: Path, usage: Usage, runs: Sequence[PrefixRun], workers: int) -> dict[str, float]:
    """Divide the whole wall time of a night into phases.

    Detecting and writing are the prefixes' own seconds, divided by the workers. Events are what else the steps do, also
    divided. Waiting is the rest of the time from the first step to the last.
    """
    with DagsterInstance.from_config(str(home)) as instance:
        night = moments(instance, NIGHTLY_JOB)
        summary = moments(instance, SUMMARY_JOB)
    begun = night[DagsterEventType.STEP_START, "active_visits"]
    listed = night[DagsterEventType.STEP_SUCCESS, "active_visits"]
    planned = night[DagsterEventType.STEP_SUCCESS, PLAN]
    steps = [(night[DagsterEventType.STEP_START, key], at) for key, at in _detected(night)]
    detected = max((end for _, end in steps), default=planned)
    detect, write = sum(run.detect_seconds for run in runs) / workers, sum(run.write_seconds for run in runs) / workers
    busy = sum(end - start for start, end in steps) / workers
    return {
        "start": begun - usage.begun,
        "survey": usage.seen["surveyed"] - begun,
        "read": usage.seen["read"] - usage.seen["surveyed"],
        "events of the visits": listed - usage.seen["read"],
        "plan": planned - listed,
        "detect": detect,
        "write": write,
        "events of the prefixes": busy - detect - write,
        "waiting for steps": detected - planned - busy,
        "publish": night[RUN_END] - detected,
        "summary": summary[RUN_END] - night[RUN_END],
        "exit": usage.begun + usage.wall - summary[RUN_END],
    }


def moments(instance: DagsterInstance, job: str) -> dict[Moment, float]:
    """Return when the steps of a job's newest run started and succeeded.

    The moment at which the run itself succeeded is among them.
    """
    run = instance.get_runs(RunsFilter(job_name=job), limit=1)[0]
    moments: dict[Moment, float] = {}
    cursor, has_more = None, True
    while has_more:
        page = instance.get_records_for_run(run.run_id, cursor=cursor)
        for record in page.records:
            event = record.event_log_entry.dagster_event
            if event is not None:
                moments[event.event_type, event.step_key] = record.event_log_entry.timestamp
        cursor, has_more = page.cursor, page.has_more
    return moments


def _detected(moments: dict[Moment, float]) -> list[tuple[str, float]]:
    return [
        (key, at)
        for (kind, key), at in moments.items()
        if kind is DagsterEventType.STEP_SUCCESS and key is not None and key.startswith(DETECT)
    ]
