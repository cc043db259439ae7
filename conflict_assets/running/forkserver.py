"""The server from which a night's steps are forked.

It is started before Dagster needs it, because it takes seconds to import what a step needs. It does so while the
command itself imports, checks source and store, and makes the run. Dagster then finds it running. It ends with this
process.
"""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver

from conflict_assets.automation.warm_steps import preloaded

NIGHT = "conflict_assets.running.night"
"""The module of the command line's jobs. The server imports it, while this process need not have done so yet."""


def start_forkserver() -> None:
    """Start the forkserver, where there is one (not on Windows).

    DAGSTER_HOME and all settings must be in the environment.
    """
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.get_context("forkserver").set_forkserver_preload(preloaded(NIGHT))
        with _ignoring(signal.SIGINT), _ignoring(signal.SIGHUP):
            forkserver.ensure_running()


@contextmanager
def _ignoring(sign: signal.Signals) -> Iterator[None]:
    """Ignore a signal of the terminal in processes that the block starts.

    They end with this process, without a trace.
    """
    handler = signal.signal(sign, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(sign, handler)
