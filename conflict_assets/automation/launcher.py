"""A run launcher that run monitoring can ask whether a run's worker still lives.

Dagster's default launcher can't be asked: a run whose worker died together with its code server would stay "started"
until its longest runtime is over.
"""

import json
import socket
from typing import Any

import psutil  # type: ignore[import-untyped]
from dagster import DagsterEventType, DagsterRun, DefaultRunLauncher
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

from conflict_assets.assets.processes import find_process, is_gone, process_of

ASK_SECONDS = 20
_LOCAL = {"localhost", "127.0.0.1", "::1", socket.gethostname()}

RUNNING = CheckRunHealthResult(WorkerStatus.RUNNING)


class WatchedRunLauncher(DefaultRunLauncher):
    """The default launcher, which asks the code server of a run, or looks for its process."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It can be asked."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run is being worked on. Where nothing can be known (another machine is down), it counts as so."""
        command = process_of(run)
        if command is not None:
            return _dead("The command that started the run has ended.") if is_gone(command) else RUNNING
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return RUNNING
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=ASK_SECONDS)
        except DagsterUserCodeUnreachableError:
            return self._look_for_process(run)
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return RUNNING
        return _dead("The code server does not know the run.")

    def terminate(self, run_id: str) -> bool:
        """Ask a run's worker to end; that of a command line is the command itself. Whether somebody was asked."""
        run = self._instance.get_run_by_id(run_id)
        process = find_process(process_of(run) or "") if run is not None else None
        if run is None or process is None:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        process.terminate()
        return True

    def _look_for_process(self, run: DagsterRun) -> CheckRunHealthResult:
        """The code server is gone; on this machine its worker may live on."""
        if not _is_local(json.loads(run.tags[GRPC_INFO_TAG])):
            return RUNNING
        worker = self._worker(run)
        if worker is not None and _lives(*worker):
            return RUNNING
        return _dead("Code server and run worker have ended.")

    def _worker(self, run: DagsterRun) -> tuple[int, float] | None:
        """Number of the run's process, and a time at which it lived."""
        for entry in self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
            event = entry.dagster_event
            pid = event.engine_event_data.metadata.get("pid") if event else None
            if pid is not None:
                return int(str(pid.value)), entry.timestamp
        return None


def _dead(message: str) -> CheckRunHealthResult:
    return CheckRunHealthResult(WorkerStatus.FAILED, message)


def _is_local(address: dict[str, Any]) -> bool:
    return "socket" in address or address.get("host") in _LOCAL


def _lives(worker: int, seen_at: float) -> bool:
    """Whether the process lives; one that began after it was seen is another with its number."""
    try:
        process = psutil.Process(worker)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen_at + 1)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
