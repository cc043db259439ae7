"""A connection to PostgreSQL with time-outs and safe error messages.

The messages say what to do, and never hold a row or a password.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg import errors

from conflict_assets.store.address import EMBEDDED, STORE, Server, has_open_password, store_server
from conflict_assets.store.embedded.libpq_environment import libpq_variables_hidden
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets.store.refusal import StartingError, UnreachableError, refusal, unreadable
from conflict_assets.store.session_settings import Timeouts, configure

__all__ = ["DEFAULT_TIMEOUTS", "Timeouts", "connect", "connect_once", "translated"]

APPLICATION_NAME = "conflict-assets"
STARTING_SECONDS = 60

_TRANSIENT = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.TooManyConnections,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
)
_PASSING_CLASSES = ("08", "53", "57P")

_REMEDIES = {
    "25006": "Allowed is a store that takes writes: the primary server, without default_transaction_read_only.",
    "42501": "Give the user the right; on the store's tables, its owner does so by: conflict-assets store roles.",
    "42P01": "The store's tables are not there: conflict-assets store migrate.",
    "53300": "Lower MAX_WORKERS, or raise max_connections of the server.",
    "55P03": "Another run holds the prefix; it is tried again.",
    "57014": "A statement took longer than the time-out of the store.",
}

DEFAULT_TIMEOUTS = Timeouts()

# psycopg logs a rollback that failed in the server's words. The store reports what led to it.
logging.getLogger("psycopg").setLevel(logging.ERROR)


def connect(
    url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, autocommit: bool = True, server: Server = STORE
) -> psycopg.Connection[Any]:
    """Open a connection, and start or wait for an embedded server.

    An embedded server that is down is started. A server that is starting is waited for.

    Raises:
        StoreError: the URL, the login, the database, its encoding or the server's version doesn't fit.
        TransientStoreError: nobody listens, or there is no connection left.
    """
    if server is STORE:
        server = store_server(url)
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return _open(url, timeouts, autocommit=autocommit, server=server)
        except StartingError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _open(url: str, timeouts: Timeouts, *, autocommit: bool, server: Server) -> psycopg.Connection[Any]:
    try:
        return connect_once(url, timeouts, autocommit=autocommit, server=server)
    except (UnreachableError, StartingError) as error:
        if server is not EMBEDDED:
            raise
        from conflict_assets.store.embedded.embedded_server import revive  # not on every system, and rarely needed

        revive(url)
        raise StartingError(str(error)) from None


def connect_once(
    url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, autocommit: bool = True, server: Server = STORE
) -> psycopg.Connection[Any]:
    """Open a connection, or say why there is none.

    Nothing is started, and nothing is waited for.

    Raises:
        StoreError, TransientStoreError: as `connect` does.
    """
    if has_open_password(url):
        raise unreadable(server)
    with libpq_variables_hidden() if server is EMBEDDED else nullcontext():
        try:
            connection = psycopg.connect(
                url,
                autocommit=autocommit,
                connect_timeout=timeouts.connect,
                application_name=APPLICATION_NAME,
                client_encoding="UTF8",
                prepare_threshold=None,
            )
        except (psycopg.Error, UnicodeError) as error:
            # Not even the trace may show the driver's error: it quotes parts of a URL that can't be read.
            raise refusal(error, url, server, seconds=timeouts.connect) from None
    try:
        with translated(server):
            configure(connection, timeouts, server)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translated(server: Server = STORE, *, connection: psycopg.Connection[Any] | None = None) -> Iterator[None]:
    """Turn the driver's errors into the store's errors.

    The store's errors hold neither details nor values of rows. A write that is refused because the database is
    read-only is a transient error on a standby, since the standby may be about to become the primary. `connection`
    shows whether the server is a standby. A primary that was made read-only stays read-only until somebody changes it.
    """
    try:
        yield
    except psycopg.Error as error:
        # The driver's error holds values of rows in its details: not even the trace may show it.
        failure, text = _failure(error, server)
        if isinstance(error, errors.ReadOnlySqlTransaction) and _is_standby(connection):
            failure = TransientStoreError
        raise failure(text) from None


def _is_standby(connection: psycopg.Connection[Any] | None) -> bool:
    return connection is not None and connection.info.parameter_status("in_hot_standby") == "on"


def _failure(error: psycopg.Error, server: Server) -> tuple[type[StoreError], str]:
    state = error.sqlstate or ""
    if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return TransientStoreError, f"The connection to {server.name[0].lower()}{server.name[1:]} was lost."
    remedies = _REMEDIES if server.is_written else {}
    remedy = next((text for key, text in remedies.items() if state.startswith(key)), "")
    # Texts of class 22 quote the value that does not fit, and that may be part of a row.
    said = "a value does not fit its column" if state.startswith("22") else error.diag.message_primary or "an error"
    message = f"{server.name} says: {said} ({type(error).__name__}, {state or 'no code'}). {remedy}".strip()
    passing = isinstance(error, _TRANSIENT) or state.startswith(_PASSING_CLASSES)
    return TransientStoreError if passing else StoreError, message
