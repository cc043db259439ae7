"""What libpq, PostgreSQL's client library, reads from the environment.

These variables are not meant for the embedded server, which is our own.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_PREFIX = "PG"

_lock = threading.Lock()
_hidden: dict[str, str] = {}
_inside = 0


def without_libpq_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables that PostgreSQL's programs read.

    These are PGSERVICE, PGHOSTADDR, PGDATA and the others that libpq and the programs read.
    """
    return {name: value for name, value in environment.items() if not name.startswith(_PREFIX)}


@contextmanager
def libpq_variables_hidden() -> Iterator[None]:
    """Hide libpq's variables while an embedded server is connected to.

    The variables are meant for other servers, and most of them hold for whatever a URL does not name. A URL can't even
    overrule PGSERVICE. Several threads may be inside at once: the first one hides the variables, and the last one puts
    them back.
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


# A process that is forked while another thread is inside has no thread that would put the variables back.
def _leave_after_fork() -> None:
    global _inside, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _inside = 0
    os.environ.update(_hidden)
    _hidden.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_after_fork)
