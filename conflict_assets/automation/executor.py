"""The executor: one process a step, `MAX_WORKERS` at once, started warm."""

import multiprocessing
from typing import Any

from dagster import Field, Int, configured, multiprocess_executor

from conflict_assets.settings import load_settings


def start_method() -> dict[str, Any]:
    """Return the way in which step processes start.

    It is a forkserver that has imported everything before the first step, or spawn where there is none (Windows).
    """
    if "forkserver" in multiprocessing.get_all_start_methods():
        return {"forkserver": {"preload_modules": ["conflict_assets.automation.preload"]}}
    return {"spawn": {}}


@configured(
    multiprocess_executor,
    config_schema={
        "max_concurrent": Field(
            Int,
            default_value=load_settings().max_workers,
            description="Steps that run at once, each in its own process with one connection to the store.",
        )
    },
)
def conflict_executor(config: dict[str, Any]) -> dict[str, Any]:
    """Take `max_concurrent` for one run from the launchpad, else from MAX_WORKERS."""
    return {"max_concurrent": config["max_concurrent"], "start_method": start_method()}
