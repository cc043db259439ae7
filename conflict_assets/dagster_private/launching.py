"""The launcher of runs, and the code servers in which it has started them."""

import json
import sys
from collections.abc import Mapping
from multiprocessing.context import BaseContext
from typing import Any

from dagster import DagsterInstance, DagsterRun, DefaultRunLauncher, deserialize_value

from conflict_assets.dagster_private.names import (
    CODE_SERVER_MODULE,
    GRPC_INFO_TAG,
    CanCancelExecutionRequest,
    CanCancelExecutionResult,
)

ASK_SECONDS = 20


def start_workers_in(context: BaseContext | None) -> None:
    """Have this process start the workers of runs in a context of `multiprocessing`, if it is a code server.

    Dagster spawns them, by `_mp_ctx` of each code server since 1.5. Without a context they are spawned.
    """
    module = sys.modules.get(CODE_SERVER_MODULE)
    if module is not None and context is not None:
        workers = property(lambda _server: context, lambda _server, _spawn: None)
        setattr(module.DagsterApiServer, "_mp_ctx", workers)  # noqa: B010 - it is private


class AskingRunLauncher(DefaultRunLauncher):
    """The default launcher, which also tells what a code server knows of a run."""

    @property
    def instance(self) -> DagsterInstance:
        """The instance whose runs it launches: `_instance` of all parts since 1.5."""
        return self._instance

    def is_known_to_be_worked_on(self, run_id: str) -> bool | None:
        """Return whether the code server of a run works on it, or None when the run has none.

        The launcher's own way to the code server is `_get_grpc_client_for_termination`, since 1.5.

        Raises:
            DagsterUserCodeUnreachableError: the code server does not answer.
        """
        client = self._get_grpc_client_for_termination(run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return None
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=ASK_SECONDS)
        return bool(deserialize_value(answer, CanCancelExecutionResult).can_cancel)


def code_server_address(run: DagsterRun) -> Mapping[str, Any]:
    """Return where the code server of a run listens: its socket, or its host and port."""
    address: dict[str, Any] = json.loads(run.tags[GRPC_INFO_TAG])
    return address
