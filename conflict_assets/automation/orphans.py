"""A step's process does not outlive the command that started it for long.

It finishes what it is at, and would then wait for ever: for somebody to read the events that it still holds for the
command. Its sessions would stay open as long.
"""

import multiprocessing
import os
import threading
import time

GRACE_SECONDS = 30.0
"""How long a step may go on without its command; what it has not committed then is rolled back."""


def end_with_the_command() -> None:
    """Let every process that is forked from this one end when the process that asked for it has gone."""
    os.register_at_fork(after_in_child=_watch)


def _watch() -> None:
    threading.Thread(target=_end_as_an_orphan, name="end-as-an-orphan", daemon=True).start()


def _end_as_an_orphan() -> None:
    while (command := multiprocessing.parent_process()) is None:
        time.sleep(0.05)  # the fork has not been told yet
    command.join()
    time.sleep(GRACE_SECONDS)
    os._exit(1)
