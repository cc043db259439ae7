"""The one place that imports Dagster's private names for assets.

A test goes red when an upgrade moves them.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    EventLogRecord,
    OpExecutionContext,
)
from dagster._config.config_schema import UserConfigSchema
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.event_api import EventLogCursor
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetMaterializationPlannedData,
    DagsterEventBatchMetadata,
    generate_event_batch_id,
)
from dagster._core.execution.api import execute_run
from dagster._core.execution.context.system import StepExecutionContext
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.executor.child_process_executor import ChildProcessCrashException
from dagster._core.launcher.base import WorkerStatus
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorTick, TickData
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.config import pg_config
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_run_id
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import ConfigurableClassData, deserialize_value, serialize_value
from dagster_shared.record import replace
from dagster_shared.utils.warnings import PreviewWarning

__all__ = [
    "ASSET_CHECK_EVENTS",
    "ASSET_EVENTS",
    "IN_PROGRESS_RUN_STATUSES",
    "CapturedLogContext",
    "ChildProcessCrashException",
    "ConfigurableClassData",
    "DaemonHeartbeat",
    "InstigatorTick",
    "LocalComputeLogManager",
    "PreviewWarning",
    "SqlEventLogStorageTable",
    "StepFailureData",
    "TickData",
    "UserConfigSchema",
    "WorkerStatus",
    "cursor_after",
    "deserialize_value",
    "execute_run",
    "job_origin",
    "log_together",
    "make_new_run_id",
    "pg_config",
    "plan_partitions",
    "serialize_value",
    "tag_in_this_process",
    "tied_to",
]

CODE_LOCATION = "conflict_assets"
"""The code location's name in every workspace.yaml.

Its definitions are in the module that `pyproject.toml` names.
"""

DEFINITIONS_MODULE = "conflict_assets.definitions"
REPOSITORY = "__repository__"


def job_origin(job: str) -> RemoteJobOrigin:
    """Return where the UI, the sensors and re-executions find a run's job."""
    target = LoadableTargetOrigin(module_name=DEFINITIONS_MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, CODE_LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)


def cursor_after(storage_id: int) -> str:
    """Return the cursor from which a run's records are read on.

    The record with this id is the last one before it.
    """
    return EventLogCursor.from_storage_id(storage_id).to_string()


def tied_to(evaluation: AssetCheckEvaluation, record: EventLogRecord) -> AssetCheckEvaluation:
    """Tie a check to the materialization that it judged.

    The UI then shows the check's verdict for the partition.
    """
    target = AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )
    return replace(evaluation, target_materialization_data=target)


AssetEvent = AssetMaterialization | AssetCheckEvaluation


def log_together(context: OpExecutionContext, events: Sequence[AssetEvent]) -> None:
    """Log events from within an op, which the storage writes in one transaction.

    `log_event` writes them one by one, each in several transactions.
    """
    step = context.get_step_execution_context()
    for event, place in zip(events, _places(len(events)), strict=True):
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


def _places(count: int) -> list[DagsterEventBatchMetadata]:
    """Return each event's place in a batch, of which the last event ends it."""
    batch = generate_event_batch_id()  # type: ignore[no-untyped-call]
    return [DagsterEventBatchMetadata(batch, number == count) for number in range(1, count + 1)]


def plan_partitions(instance: DagsterInstance, run: DagsterRun, asset: AssetKey, partitions: Collection[str]) -> None:
    """Log that a run is going to materialize these partitions.

    Dagster does the same when it makes a run that names its partitions.
    """
    for partition, place in zip(partitions, _places(len(partitions)), strict=True):
        planned = AssetMaterializationPlannedData(asset, partition=partition)
        event = DagsterEvent.build_asset_materialization_planned_event(run.job_name, asset.to_user_string(), planned)
        instance.report_dagster_event(event, run.run_id, logging.DEBUG, batch_metadata=place)


def tag_in_this_process(run: DagsterRun, tags: Mapping[str, str]) -> None:
    """Add tags that are stored already to this process's copy of a run.

    The run's outputs go by the tags of the copy.
    """
    cast("dict[str, str]", run.tags).update(tags)
