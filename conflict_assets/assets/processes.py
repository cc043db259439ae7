"""Which process works on a run, and whether it still lives."""

import os
import socket
from contextlib import suppress

import psutil  # type: ignore[import-untyped]
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

PROCESS_TAG = "conflict_assets/process"
"""Set by the command line on its runs: machine, process id and start of the process."""


def this_process() -> str:
    """This process, so that no later one with its number is taken for it."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_gone(process: str) -> bool:
    """Whether a process of this machine has ended; of one elsewhere nothing is known."""
    try:
        host, number, started = process.split()
        if host != socket.gethostname():
            return False
        found = psutil.Process(int(number))
        return bool(abs(found.create_time() - float(started)) > 1 or found.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except (ValueError, psutil.Error):
        return False


def fail_deserted_runs(instance: DagsterInstance) -> list[str]:
    """Mark runs of the command line as failed whose process was killed: nobody else notices where no daemon runs."""
    failed = []
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING])):
        if is_deserted(run):
            with suppress(Exception):  # another process may be faster
                instance.report_run_failed(run, "The process of this run has ended without a word.")
                failed.append(run.run_id)
    return failed


def is_deserted(run: DagsterRun) -> bool:
    """Whether the run was started by a command line that is gone."""
    process = run.tags.get(PROCESS_TAG)
    return process is not None and is_gone(process)
