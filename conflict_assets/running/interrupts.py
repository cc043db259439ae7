"""How a night on a terminal is broken off: Ctrl-C, a closed terminal and a request to end do the same."""

import os
import signal
import sys
import threading
import time
from types import FrameType

GRACE_SECONDS = 30.0
"""How long the run and its steps may take to end in order."""

BROKEN_OFF = 130
_asked = threading.Event()
_ASKED_TO_END = ("SIGTERM", "SIGHUP", "SIGBREAK")


def end_by_interrupt() -> None:
    """Let every request to end be an interrupt, which ends the run, its steps and their transactions in order.

    A signal that is ignored, as SIGHUP is under `nohup`, stays so. What has not ended in time is ended by force:
    Dagster's executor waits for ever for a step that dies in the moment in which it is told to end.
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
    """Whether somebody has broken this process off, whatever its run has made of it."""
    return _asked.is_set()


def _interrupt(_sign: int, frame: FrameType | None) -> None:
    """Whoever handles interrupts at this moment, Dagster or Python itself, handles this one.

    A shell starts what it puts into the background with interrupts ignored; a request to end is none to be ignored.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def _end_by_force(reading: int) -> None:
    """Wait for the first signal, which Python tells of whoever handles it, and then for the night's end."""
    os.read(reading, 1)
    _asked.set()
    time.sleep(GRACE_SECONDS)
    sys.stderr.write(
        f"Interrupted. The night has not ended within {GRACE_SECONDS:.0f} seconds, and is ended by force. What was "
        "committed stays; the next run does the rest.\n"
    )
    sys.stderr.flush()
    os._exit(BROKEN_OFF)
