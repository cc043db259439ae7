"""A session of the store.

It is one connection to PostgreSQL, which is opened anew after transient errors.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, LiteralString, ParamSpec, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import Params
from psycopg.rows import class_row
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random_exponential

from conflict_assets.store.connection import DEFAULT_TIMEOUTS, Timeouts, connect, translated
from conflict_assets.store.errors import TransientStoreError

ATTEMPTS = 6
RETRY_SECONDS = 180

Connection = psycopg.Connection[Any]
P = ParamSpec("P")
T = TypeVar("T")


class StoreSession:
    """A session of the store behind a URL.

    It connects with its first work. After a transient error (a lost connection, a server that restarts, a deadlock)
    the work is tried again on a new connection, with growing pauses. So all work must be such that it may be repeated.

    Raises:
        StoreError: from any method, for an error that is not transient. The error is a `TransientStoreError` when a
            transient error has not ended in time.
    """

    def __init__(self, url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS, attempts: int | None = None) -> None:
        self.url = url
        self._timeouts = timeouts
        self._attempts = attempts
        self._connection: Connection | None = None

    def open(self) -> None:
        """Connect now, and not only with the first work."""
        self.run(lambda _connection: None)

    def run(self, work: Callable[Concatenate[Connection, P], T], *values: P.args, **named: P.kwargs) -> T:
        """Do some work with the connection, and again after a transient error."""
        for attempt in Retrying(
            retry=retry_if_exception_type(TransientStoreError),
            stop=stop_after_attempt(self._attempts or ATTEMPTS) | stop_after_delay(RETRY_SECONDS),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            reraise=True,
        ):
            with attempt, self._connected() as connection:
                return work(connection, *values, **named)
        raise AssertionError("unreachable")

    def transact(self, work: Callable[Concatenate[Connection, P], T], *values: P.args, **named: P.kwargs) -> T:
        """Do some work in one transaction."""
        return self.run(_in_transaction, lambda connection: work(connection, *values, **named))

    def roll_back(self, work: Callable[Concatenate[Connection, P], T], *values: P.args, **named: P.kwargs) -> T:
        """Do some work in one transaction, and undo all that it has written."""
        return self.run(_in_transaction, lambda connection: work(connection, *values, **named), undo=True)

    def rows(self, query: LiteralString | sql.Composed, values: Params | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.run(lambda connection: connection.execute(query, values).fetchall())

    def rows_of(self, kind: type[T], query: LiteralString | sql.Composed, values: Params | None = None) -> list[T]:
        """Return the rows of a query, each as an object whose fields are named like the columns."""
        return self.run(
            lambda connection: connection.cursor(row_factory=class_row(kind)).execute(query, values).fetchall()
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend the connection for work that lasts longer than a call.

        Such work is not tried again half way.
        """
        connection = self.run(lambda connection: connection)
        with translated():
            yield connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Hold the connection for one attempt, and close it after a transient error."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self.url, self._timeouts)
            with translated(connection=self._connection):
                yield self._connection
        except TransientStoreError:
            self.close()
            raise


def _in_transaction(connection: Connection, work: Callable[[Connection], T], *, undo: bool = False) -> T:
    with connection.transaction(force_rollback=undo):
        return work(connection)
