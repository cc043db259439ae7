"""The one place that imports Dagster's private names for assets; a test goes red when an upgrade moves them."""

from dagster import AssetCheckEvaluation, AssetMaterialization, EventLogRecord, OpExecutionContext
from dagster._config.config_schema import UserConfigSchema
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.execution.api import execute_run
from dagster._core.launcher.base import WorkerStatus
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.config import pg_config
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_run_id
from dagster._serdes import ConfigurableClassData
from dagster_shared.utils.warnings import PreviewWarning

__all__ = [
    "IN_PROGRESS_RUN_STATUSES",
    "ConfigurableClassData",
    "PreviewWarning",
    "UserConfigSchema",
    "WorkerStatus",
    "execute_run",
    "job_origin",
    "log_check",
    "make_new_run_id",
    "pg_config",
    "target_materialization",
]

CODE_LOCATION = "conflict_assets"
"""The code location's name in every workspace.yaml; its definitions are in the module of `pyproject.toml`."""

DEFINITIONS_MODULE = "conflict_assets.definitions"
REPOSITORY = "__repository__"


def job_origin(job: str) -> RemoteJobOrigin:
    """Where a job is found by whoever looks at one of its runs: the UI, the sensors, a re-execution."""
    target = LoadableTargetOrigin(module_name=DEFINITIONS_MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, CODE_LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)


def target_materialization(record: EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    """Tie a check to the materialization that it judged, so that the UI shows its verdict for the partition."""
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def log_check(context: OpExecutionContext, evaluation: AssetCheckEvaluation) -> None:
    """Log a check from within an op; `log_event` takes it, although its signature does not say so."""
    event: AssetMaterialization = evaluation  # type: ignore[assignment]
    context.log_event(event)
