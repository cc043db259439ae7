"""The end of step processes whose command has ended.

A step's process does not outlive the command that started it for long. It finishes its work, and would then wait for
ever until somebody reads the events that it still holds for the command. Its sessions would stay open as long.
"""

import multiprocessing
import os
import threading
import time

GRACE_SECONDS = 30.0
"""The time for which a step may go on without its command.

What it has not committed then is rolled back.
"""


def end_with_the_command() -> None:
    """End every process forked from this one after its command has ended.

    The command is the process that asked for the fork.
    """
    os.register_at_fork(after_in_child=_watch)


def _watch() -> None:
    threading.Thread(target=_end_as_an_orphan, name="end-as-an-orphan", daemon=True).start()


def _end_as_an_orphan() -> None:
    while (command := multiprocessing.parent_process()) is None:
        time.sleep(0.05)  # the fork does not know its parent yet
    command.join()
    time.sleep(GRACE_SECONDS)
    os._exit(1)
