"""The server that a night's steps are forked from, started before Dagster needs it.

It takes seconds to import what a step needs. Begun first, it does so while the command itself imports, looks at source
and store, and makes the run; Dagster then finds it running. It ends with this process.
"""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver

PRELOAD = "conflict_assets.automation.preload"


def start_forkserver() -> None:
    """Start it, where there is one (not on Windows); DAGSTER_HOME and all settings must be in the environment."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD])
        with _ignoring(signal.SIGINT), _ignoring(signal.SIGHUP):
            forkserver.ensure_running()


@contextmanager
def _ignoring(sign: signal.Signals) -> Iterator[None]:
    """What is started meanwhile does not heed the terminal's signals: it ends with this process, without a trace."""
    handler = signal.signal(sign, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(sign, handler)
