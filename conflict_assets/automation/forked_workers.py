"""The workers of launched runs, forked from a server of the code location.

Dagster's code server spawns a process for each run, which imports Dagster and the definitions, and starts a server for
its steps, which imports the same again. A worker that is forked finds all imported, and forks the server of its steps
before it does anything else: it has no thread and no connection yet.
"""

import multiprocessing
import os
import socket
from multiprocessing import connection, forkserver, util
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, NoReturn

from conflict_assets.automation.orphans import end_with_the_command
from conflict_assets.automation.step_signals import handle_signals_of_steps
from conflict_assets.automation.warm_steps import preloaded_for_workers


class RunWorker(ForkServerProcess):
    """The process of a run, which has a server for its steps."""

    def run(self) -> None:
        """Fork the server, then work on the run."""
        fork_step_server()
        super().run()


class ForkedWorkers(ForkServerContext):
    """A context whose processes are forked from a server that has imported all of a code location."""

    Process = RunWorker


def forked_workers(module: str) -> ForkedWorkers | None:
    """Return the context for workers of runs whose jobs this module defines, where there are forkservers.

    Its server starts with the first run, and ends with this process and the last worker.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return None
    context = ForkedWorkers()
    context.set_forkserver_preload(preloaded_for_workers(module))
    return context


def fork_step_server() -> None:
    """Fork the server of this process's steps, and have `multiprocessing` take it for one that it has started.

    It ends with this process. The caller has no other thread, and no connection. The forkserver of `multiprocessing`
    is private, and its fields have had these names since Python 3.7.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
        listener.bind(address)
        if not util.is_abstract_socket_namespace(address):
            Path(address).chmod(0o600)
        listener.listen()
        alive_r, alive_w = os.pipe()
        pid = os.fork()
        if pid == 0:
            _serve(listener.detach(), alive_r, alive_w)
        os.close(alive_r)
    server: Any = vars(forkserver)["_forkserver"]
    vars(server).update(_forkserver_address=address, _forkserver_alive_fd=alive_w, _forkserver_pid=pid)


def _serve(listener: int, alive_r: int, alive_w: int) -> NoReturn:
    """Be the server until nobody holds `alive_w` any more."""
    try:
        os.close(alive_w)
        end_with_the_command()
        handle_signals_of_steps()
        forkserver.main(listener, alive_r, ())
    finally:
        os._exit(0)
