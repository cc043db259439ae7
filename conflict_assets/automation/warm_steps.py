"""What a forkserver has imported before it forks a step.

This module does not import Dagster, since a command starts its forkserver first of all.
"""

FIRST = "conflict_assets.automation.preload_first"
PRELOAD = "conflict_assets.automation.preload"


def preloaded(*modules: str) -> list[str]:
    """Return the modules to import for steps: these, between the first and the last that each forkserver imports.

    `PRELOAD` comes last, since it lets interrupts through.
    """
    return [FIRST, *modules, PRELOAD]
