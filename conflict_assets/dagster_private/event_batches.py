"""Events that are written together.

Dagster collects events that say which batch they belong to, and hands them to the storage when the batch ends.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    EventLogEntry,
    OpExecutionContext,
)
from dagster_postgres import PostgresEventLogStorage
from sqlalchemy import Connection

from conflict_assets.dagster_private.names import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    DagsterEventBatchMetadata,
    SqlEventLogStorageTable,
    StepExecutionContext,
    generate_event_batch_id,
)

AssetEvent = AssetMaterialization | AssetCheckEvaluation
_Stored = Sequence[tuple[EventLogEntry, int]]

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
"""The variable that says how many events Dagster collects before it writes them: none, unless it is set."""


def log_together(context: OpExecutionContext, events: Sequence[AssetEvent]) -> None:
    """Log events from within an op, which the storage writes in one transaction.

    `log_event` writes them one by one, each in several transactions.
    """
    step = context.get_step_execution_context()
    for event, place in zip(events, places(len(events)), strict=True):
        if isinstance(event, AssetMaterialization):
            DagsterEvent.asset_materialization(step, event, place)
        else:
            _log_evaluation(step, event, place)


def _log_evaluation(
    step: StepExecutionContext, evaluation: AssetCheckEvaluation, place: DagsterEventBatchMetadata
) -> None:
    ending = "passed." if evaluation.passed else f"did not pass. {evaluation.description or ''}".rstrip()
    DagsterEvent.from_step(
        DagsterEventType.ASSET_CHECK_EVALUATION,
        step,
        evaluation,
        f"Asset check '{evaluation.check_name}' on '{evaluation.asset_key.to_user_string()}' {ending}",
        place,
    )


def places(count: int) -> list[DagsterEventBatchMetadata]:
    """Return each event's place in a batch, of which the last event ends it."""
    batch = generate_event_batch_id()  # type: ignore[no-untyped-call]
    return [DagsterEventBatchMetadata(batch, number == count) for number in range(1, count + 1)]


class TogetherStorage(PostgresEventLogStorage):
    """Dagster's storage of events, which can write several in one transaction.

    Dagster's own takes a transaction or more for each event, and writes only some kinds in fewer.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._own = local()
        super().__init__(*arguments, **options)

    def store_together(self, events: Sequence[EventLogEntry]) -> None:
        """Store events and all that Dagster keeps beside them, or nothing of them."""
        with self._transaction() as connection:
            insert = self.prepare_insert_event_batch(events).returning(SqlEventLogStorageTable.c.id)
            storage_ids = [row[0] for row in connection.execute(insert).fetchall()]
            stored = list(zip(events, storage_ids, strict=True))
            self._store_assets(connection, [each for each in stored if each[0].dagster_event_type in ASSET_EVENTS])
            for event, storage_id in stored:
                if event.dagster_event_type in ASSET_CHECK_EVENTS:
                    self.store_asset_check_event(event, storage_id)

    def _store_assets(self, connection: Connection, stored: _Stored) -> None:
        """Store the tags of events of assets, and each asset's last event of a kind."""
        self._store_asset_event_tags(
            connection, [event for event, _ in stored], [storage_id for _, storage_id in stored]
        )
        last = {
            (event.get_dagster_event().asset_key, event.dagster_event_type): (event, storage_id)
            for event, storage_id in stored
        }
        for event, storage_id in last.values():
            self._store_asset_event(connection, event, storage_id)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Open a transaction, in which this thread's other methods write too."""
        with super()._connect() as connection:
            connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                self._own.connection = connection
                try:
                    yield connection
                finally:
                    del self._own.connection

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        own = getattr(self._own, "connection", None)
        if own is not None:
            yield own
        else:
            with super()._connect() as connection:
                yield connection
