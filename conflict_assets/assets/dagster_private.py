"""The one place that imports Dagster's private names for assets; a test goes red when an upgrade moves them."""

from dagster import AssetCheckEvaluation, AssetMaterialization, EventLogRecord, OpExecutionContext
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster_shared.utils.warnings import PreviewWarning

__all__ = ["IN_PROGRESS_RUN_STATUSES", "PreviewWarning", "log_check", "target_materialization"]


def target_materialization(record: EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    """Tie a check to the materialization that it judged, so that the UI shows its verdict for the partition."""
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def log_check(context: OpExecutionContext, evaluation: AssetCheckEvaluation) -> None:
    """Log a check from within an op; `log_event` takes it, although its signature does not say so."""
    event: AssetMaterialization = evaluation  # type: ignore[assignment]
    context.log_event(event)
