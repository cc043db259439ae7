"""The signals that steps handle and ignore."""

import signal


def handle_signals_of_steps() -> None:
    """Handle interrupts and ignore a closed terminal, in this process and those that are forked from it.

    A server of steps is started with interrupts ignored, but its steps must handle them. A command or a run's worker
    that gets the signal of a closed terminal, too, ends its steps in order.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
