"""Checks of each prefix, as the UI shows them.

They only report. What must stop a prefix is validated before its commit.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    EventLogRecord,
    OpExecutionContext,
    Output,
    PreviewWarning,
)

from conflict_assets.assets.checks import CheckOutcome
from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.assets.run_history import events_of
from conflict_assets.dagster_private.check_targets import tied_to
from conflict_assets.dagster_private.event_batches import log_together

_DESCRIPTIONS = {
    "dtypes": "Every column is there, of its type, and filled where it must be.",
    "counts": "The counts add up, and nothing has vanished without a cause.",
    "rows_belong_to_prefix": "Every row's SSN begins with the partition's digits.",
    "no_inactive_status": "No visit is cancelled, deleted or pending.",
    "no_pair_within_one_agency": "The two visits of every conflict are at different agencies.",
}


def _specs(asset: str, *names: str) -> list[AssetCheckSpec]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)
        return [
            AssetCheckSpec(name, asset=asset, description=_DESCRIPTIONS[name], partitions_def=SSN_PREFIXES)
            for name in names
        ]


ACTIVE_VISITS_CHECKS = _specs("active_visits", "dtypes", "counts", "rows_belong_to_prefix", "no_inactive_status")
VISIT_CONFLICTS_CHECKS = _specs(
    "visit_conflicts", "dtypes", "counts", "rows_belong_to_prefix", "no_pair_within_one_agency"
)


def log_check_outcomes(
    context: AssetExecutionContext | OpExecutionContext, asset: str, outcomes: Mapping[str, Iterable[CheckOutcome]]
) -> None:
    """Log the outcomes of each partition, tied to its newest materialization."""
    records = newest_materializations(context.instance, asset, outcomes)
    evaluations = [_evaluation(asset, prefix, each) for prefix, found in outcomes.items() for each in found]
    log_evaluations(context, evaluations, records)


def _evaluation(asset: str, prefix: str, outcome: CheckOutcome) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        asset_key=AssetKey(asset),
        check_name=outcome.name,
        passed=outcome.passed,
        severity=outcome.severity,
        description=outcome.description,
        metadata=outcome.metadata,
        partition=prefix,
    )


def outputs_of(
    context: AssetExecutionContext | OpExecutionContext, specs: Sequence[AssetCheckSpec]
) -> Iterator[Output[None]]:
    """Yield the checks' outputs, which are empty.

    The outcomes are logged by `log_check_outcomes`, but a missing output would leave a remark in the run's log. Neither
    evaluates its check: only an `AssetCheckResult` does.
    """
    op_context = context.op_execution_context if isinstance(context, AssetExecutionContext) else context
    for spec in specs:
        if spec.get_python_identifier() in op_context.selected_output_names:
            yield Output(None, output_name=spec.get_python_identifier())


def log_evaluations(
    context: AssetExecutionContext | OpExecutionContext,
    evaluations: Iterable[AssetCheckEvaluation],
    records: Mapping[str, EventLogRecord],
) -> None:
    """Log what checks have found, tied to the materializations of their partitions.

    The UI shows it as long as these materializations are the newest.
    """
    op_context = context.op_execution_context if isinstance(context, AssetExecutionContext) else context
    log_together(op_context, [_tied(each, records.get(each.partition or "")) for each in evaluations])


def _tied(evaluation: AssetCheckEvaluation, record: EventLogRecord | None) -> AssetCheckEvaluation:
    return tied_to(evaluation, record) if record is not None else evaluation


def newest_materializations(
    instance: DagsterInstance, asset: str, prefixes: Iterable[str]
) -> dict[str, EventLogRecord]:
    """Return the newest materialization of each partition that has one.

    Two queries suffice for any number of partitions.
    """
    key, wanted = AssetKey(asset), set(prefixes)
    if not wanted:
        return {}
    newest = instance.get_latest_storage_id_by_partition(key, DagsterEventType.ASSET_MATERIALIZATION, wanted)
    if not newest:
        return {}
    filters = AssetRecordsFilter(key, storage_ids=sorted(newest.values()))
    records = instance.fetch_materializations(filters, limit=len(newest)).records
    return {record.partition_key: record for record in records if record.partition_key is not None}


def evaluations_of(
    instance: DagsterInstance, asset: str, records: Iterable[EventLogRecord]
) -> list[AssetCheckEvaluation]:
    """Return what the checks found in these materializations.

    It takes one query for each run that made some of them.
    """
    runs: dict[str, set[int]] = {}
    for record in records:
        runs.setdefault(record.run_id, set()).add(record.storage_id)
    found = {
        (evaluation.partition, evaluation.check_name): evaluation
        for run_id, storage_ids in runs.items()
        for evaluation in _evaluations(instance, run_id, asset)
        if evaluation.target_materialization_data is not None
        and evaluation.target_materialization_data.storage_id in storage_ids
    }
    return list(found.values())


def told_prefixes(context: OpExecutionContext) -> set[str]:
    """Return the prefixes of `visit_conflicts` whose outcomes this run has all logged.

    The run has then logged their materializations, too.
    """
    logged: dict[str, set[str]] = {}
    for evaluation in _evaluations(context.instance, context.run.run_id, "visit_conflicts"):
        if evaluation.partition is not None:
            logged.setdefault(evaluation.partition, set()).add(evaluation.check_name)
    wanted = {spec.name for spec in VISIT_CONFLICTS_CHECKS}
    return {prefix for prefix, names in logged.items() if names >= wanted}


def _evaluations(instance: DagsterInstance, run_id: str, asset: str) -> Iterator[AssetCheckEvaluation]:
    for event in events_of(instance, run_id, DagsterEventType.ASSET_CHECK_EVALUATION):
        data = event.event_specific_data
        if isinstance(data, AssetCheckEvaluation) and data.asset_key == AssetKey(asset):
            yield data
