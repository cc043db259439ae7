"""A connection to PostgreSQL with time-outs, whose errors say what to do and never hold a row or a password."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conflict_assets.store.errors import PassingStoreError, StoreError

APPLICATION_NAME = "conflict-assets"
OLDEST_VERSION = 140000
STARTING_SECONDS = 60

_PASSING = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.TooManyConnections,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,
)
_PASSING_CLASSES = ("08", "53", "57P")

_REMEDIES = {
    "28": "Check user and password of CONFLICTS_POSTGRES_URL.",
    "3D": "Create the database, or correct its name in CONFLICTS_POSTGRES_URL.",
    "42501": "Give the user the right; on the store's tables, its owner does so by: conflict-assets store roles.",
    "42P01": "The store's tables are not there: conflict-assets store migrate.",
    "53300": "Lower MAX_WORKERS, or raise max_connections of the server.",
    "55P03": "Another run holds the prefix; it is tried again.",
    "57014": "A statement took longer than the time-out of the store.",
}


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait: for a connection, for a statement, for another run of the same prefix."""

    connect: int = 10
    statement: int = 600
    lock: int = 120


def describe_url(url: str) -> str:
    """Where a URL leads, without its password: `conflicts@db.example:5432/conflicts`."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "a URL that can't be read"
    # An @ in a password that is not written as %40 makes libpq take the rest of the password for the host.
    host, database = (str(parts.get(name) or "").rpartition("@")[2] for name in ("host", "dbname"))
    return f"{parts.get('user') or 'user'}@{host or 'localhost'}:{parts.get('port') or 5432}/{database or 'postgres'}"


def without_password(url: str) -> str:
    """The same place without a password in it, for libpq to ask for one."""
    parts = conninfo_to_dict(url)
    if parts.pop("password", None) is None:
        return url
    return make_conninfo("", **parts)


DEFAULT_TIMEOUTS = Timeouts()


def connect(
    url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, autocommit: bool = True, oldest: int = OLDEST_VERSION
) -> psycopg.Connection[Any]:
    """Open a connection; an embedded server that is down is started, one that is starting is waited for.

    Raises:
        StoreError: the URL, the password, the database or the server's version doesn't fit.
        PassingStoreError: nobody listens, or there is no connection left.
    """
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return _configured(_open(url, timeouts, autocommit=autocommit), timeouts, oldest)
        except _StartingError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class _StartingError(PassingStoreError):
    """The server is there, or can be started, and does not take connections yet."""


class _UnreachableError(PassingStoreError):
    """Nobody listens, or whoever did is gone."""


_CONNECT_FAILURES: tuple[tuple[type[StoreError], tuple[str, ...], str], ...] = (
    (_StartingError, ("starting up", "shutting down", "recovery mode", "not yet accepting"), "is not ready yet."),
    (
        PassingStoreError,
        ("too many clients", "too many connections", "remaining connection slots"),
        f"has no connection left. {_REMEDIES['53300']}",
    ),
    (
        StoreError,
        ("password", "authentication", "pg_hba.conf", "role "),
        f"refuses the login. {_REMEDIES['28']}",
    ),
    (StoreError, ("database ",), f"has no such database. {_REMEDIES['3D']}"),
    (StoreError, ("translate host name", "resolve"), "is unknown by name. Correct CONFLICTS_POSTGRES_URL."),
)


def _open(url: str, timeouts: Timeouts, *, autocommit: bool) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            connect_timeout=timeouts.connect,
            application_name=APPLICATION_NAME,
            client_encoding="UTF8",
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        failure = _connect_failure(error, url)
    if isinstance(failure, _UnreachableError) and "passfile" in url:
        from conflict_assets.store.embedded import revive  # not on every system, and rarely needed

        if revive(url):
            failure = _StartingError(str(failure))
    raise failure


def _connect_failure(error: psycopg.Error, url: str) -> StoreError:
    """Translate libpq's text, which carries no SQLSTATE when a connection could not be made."""
    if isinstance(error, psycopg.ProgrammingError):
        return StoreError(
            "CONFLICTS_POSTGRES_URL can't be read; allowed: postgresql://user:password@host:5432/database. "
            "Characters such as @, / and # in the password are written as %40, %2F and %23."
        )
    text, where = str(error), describe_url(url)
    for kind, signs, message in _CONNECT_FAILURES:
        if any(sign in text for sign in signs):
            return kind(f"PostgreSQL at {where} {message}")
    return _UnreachableError(
        f"PostgreSQL at {where} can't be reached. Check that it runs, and host and port of CONFLICTS_POSTGRES_URL."
    )


def _configured(connection: psycopg.Connection[Any], timeouts: Timeouts, oldest: int) -> psycopg.Connection[Any]:
    if connection.info.server_version < oldest:
        found = connection.info.parameter_status("server_version")
        connection.close()
        raise StoreError(f"The store is PostgreSQL {found}; allowed: 14 or newer.")
    with translated():
        connection.execute(
            """SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),
                      set_config('idle_in_transaction_session_timeout', %s, false),
                      set_config('timezone', 'UTC', false),
                      set_config('client_min_messages', 'error', false)""",
            [f"{seconds}s" for seconds in (timeouts.statement, timeouts.lock, timeouts.statement)],
        )
        if connection.autocommit:
            _keep_temporary_rows_in_memory(connection)
        else:
            connection.commit()
    return connection


def _keep_temporary_rows_in_memory(connection: psycopg.Connection[Any]) -> None:
    """Give the rows of a prefix room beside what is stored; a session that a pooler hands on may refuse."""
    with suppress(errors.InvalidParameterValue):
        connection.execute("SET temp_buffers = '64MB'")


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into the store's; neither details nor values of rows come along."""
    try:
        yield
    except psycopg.Error as error:
        # The driver's error holds values of rows in its details: not even the trace may show it.
        raise _failure(error) from None


def _failure(error: psycopg.Error) -> StoreError:
    state = error.sqlstate or ""
    if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return PassingStoreError("The connection to the store was lost.")
    remedy = next((text for key, text in _REMEDIES.items() if state.startswith(key)), "")
    # Texts of class 22 quote the value that does not fit, and that may be part of a row.
    told = "a value does not fit its column" if state.startswith("22") else error.diag.message_primary or "an error"
    message = f"The store says: {told} ({type(error).__name__}, {state or 'no code'}). {remedy}".strip()
    passing = isinstance(error, _PASSING) or state.startswith(_PASSING_CLASSES)
    return PassingStoreError(message) if passing else StoreError(message)
