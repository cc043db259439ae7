"""The rows and files of Dagster's storages that its own API can't remove.

A storage that is not SQL is left alone.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as db
from dagster import AssetKey, DagsterInstance

from conflict_assets.dagster_private.names import (
    BULK_ACTION_TERMINAL_STATUSES,
    AssetCheckExecutionsTable,
    BackfillTagsTable,
    BulkActionsFilter,
    BulkActionsTable,
    LocalComputeLogManager,
    PartitionBackfill,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
    SqlRunStorage,
)


def delete_check_rows(instance: DagsterInstance, run_ids: Sequence[str]) -> int:
    """Remove the rows that runs have written for checks beside their events.

    `delete_run` leaves these rows behind.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return 0
    rows = AssetCheckExecutionsTable
    with storage.index_connection() as connection:
        return int(connection.execute(rows.delete().where(rows.c.run_id.in_(run_ids))).rowcount)


def delete_freshness_changes(instance: DagsterInstance, assets: Sequence[AssetKey], before: datetime) -> None:
    """Remove old changes of freshness, which belong to no run.

    The newest change of each asset stays, since it says whether the asset is fresh.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    events = SqlEventLogStorageTable
    changes = db.and_(
        events.c.asset_key.in_([asset.to_string() for asset in assets]),
        events.c.dagster_event_type == "FRESHNESS_STATE_CHANGE",
    )
    newest = db.select(db.func.max(events.c.id)).where(changes).group_by(events.c.asset_key)
    old = events.c.timestamp < before.replace(tzinfo=None)
    with storage.index_connection() as connection:
        kept = list(connection.scalars(newest))
        connection.execute(events.delete().where(changes, old, events.c.id.not_in(kept)))


def delete_run_file(instance: DagsterInstance, run_id: str) -> None:
    """Remove the file in which SQLite storage stores a run's events."""
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        shard = Path(storage.path_for_shard(run_id))
        for end in ("", "-wal", "-shm"):
            shard.with_name(shard.name + end).unlink(missing_ok=True)


def ended_backfills(instance: DagsterInstance, before: datetime) -> Sequence[PartitionBackfill]:
    """Return backfills that were requested before an instant and have ended.

    It does not matter how they ended.
    """
    return instance.get_backfills(
        filters=BulkActionsFilter(statuses=BULK_ACTION_TERMINAL_STATUSES, created_before=before)
    )


def delete_backfills(instance: DagsterInstance, backfill_ids: Sequence[str]) -> None:
    """Remove backfills, of which Dagster removes none."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage) or not backfill_ids:
        return
    with storage.connect() as connection:
        connection.execute(BackfillTagsTable.delete().where(BackfillTagsTable.c.backfill_id.in_(backfill_ids)))
        connection.execute(BulkActionsTable.delete().where(BulkActionsTable.c.key.in_(backfill_ids)))


def local_logs(instance: DagsterInstance) -> Path | None:
    """Return the folder of the output of steps and ticks, if any."""
    manager = instance.compute_log_manager
    if not isinstance(manager, LocalComputeLogManager):
        return None
    return Path(manager.get_captured_local_path(["log"], "err")).parent
