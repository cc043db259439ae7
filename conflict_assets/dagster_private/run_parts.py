"""Runs that this process makes and works on, and what it learns of them."""

import logging
from collections.abc import Collection, Mapping
from typing import cast

from dagster import AssetKey, DagsterEvent, DagsterInstance, DagsterRun

# How far a run's records were read: nothing public makes the cursor that `fetch_run_records` takes. Since 1.7.
from dagster._core.event_api import EventLogCursor

# The plan of a run, for partitions that its tags do not name. Since 1.5.
from dagster._core.events import AssetMaterializationPlannedData

# To be the worker of a run that the UI shows as launched: `execute_job` makes a run of its own. Since 1.5.
from dagster._core.execution.api import execute_run

# Why a step failed, in the event of its failure. Since 1.5.
from dagster._core.execution.plan.objects import StepFailureData

# What the executor raises for a step whose process was killed. Since 1.5.
from dagster._core.executor.child_process_executor import ChildProcessCrashException

# What a launcher says of a run's worker, and what processes are compared with. Since 1.5.
from dagster._core.launcher.base import WorkerStatus

# Where the UI, sensors and re-executions find the job of a run that this process made. Since 1.12.
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

# The statuses of runs that have not ended, for filters. Since 1.5.
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

# The module of the code location, as workspace.yaml names it. Since 1.5.
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

# The id of a run must be known before the run, since a tag of it holds it. Since 1.5.
from dagster._core.utils import make_new_run_id

from conflict_assets.dagster_private.event_batches import places

__all__ = [
    "IN_PROGRESS_RUN_STATUSES",
    "ChildProcessCrashException",
    "StepFailureData",
    "WorkerStatus",
    "cursor_after",
    "execute_run",
    "job_origin",
    "make_new_run_id",
    "plan_partitions",
    "tag_in_this_process",
]

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
