"""What libpq, PostgreSQL's client library, takes from the environment: not for the embedded server, which is ours."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_PREFIX = "PG"

_lock = threading.Lock()
_hidden: dict[str, str] = {}
_inside = 0


def without_libpq_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what libpq and PostgreSQL's programs read: PGSERVICE, PGHOSTADDR, PGDATA and the like."""
    return {name: value for name, value in environment.items() if not name.startswith(_PREFIX)}


@contextmanager
def libpq_variables_hidden() -> Iterator[None]:
    """Take libpq's variables out of this process's environment while an embedded server is connected to.

    They are meant for other servers, and most hold for whatever a URL does not name; PGSERVICE can't even be
    overruled by one. Threads may be inside at once: the first one hides the variables, the last one puts them back.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside  # noqa: PLW0603 - the environment is the process's, and so is who is inside
    with _lock:
        _inside += 1
        for name in [name for name in os.environ if name.startswith(_PREFIX)]:
            _hidden[name] = os.environ.pop(name)


def _leave() -> None:
    global _inside  # noqa: PLW0603
    with _lock:
        _inside -= 1
        if not _inside:
            os.environ.update(_hidden)
            _hidden.clear()


# A process that is forked while another thread is inside has nobody who would leave.
def _leave_after_fork() -> None:
    global _inside, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _inside = 0
    os.environ.update(_hidden)
    _hidden.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_after_fork)
