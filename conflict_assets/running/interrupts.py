"""The interruption of a night on a terminal.

Ctrl-C, a closed terminal and a request to end all do the same.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType

GRACE_SECONDS = 30.0
"""The time that the run and its steps have to end in order."""

BROKEN_OFF = 130
_asked = threading.Event()
_ASKED_TO_END = ("SIGTERM", "SIGHUP", "SIGBREAK")


def end_by_interrupt() -> None:
    """Turn every request to end into an interrupt.

    An interrupt ends the run, its steps and their transactions in order. A signal that is ignored, as SIGHUP is under
    `nohup`, stays ignored. What has not ended in time is ended by force: Dagster's executor waits for ever for a step
    that dies in the moment in which it is asked to end.
    """
    for name in _ASKED_TO_END:
        sign = getattr(signal, name, None)
        if sign is not None and signal.getsignal(sign) is signal.SIG_DFL:
            signal.signal(sign, _interrupt)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_end_by_force, args=(reading,), name="end-by-force", daemon=True).start()


def asked_to_end() -> bool:
    """Return whether somebody has interrupted this process.

    The state of its run does not matter.
    """
    return _asked.is_set()


def _interrupt(_sign: int, frame: FrameType | None) -> None:
    """Pass the signal to the present handler of interrupts.

    The handler is Dagster's or Python's own. A shell starts processes in the background with interrupts ignored, but a
    request to end must not be ignored.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def _end_by_force(reading: int) -> None:
    """Wait for the first signal, and then for the night's end.

    If the night goes on for too long, the process is ended by force. Python reports the signal here even if another
    handler handles it.
    """
    os.read(reading, 1)
    _asked.set()
    time.sleep(GRACE_SECONDS)
    sys.stderr.write(
        f"Interrupted. The night has not ended within {GRACE_SECONDS:.0f} seconds, and is ended by force. What was "
        "committed stays; the next run does the rest.\n"
    )
    sys.stderr.flush()
    os._exit(BROKEN_OFF)
