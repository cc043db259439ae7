"""Garbage collection in processes that import much, and in those that are forked from them.

Python looks for unreachable objects after every 700 new ones. Imports make half a million objects that stay, and a
quarter of their time would go into looking at them.
"""

import atexit
import gc

_USUAL = gc.get_threshold()
_RARE = (50_000, 20, 100)


def collect_rarely() -> None:
    """Look for unreachable objects only after many new ones, for as long as modules are imported."""
    gc.set_threshold(*_RARE)


def collect_as_usual() -> None:
    """Look often again, and only at objects that are made from now on.

    What was imported stays, and a forked process that looked at it would copy its memory. When the process ends, all is
    looked at: libraries complain of objects that are left.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL)
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
