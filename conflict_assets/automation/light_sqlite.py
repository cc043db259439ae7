"""Dagster's SQLite storage at a lighter pace.

Dagster opens a connection for every event and closes it again. Each commit then waits for the disk, and each close of a
file's last connection writes its whole log back. Here a commit waits for the disk only when that log is written back
(SQLite's advice for its write-ahead mode: nothing can break, the last events may be lost when the machine loses power),
and a connection stays open, so that no close is the last. What a night has found is in PostgreSQL all the same.

Dagster also makes an engine for every connection, and so compiles every statement anew: half the cost of an event. The
storage here, which dagster.yaml names, keeps an engine for each file.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, NullPool, create_engine, event

MOST_HELD = 4
"""Files whose connections stay open: the index and the run at work; a daemon sees many runs."""

_held: OrderedDict[str, sqlite3.Connection] = OrderedDict()


@event.listens_for(Engine, "connect")
def lighten(connection: Any, _record: Any) -> None:
    """Set a new SQLite connection up, and hold its file open; other databases are left alone."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    if file:
        _hold(file)


def _hold(file: str) -> None:
    if file not in _held:
        _held[file] = sqlite3.connect(file, check_same_thread=False)
    _held.move_to_end(file)
    _held[file].execute("PRAGMA user_version").fetchone()  # a connection counts from its first look at the file
    while len(_held) > MOST_HELD:
        _held.popitem(last=False)[1].close()


class LightEventLog(SqliteEventLogStorage):
    """The event log, with an engine kept for each file: statements are compiled once."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine_of = lru_cache(maxsize=16)(self._make_engine)
        super().__init__(base_dir, inst_data)

    def _make_engine(self, shard: str) -> Engine:
        return create_engine(
            self.conn_string_for_shard(shard),
            poolclass=NullPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine_of(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection


class LightSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, with that event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = LightEventLog(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "LightSqliteStorage":
        """Make it as dagster.yaml says."""
        return cls.from_local(inst_data=inst_data, **config_value)
