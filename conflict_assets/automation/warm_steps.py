"""What a forkserver has imported before it forks a step.

This module does not import Dagster, since a command starts its forkserver first of all.
"""

FIRST = "conflict_assets.automation.preload_first"
PRELOAD = "conflict_assets.automation.preload"
PRELOAD_WORKERS = "conflict_assets.automation.preload_workers"


def preloaded(*modules: str) -> list[str]:
    """Return the modules to import for steps: these, between the first and the last that each forkserver imports.

    `PRELOAD` comes last, since it lets interrupts through.
    """
    return [FIRST, *modules, PRELOAD]


def preloaded_for_workers(module: str) -> list[str]:
    """Return the modules to import for the workers of runs whose jobs this module defines."""
    return [FIRST, module, PRELOAD_WORKERS]
