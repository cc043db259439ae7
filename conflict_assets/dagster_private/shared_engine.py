"""Dagster's storage in PostgreSQL, whose parts share an engine.

Each part makes an engine of its own, and the storage makes its parts: neither takes one that is given. The attributes
are those of dagster-postgres since Dagster 1.5.
"""

from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from sqlalchemy import Engine

from conflict_assets.dagster_private.names import ConfigurableClassData


class OnSharedEngine:
    """A part of the storage, on an engine that it is given."""

    _engine: Engine

    @property
    def engine(self) -> Engine:
        """The engine that is used."""
        return self._engine

    def share(self, engine: Engine) -> None:
        """Use this engine instead of one that closes each connection."""
        self._engine = engine


class StorageOfParts(DagsterPostgresStorage):
    """The storage, of parts that it is given."""

    def __init__(
        self,
        postgres_url: str,
        parts: tuple[PostgresRunStorage, PostgresEventLogStorage, PostgresScheduleStorage],
        inst_data: ConfigurableClassData | None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        self._run_storage, self._event_log_storage, self._schedule_storage = parts
