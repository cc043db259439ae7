"""A run launcher that can check whether a run's worker still lives.

Run monitoring uses it. Dagster's default launcher can't check this: a run whose worker died together with its code
server would stay "started" until its longest runtime is over.
"""

import socket
from collections.abc import Mapping
from typing import Any

import psutil  # type: ignore[import-untyped]
from dagster import DagsterEventType, DagsterRun

from conflict_assets.assets.processes import find_process, is_gone, process_of
from conflict_assets.dagster_private.launching import AskingRunLauncher, code_server_address
from conflict_assets.dagster_private.names import CheckRunHealthResult, DagsterUserCodeUnreachableError, WorkerStatus

_LOCAL = {"localhost", "127.0.0.1", "::1", socket.gethostname()}

RUNNING = CheckRunHealthResult(WorkerStatus.RUNNING)


class WatchedRunLauncher(AskingRunLauncher):
    """The default launcher with a check of the run's worker.

    It asks the code server of the run, or looks up the run's process.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Always true: the launcher can check a worker."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether a worker still works on the run.

        Where nothing can be known (another machine is down), the run counts as being worked on.
        """
        command = process_of(run)
        if command is not None:
            return _dead("The command that started the run has ended.") if is_gone(command) else RUNNING
        try:
            known = self.is_known_to_be_worked_on(run.run_id)
        except DagsterUserCodeUnreachableError:
            return self._look_for_process(run)
        return _dead("The code server does not know the run.") if known is False else RUNNING

    def terminate(self, run_id: str) -> bool:
        """Ask a run's worker to end and return whether one was asked.

        The worker of a run of the command line is the command itself.
        """
        run = self.instance.get_run_by_id(run_id)
        process = find_process(process_of(run) or "") if run is not None else None
        if run is None or process is None:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self.instance.report_run_canceling(run)
        process.terminate()
        return True

    def _look_for_process(self, run: DagsterRun) -> CheckRunHealthResult:
        """Look up the worker of a run whose code server is gone.

        On this machine the worker may live on.
        """
        if not _is_local(code_server_address(run)):
            return RUNNING
        worker = self._worker(run)
        if worker is not None and _lives(*worker):
            return RUNNING
        return _dead("Code server and run worker have ended.")

    def _worker(self, run: DagsterRun) -> tuple[int, float] | None:
        """Return the run's process id and a time at which it lived."""
        for entry in self.instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            pid = event.engine_event_data.metadata.get("pid") if event else None
            if pid is not None:
                return int(str(pid.value)), entry.timestamp
        return None


def _dead(message: str) -> CheckRunHealthResult:
    return CheckRunHealthResult(WorkerStatus.FAILED, message)


def _is_local(address: Mapping[str, Any]) -> bool:
    return "socket" in address or address.get("host") in _LOCAL


def _lives(worker: int, seen_at: float) -> bool:
    """Return whether the process lives.

    A process that began after the worker was seen is another one with its id.
    """
    try:
        process = psutil.Process(worker)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen_at + 1)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
