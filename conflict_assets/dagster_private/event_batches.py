"""Events that are written together.

Dagster collects events that say which batch they belong to, and hands them to the storage when the batch ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
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
from sqlalchemy import Connection, text

from conflict_assets.dagster_private.names import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetCheckExecutionRecordStatus,
    DagsterEventBatchMetadata,
    SqlEventLogStorageTable,
    StepExecutionContext,
    generate_event_batch_id,
)

_PASSED, _FAILED = AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED

_INSERT_EVENTS = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)

_STORE_OUTCOMES = text(
    """UPDATE asset_check_executions AS c
       SET execution_status = o.status, evaluation_event = o.event, evaluation_event_timestamp = o.moment,
           evaluation_event_storage_id = o.event_id, materialization_event_storage_id = o.target
       FROM unnest(
           CAST(:assets AS text[]), CAST(:checks AS text[]), CAST(:partitions AS text[]), CAST(:runs AS text[]),
           CAST(:statuses AS text[]), CAST(:events AS text[]), CAST(:moments AS timestamp[]),
           CAST(:event_ids AS bigint[]), CAST(:targets AS bigint[])
       ) AS o (asset, name, partition, run, status, event, moment, event_id, target)
       WHERE c.asset_key = o.asset AND c.check_name = o.name AND c.partition IS NOT DISTINCT FROM o.partition
           AND c.run_id = o.run
       RETURNING o.event_id"""
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
        rows = [self._event_to_row(event) for event in events]
        with self._transaction() as connection:
            storage_ids = connection.execute(_INSERT_EVENTS, rows).scalars().all()
            stored = list(zip(events, storage_ids, strict=True))
            self._store_assets(connection, [each for each in stored if each[0].dagster_event_type in ASSET_EVENTS])
            texts = {storage_id: row["event"] for storage_id, row in zip(storage_ids, rows, strict=True)}
            done = _store_outcomes(connection, stored, texts)
            for event, storage_id in stored:
                if event.dagster_event_type in ASSET_CHECK_EVENTS and storage_id not in done:
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


def _store_outcomes(connection: Connection, stored: _Stored, texts: Mapping[int, str]) -> set[int]:
    """Store the outcomes of planned checks by one statement, and return the ids of their events.

    Dagster sends a statement for each. Of several outcomes of one check the last one holds.
    """
    outcomes: dict[tuple[str | None, ...], dict[str, Any]] = {}
    replaced: set[int] = set()
    for event, storage_id in stored:
        data = event.get_dagster_event().event_specific_data
        if isinstance(data, AssetCheckEvaluation):
            key = (data.asset_key.to_string(), data.check_name, data.partition, event.run_id)
            if key in outcomes:
                replaced.add(outcomes[key]["event_ids"])
            target = data.target_materialization_data
            outcomes[key] = {
                **dict(zip(("assets", "checks", "partitions", "runs"), key, strict=True)),
                "statuses": (_PASSED if data.passed else _FAILED).value,
                "events": texts[storage_id],
                "moments": datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None),
                "event_ids": storage_id,
                "targets": target.storage_id if target else None,
            }
    if not outcomes:
        return set()
    columns = {name: [outcome[name] for outcome in outcomes.values()] for name in next(iter(outcomes.values()))}
    return {storage_id for (storage_id,) in connection.execute(_STORE_OUTCOMES, columns)} | replaced
