"""Garbage collection in processes that import much, and in those that are forked from them.

Python looks for unreachable objects after every 700 new ones. Imports make half a million objects that stay, so a
quarter of their time went into looking at them. A forked process would look at them again, and copy their memory.
"""

import atexit
import gc

NEW_OBJECTS = 50_000


def collect_rarely() -> None:
    """Look for unreachable objects only after many new ones."""
    gc.set_threshold(NEW_OBJECTS, 20, 100)


def leave_out_what_is_there() -> None:
    """Look only at objects that are made from now on, until the process ends.

    At its end all are looked at: libraries complain of objects that are left.
    """
    gc.freeze()
    atexit.register(gc.unfreeze)
