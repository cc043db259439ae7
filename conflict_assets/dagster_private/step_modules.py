"""The modules of Dagster that a step process needs."""

import os

from conflict_assets.dagster_private.names import STEP_MODULES, InstanceRef


def step_modules() -> list[str]:
    """Return what a step imports by itself, and what DAGSTER_HOME's instance is made of."""
    return [*STEP_MODULES, *_instance_modules()]


def _instance_modules() -> list[str]:
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        return []
    reference = InstanceRef.from_dir(home)
    parts = ("storage", "local_artifact_storage", "compute_logs", "run_launcher", "run_coordinator", "scheduler")
    data = (getattr(reference, f"{part}_data", None) for part in parts)
    return [each.module_name for each in data if each is not None]
