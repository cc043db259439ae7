"""Checks of each prefix, as the UI shows them. They report; what must stop a prefix is validated before its commit."""

import warnings
from collections.abc import Iterator, Sequence

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    OpExecutionContext,
    Output,
    RunsFilter,
)

from conflict_assets.assets.dagster_private import PreviewWarning, log_check, target_materialization
from conflict_assets.assets.partitions import SSN_PREFIXES
from conflict_assets.assets.verdicts import Verdict

ROOT_RUN_TAG = "dagster/root_run_id"

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


def log_verdicts(
    context: AssetExecutionContext | OpExecutionContext, asset: str, prefix: str, verdicts: list[Verdict]
) -> None:
    """Log each verdict for the partition, tied to its newest materialization."""
    key = AssetKey(asset)
    op_context = context.op_execution_context if isinstance(context, AssetExecutionContext) else context
    records = context.instance.fetch_materializations(
        AssetRecordsFilter(asset_key=key, asset_partitions=[prefix]), limit=1
    ).records
    target = target_materialization(records[0]) if records else None
    for verdict in verdicts:
        evaluation = AssetCheckEvaluation(
            asset_key=key,
            check_name=verdict.name,
            passed=verdict.passed,
            severity=verdict.severity,
            description=verdict.description,
            metadata=verdict.metadata,
            target_materialization_data=target,
            partition=prefix,
        )
        log_check(op_context, evaluation)


def outputs_of(
    context: AssetExecutionContext | OpExecutionContext, specs: Sequence[AssetCheckSpec]
) -> Iterator[Output[None]]:
    """The checks' outputs, empty: the verdicts are logged, and an output that is missing is a remark in the run's log.

    Neither evaluates its check: only an `AssetCheckResult` does.
    """
    op_context = context.op_execution_context if isinstance(context, AssetExecutionContext) else context
    for spec in specs:
        if spec.get_python_identifier() in op_context.selected_output_names:
            yield Output(None, output_name=spec.get_python_identifier())


def repeat_verdicts(context: OpExecutionContext, asset: str) -> None:
    """Log the stored verdicts of the prefixes that earlier runs of the chain have done.

    A re-execution plans the checks of all its prefixes anew: those that it need not repeat would show as skipped.
    """
    if context.run.parent_run_id is None:
        return
    stored: dict[tuple[str | None, str], AssetCheckEvaluation] = {}
    for run_id in _chain(context):
        for evaluation in _evaluations(context, run_id, AssetKey(asset)):
            stored[evaluation.partition, evaluation.check_name] = evaluation
    own = {(each.partition, each.check_name) for each in _evaluations(context, context.run.run_id, AssetKey(asset))}
    wanted = set(context.partition_keys)
    for place, evaluation in sorted(stored.items(), key=lambda item: (item[0][0] or "", item[0][1])):
        if place not in own and place[0] in wanted:
            log_check(context, evaluation)


def _chain(context: OpExecutionContext) -> list[str]:
    """The earlier runs of this chain of re-executions, oldest first."""
    root = context.run.root_run_id or context.run.run_id
    repeated = context.instance.get_runs(RunsFilter(tags={ROOT_RUN_TAG: root}))
    return [root, *(run.run_id for run in reversed(repeated) if run.run_id not in {root, context.run.run_id})]


def _evaluations(context: OpExecutionContext, run_id: str, asset: AssetKey) -> Iterator[AssetCheckEvaluation]:
    cursor = None
    while True:
        page = context.instance.get_records_for_run(
            run_id, cursor=cursor, of_type=DagsterEventType.ASSET_CHECK_EVALUATION
        )
        for record in page.records:
            event = record.event_log_entry.dagster_event
            data = event.event_specific_data if event is not None else None
            if isinstance(data, AssetCheckEvaluation) and data.asset_key == asset:
                yield data
        if not page.has_more:
            return
        cursor = page.cursor
