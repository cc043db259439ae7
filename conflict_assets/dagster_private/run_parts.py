"""Runs that this process makes and works on, and what it learns of them."""

import logging
from collections.abc import Collection, Mapping
from typing import cast

from dagster import AssetKey, DagsterEvent, DagsterInstance, DagsterRun

from conflict_assets.dagster_private.event_batches import places
from conflict_assets.dagster_private.names import (
    AssetMaterializationPlannedData,
    EventLogCursor,
    LoadableTargetOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

CODE_LOCATION = "conflict_assets"
"""The code location's name in every workspace.yaml."""

REPOSITORY = "__repository__"


def job_origin(job: str, definitions: str) -> RemoteJobOrigin:
    """Return where the UI, the sensors and re-executions find a run's job.

    `definitions` is the module that `pyproject.toml` names.
    """
    target = LoadableTargetOrigin(module_name=definitions)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, CODE_LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)


def cursor_after(storage_id: int) -> str:
    """Return the cursor from which a run's records are read on.

    The record with this id is the last one before it.
    """
    return EventLogCursor.from_storage_id(storage_id).to_string()


def plan_partitions(instance: DagsterInstance, run: DagsterRun, asset: AssetKey, partitions: Collection[str]) -> None:
    """Log that a run is going to materialize these partitions.

    Dagster does the same when it makes a run that names its partitions.
    """
    for partition, place in zip(partitions, places(len(partitions)), strict=True):
        planned = AssetMaterializationPlannedData(asset, partition=partition)
        event = DagsterEvent.build_asset_materialization_planned_event(run.job_name, asset.to_user_string(), planned)
        instance.report_dagster_event(event, run.run_id, logging.DEBUG, batch_metadata=place)


def tag_in_this_process(run: DagsterRun, tags: Mapping[str, str]) -> None:
    """Add tags that are stored already to this process's copy of a run.

    The run's outputs go by the tags of the copy.
    """
    cast("dict[str, str]", run.tags).update(tags)
