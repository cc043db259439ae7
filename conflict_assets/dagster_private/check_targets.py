"""Checks that a step logs for one prefix."""

from dagster import AssetCheckEvaluation, EventLogRecord

# What ties a check to a materialization: nothing public makes one. Since 1.12.
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

# To copy one of Dagster's records with a field changed. Since 1.11.
from dagster_shared.record import replace


def tied_to(evaluation: AssetCheckEvaluation, record: EventLogRecord) -> AssetCheckEvaluation:
    """Tie a check to the materialization that it judged.

    The UI then shows the check's verdict for the partition.
    """
    target = AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )
    return replace(evaluation, target_materialization_data=target)
