"""The executor: one process a step, `MAX_WORKERS` at once, started warm."""

import multiprocessing
from typing import Any

from dagster import ExecutorDefinition, Field, Int, multiprocess_executor

from conflict_assets.automation.warm_steps import preloaded
from conflict_assets.dagster_private.names import EXECUTOR_MODULE
from conflict_assets.settings import load_settings


def start_method(module: str) -> dict[str, Any]:
    """Return the way in which step processes of a job in this module start.

    It is a forkserver that has imported everything before the first step, or spawn where there is none (Windows).
    """
    if "forkserver" in multiprocessing.get_all_start_methods():
        return {"forkserver": {"preload_modules": preloaded(EXECUTOR_MODULE, module)}}
    return {"spawn": {}}


def conflict_executor(module: str) -> ExecutorDefinition:
    """Return the executor of the jobs that a module defines.

    It takes `max_concurrent` for one run from the launchpad, else from MAX_WORKERS.
    """

    def configured(config: dict[str, Any]) -> dict[str, Any]:
        return {"max_concurrent": config["max_concurrent"], "start_method": start_method(module)}

    steps = Field(
        Int,
        default_value=load_settings().max_workers,
        description="Steps that run at once, each in its own process with one connection to the store.",
    )
    return multiprocess_executor.configured(configured, "conflict_executor", {"max_concurrent": steps})
