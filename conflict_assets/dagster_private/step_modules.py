"""The modules of Dagster that a step process imports by itself, and late."""

import os

# Which classes dagster.yaml names. Since 1.5.
from dagster._core.instance.ref import InstanceRef

STEP_MODULES = (
    "dagster._core.executor.child_process_executor",
    "dagster._core.executor.multiprocess",
    "dagster._core.secrets.env_file",
    "dagster._core.storage.legacy_storage",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.workspace.autodiscovery",
)
"""All of them since 1.5. One that has moved is imported by the step, as it would be without this list."""


def instance_modules() -> list[str]:
    """Return the modules that DAGSTER_HOME's instance is made of."""
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        return []
    reference = InstanceRef.from_dir(home)
    parts = ("storage", "local_artifact_storage", "compute_logs", "run_launcher", "run_coordinator", "scheduler")
    data = (getattr(reference, f"{part}_data", None) for part in parts)
    return [each.module_name for each in data if each is not None]
