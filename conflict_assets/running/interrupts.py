"""How a night on a terminal is broken off: Ctrl-C, a closed terminal and a request to end do the same."""

import os
import signal
from types import FrameType

_ASKED_TO_END = ("SIGTERM", "SIGHUP", "SIGBREAK")


def end_by_interrupt() -> None:
    """Let every request to end be an interrupt, which ends the run, its steps and their transactions in order.

    A signal that is ignored, as SIGHUP is under `nohup`, stays so.
    """
    for name in _ASKED_TO_END:
        sign = getattr(signal, name, None)
        if sign is not None and signal.getsignal(sign) is signal.SIG_DFL:
            signal.signal(sign, _interrupt)


def _interrupt(_sign: int, _frame: FrameType | None) -> None:
    """Whoever handles interrupts at this moment, Dagster or Python itself, handles this one."""
    os.kill(os.getpid(), signal.SIGINT)
