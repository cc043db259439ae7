"""Finds the SQLSTATE of a connection that a server refuses.

psycopg returns only a text, in the server's language. libpq does not return the code either. It writes the code instead
of the text when its verbosity is set before the server answers. psycopg has no function for that, but gives the pointer
to the connection for such cases. `PQsetErrorVerbosity` is in the library that psycopg itself is linked to. So a
connection that failed is tried once more, by hand. The other ways were a second driver in pure Python, which is a
dependency for errors alone, and libpq's trace, which holds passwords.
"""

import ctypes
import re
import selectors
import sys
import time
from collections.abc import Callable
from functools import lru_cache

from psycopg import pq

PQERRORS_SQLSTATE = 3
"""The verbosity of libpq that writes the SQLSTATE and nothing else (since PostgreSQL 12)."""

CONNECTED = "00000"
"""PostgreSQL's code of success, for a server that does not refuse this time."""

_CODE = re.compile(r":  ([0-9A-Z]{5})$", re.MULTILINE)


def sqlstate_of_refusal(conninfo: str, seconds: float) -> str | None:
    """Connect once more and return the code of the refusal.

    Return `CONNECTED` if the connection works now, and None if no server says why it does not.
    """
    set_verbosity = _verbosity_setter()
    if set_verbosity is None:
        return None
    connection = pq.PGconn.connect_start(conninfo.encode())
    try:
        pointer: int | None = getattr(connection, "pgconn_ptr", None)  # not in psycopg's protocol, but in its manual
        if pointer is None:
            return None
        set_verbosity(pointer, PQERRORS_SQLSTATE)
        if _finish(connection, time.monotonic() + seconds):
            return CONNECTED
        codes: list[str] = _CODE.findall(connection.error_message.decode(errors="replace"))
        return codes[-1] if codes else None  # of several hosts, the last one's
    finally:
        connection.finish()


@lru_cache(maxsize=1)
def _verbosity_setter() -> Callable[[int, int], int] | None:
    """Return `PQsetErrorVerbosity` of the library that made the connection.

    Return None where the library can't be found. A symbol that is looked up in psycopg's own module is found in the
    libraries that the module is linked to (not on Windows). Another libpq of this process, for example psycopg2's,
    would read the connection's memory wrongly.
    """
    try:
        library = ctypes.CDLL(str(sys.modules[pq.PGconn.__module__].__file__))
        found = library.PQsetErrorVerbosity
    except (OSError, AttributeError):
        return None
    found.argtypes, found.restype = (ctypes.c_void_p, ctypes.c_int), ctypes.c_int
    return found


def _finish(connection: pq.abc.PGconn, deadline: float) -> bool:
    """Let libpq connect, and wait for the socket when libpq asks for it.

    Return whether libpq has connected.
    """
    events: dict[int, int] = {
        pq.PollingStatus.READING: selectors.EVENT_READ,
        pq.PollingStatus.WRITING: selectors.EVENT_WRITE,
    }
    status: int = pq.PollingStatus.FAILED if connection.status == pq.ConnStatus.BAD else pq.PollingStatus.WRITING
    while status in events:
        with selectors.DefaultSelector() as selector:
            selector.register(connection.socket, events[status])
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return False
        status = connection.connect_poll()
    return status == pq.PollingStatus.OK
