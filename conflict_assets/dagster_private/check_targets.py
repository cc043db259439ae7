"""Checks that a step logs for one prefix."""

from dagster import AssetCheckEvaluation, EventLogRecord

from conflict_assets.dagster_private.names import AssetCheckEvaluationTargetMaterializationData, replace


def tied_to(evaluation: AssetCheckEvaluation, record: EventLogRecord) -> AssetCheckEvaluation:
    """Tie a check to the materialization that it judged.

    The UI then shows the check's verdict for the partition.
    """
    target = AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )
    return replace(evaluation, target_materialization_data=target)
