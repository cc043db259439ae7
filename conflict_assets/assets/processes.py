"""The process that works on a run, and whether it still lives."""

import os
import socket
from contextlib import suppress

import psutil  # type: ignore[import-untyped]
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from conflict_assets.dagster_private.names import IN_PROGRESS_RUN_STATUSES, WorkerStatus

PROCESS_TAG = "conflict_assets/process"
"""The tag that the command line sets on its runs.

Its value is the run, then the machine, process id and start of the process that works on the run.
"""

_NOT_BEGUN = {DagsterRunStatus.NOT_STARTED, DagsterRunStatus.QUEUED}


def this_process() -> str:
    """Return a name of this process that no later process can have.

    It names the machine, the process id and the start, since a process id may be used again.
    """
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def process_tag(run_id: str) -> dict[str, str]:
    """Return the tag of a run that this process works on."""
    return {PROCESS_TAG: f"{run_id} {this_process()}"}


def process_of(run: DagsterRun) -> str | None:
    """Return the command's process that works on a run, if any.

    A re-execution inherits its parent's tags, but another process works on it.
    """
    run_id, _, process = run.tags.get(PROCESS_TAG, "").partition(" ")
    return process if run_id == run.run_id else None


def is_gone(process: str) -> bool:
    """Return whether a process of this machine has ended.

    Of a process on another machine nothing is known, so it counts as alive.
    """
    try:
        host, _, _ = process.split()
    except ValueError:
        return False
    return host == socket.gethostname() and find_process(process) is None


def find_process(process: str) -> psutil.Process | None:
    """Return the living process of this machine by that name.

    The result is None if it has ended or belongs to another machine.
    """
    try:
        host, number, started = process.split()
        if host == socket.gethostname():
            found = psutil.Process(int(number))
            if abs(found.create_time() - float(started)) <= 1 and found.status() != psutil.STATUS_ZOMBIE:
                return found
    except (ValueError, psutil.Error):
        pass
    return None


def fail_deserted_runs(instance: DagsterInstance) -> list[str]:
    """End the runs whose worker was killed.

    Where no daemon runs, nothing else notices them.
    """
    ended = []
    for run in instance.get_runs(RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        if is_deserted(instance, run):
            with suppress(Exception):  # another process may be faster
                if run.status is DagsterRunStatus.CANCELING:
                    instance.report_run_canceled(run, "The process of this run has ended.")
                else:
                    instance.report_run_failed(run, "The process of this run has ended without a word.")
                ended.append(run.run_id)
    return ended


def is_deserted(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Return whether no process works on a run any more.

    This is so when the command that started it, or its worker, is gone.
    """
    process = process_of(run)
    if process is not None:
        return is_gone(process)
    launcher = instance.run_launcher
    if run.status in _NOT_BEGUN or not launcher.supports_check_run_worker_health:
        return False
    return launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
