"""The one place that imports Dagster's private names for assets; a test goes red when an upgrade moves them."""

import logging
from collections.abc import Iterable, Mapping
from typing import cast

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    DagsterEvent,
    DagsterInstance,
    DagsterRun,
    EventLogRecord,
    OpExecutionContext,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster_shared.record import replace
from dagster_shared.utils.warnings import PreviewWarning

__all__ = [
    "IN_PROGRESS_RUN_STATUSES",
    "PreviewWarning",
    "log_check",
    "plan_partitions",
    "tag_in_this_process",
    "tied_to",
]


def tied_to(evaluation: AssetCheckEvaluation, record: EventLogRecord) -> AssetCheckEvaluation:
    """Tie a check to the materialization that it judged, so that the UI shows its verdict for the partition."""
    target = AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )
    return replace(evaluation, target_materialization_data=target)


def log_check(context: OpExecutionContext, evaluation: AssetCheckEvaluation) -> None:
    """Log a check from within an op; `log_event` takes it, although its signature does not say so."""
    event: AssetMaterialization = evaluation  # type: ignore[assignment]
    context.log_event(event)


def plan_partitions(instance: DagsterInstance, run: DagsterRun, asset: AssetKey, partitions: Iterable[str]) -> None:
    """Say that a run is going to materialize these partitions, as Dagster does when it makes a run that names them."""
    for partition in partitions:
        planned = AssetMaterializationPlannedData(asset, partition=partition)
        event = DagsterEvent.build_asset_materialization_planned_event(run.job_name, asset.to_user_string(), planned)
        instance.report_dagster_event(event, run.run_id, logging.DEBUG)


def tag_in_this_process(run: DagsterRun, tags: Mapping[str, str]) -> None:
    """Give the copy of a run that this process works with tags that are stored: its outputs go by them."""
    cast("dict[str, str]", run.tags).update(tags)
