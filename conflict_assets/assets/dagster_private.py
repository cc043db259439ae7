"""The one place that imports Dagster's private names; a test goes red when an upgrade moves them."""

from dagster import EventLogRecord
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)


def target_materialization(record: EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    """Tie a check to the materialization that it judged, so that the UI shows its verdict for the partition."""
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )
