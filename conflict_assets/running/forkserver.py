"""The server that a night's steps are forked from, started before Dagster needs it.

It takes seconds to import what a step needs. Begun first, it does so while the command itself imports, looks at source
and store, and makes the run; Dagster then finds it running. It ends with this process.
"""

import multiprocessing
from multiprocessing import forkserver

PRELOAD = "conflict_assets.automation.preload"


def start_forkserver() -> None:
    """Start it, where there is one (not on Windows); DAGSTER_HOME and all settings must be in the environment."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD])
        forkserver.ensure_running()
