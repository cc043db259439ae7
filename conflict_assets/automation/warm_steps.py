"""What a forkserver has imported before it forks a step.

This module does not import Dagster, since a command starts its forkserver first of all.
"""

PRELOAD = "conflict_assets.automation.preload"


def preloaded(module: str) -> list[str]:
    """Return the modules to import for steps of a job that this module defines.

    It comes first, since `PRELOAD` lets interrupts through.
    """
    return [module, PRELOAD]
