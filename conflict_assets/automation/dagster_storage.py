"""Dagster's own storage in PostgreSQL, with connections that stay open.

By default it is in the embedded server. Dagster's PostgreSQL storage logs in anew for every event, and a log-in costs
more than an event. A night of 100 prefixes took 36 s with it, and takes 13 s with connections that stay open.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import psycopg2  # type: ignore[import-untyped]
from dagster import EventLogEntry, Field, StringSource, deserialize_value, serialize_value
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import create_pg_engine, pg_url_from_config, set_pg_statement_timeout
from sqlalchemy import Engine, event, inspect
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry
from tenacity import (
    retry,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from conflict_assets.dagster_private.event_batches import BATCH_SIZE, TogetherStorage
from conflict_assets.dagster_private.names import (
    ConfigurableClassData,
    DaemonHeartbeat,
    InstigatorTick,
    TickData,
    UserConfigSchema,
    pg_config,
)
from conflict_assets.dagster_private.shared_engine import OnSharedEngine, StorageOfParts
from conflict_assets.domain.masking import mask_all, masked
from conflict_assets.output.masked_logs import mask_logs
from conflict_assets.store.address import DAGSTER, has_open_password
from conflict_assets.store.embedded.cluster import DAGSTER_DATABASE
from conflict_assets.store.embedded.embedded_server import embedded_url, make_databases
from conflict_assets.store.embedded.libpq_environment import libpq_variables_hidden
from conflict_assets.store.refusal import unreadable

SERVER_RETURNS_SECONDS = 30
POOL_SIZE = 2
"""The number of connections that stay open.

Dagster sends one query while it reads the answer to another.
"""

MAX_OVERFLOW = 20
"""The number of connections beside those.

A webserver answers several queries at once.
"""

TRUSTED_SECONDS = 0.02
"""The time for which an unused connection counts as alive without a test.

A step sends thousands of queries in a row. A test before each would cost as many round trips again.
"""

EVENTS_AT_ONCE = "1000"
"""The most events that a process collects before it writes them."""

_CAME_BACK = "came_back"

_Stored = TypeVar("_Stored", EventLogEntry, TickData, DaemonHeartbeat)


def _connection_was_lost(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


_again_when_lost = retry(retry=retry_if_exception(_connection_was_lost), stop=stop_after_attempt(3), reraise=True)


def _note_the_time(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_CAME_BACK] = monotonic()


def _replace_the_dead(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Test whether a connection that was unused is still alive.

    The pool replaces it if it is not.
    """
    if monotonic() - record.info.get(_CAME_BACK, monotonic()) <= TRUSTED_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error as dead:
        raise InvalidatePoolError from dead


class _Pooled(OnSharedEngine):
    """A part of the storage, on the engine that the process's parts share."""

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:  # noqa: ARG002 - the pool is there already
        """Limit how long a statement of the webserver may run."""
        event.listen(
            self.engine,
            "connect",
            lambda connection, _record: set_pg_statement_timeout(connection, statement_timeout),
        )


def masked_value(value: _Stored) -> _Stored:
    """Return what Dagster is about to store with every text in it masked.

    Errors quote drivers, which quote rows. A page, an alert and the command line show nothing of a run that does not
    come out of this storage.
    """
    text = serialize_value(value)
    if masked(text) == text:
        return value
    return deserialize_value(json.dumps(mask_all(json.loads(text))), type(value))


class PooledRunStorage(_Pooled, PostgresRunStorage):
    """Dagster's storage of runs, pooled.

    The errors that a daemon reports are masked.
    """

    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        """Store that a daemon lives, and what went wrong in it."""
        super().add_daemon_heartbeat(masked_value(daemon_heartbeat))


class PooledScheduleStorage(_Pooled, PostgresScheduleStorage):
    """Dagster's storage of schedules, pooled.

    The texts of sensors and schedules are masked.
    """

    def create_tick(self, tick_data: TickData) -> InstigatorTick:
        """Store a tick."""
        return super().create_tick(masked_value(tick_data))

    def update_tick(self, tick: InstigatorTick) -> InstigatorTick:
        """Store how a tick ended."""
        return super().update_tick(InstigatorTick(tick.tick_id, masked_value(tick.tick_data)))


class PooledEventLogStorage(_Pooled, TogetherStorage):
    """Dagster's storage of events, pooled.

    Events are masked. An event whose connection was lost half way is written again.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._found: set[str] = set()
        os.environ.setdefault(BATCH_SIZE, EVENTS_AT_ONCE)
        super().__init__(*arguments, **options)

    @_again_when_lost
    def store_event(self, event: EventLogEntry) -> None:
        """Store an event of a run."""
        super().store_event(masked_value(event))

    @_again_when_lost
    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events of a run in one transaction."""
        self.store_together([masked_value(event) for event in events])

    def has_table(self, table_name: str) -> bool:
        """Return whether this table exists.

        A table that was found is not looked up again, as Dagster does for every event.
        """
        if table_name not in self._found:
            if not super().has_table(table_name):
                return False
            self._found.add(table_name)
        return True


class PooledPostgresStorage(StorageOfParts):
    """Dagster's storage behind a URL, with one pool for its three parts.

    The pool holds the connections.
    """

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        mask_logs()
        engine = self._make_engine(postgres_url)
        if "event_logs" not in inspect(engine).get_table_names():
            DagsterPostgresStorage(postgres_url)  # makes the tables
        parts = (
            PooledRunStorage(postgres_url, should_autocreate_tables=False),
            PooledEventLogStorage(postgres_url, should_autocreate_tables=False),
            PooledScheduleStorage(postgres_url, should_autocreate_tables=False),
        )
        for part in parts:
            part.share(engine)
        super().__init__(postgres_url, parts, inst_data)

    def _make_engine(self, postgres_url: str) -> Engine:
        if has_open_password(postgres_url):
            raise unreadable(DAGSTER)
        engine = create_pg_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_SIZE,
            max_overflow=MAX_OVERFLOW,
            pool_use_lifo=True,
        )
        event.listen(engine, "checkin", _note_the_time)
        event.listen(engine, "checkout", _replace_the_dead)
        return engine

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of its configuration in dagster.yaml."""
        return pg_config()

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PooledPostgresStorage":
        """Make it from its configuration in dagster.yaml."""
        return cls(pg_url_from_config(config_value), inst_data)


class EmbeddedPostgresStorage(PooledPostgresStorage):
    """The pooled storage in the embedded server, which is started when down."""

    def __init__(self, folder: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._folder = Path(folder)
        super().__init__(embedded_url(self._folder, database=DAGSTER_DATABASE), inst_data)

    def _make_engine(self, postgres_url: str) -> Engine:
        engine = super()._make_engine(postgres_url)

        @event.listens_for(engine, "do_connect")
        @retry(
            retry=retry_if_exception_type(psycopg2.OperationalError),
            stop=stop_after_delay(SERVER_RETURNS_SECONDS),
            wait=wait_fixed(0.1),
            before_sleep=lambda _attempt: self._bring_back(),
            reraise=True,
        )
        def connect(dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Any:
            with libpq_variables_hidden():
                return dialect.connect(*arguments, **parameters)

        return engine

    def _bring_back(self) -> None:
        """Start the server if it is down, and make its missing databases.

        A server of an earlier release lacks Dagster's database.
        """
        embedded_url(self._folder)
        make_databases(self._folder)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of its configuration in dagster.yaml."""
        return {"folder": Field(StringSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "EmbeddedPostgresStorage":
        """Make it from its configuration in dagster.yaml."""
        return cls(config_value["folder"], inst_data)
