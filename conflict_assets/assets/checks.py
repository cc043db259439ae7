"""Checks of each prefix, as the UI shows them. They report; what must stop a prefix is validated before its commit."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    OpExecutionContext,
    RunsFilter,
)

from conflict_assets.assets.dagster_private import PreviewWarning, log_check, target_materialization
from conflict_assets.assets.partitions import SSN_PREFIXES
from conflict_assets.domain.conflicts import CONFLICT_SCHEMA
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.store.records import PrefixCounts

ROOT_RUN_TAG = "dagster/root_run_id"
INACTIVE_STATUSES = ("cancelled", "deleted", "pending")

_DESCRIPTIONS = {
    "dtypes": "Every column is there and of its type.",
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


ACTIVE_VISITS_CHECKS = _specs("active_visits", "dtypes", "counts", "no_inactive_status")
VISIT_CONFLICTS_CHECKS = _specs(
    "visit_conflicts", "dtypes", "counts", "rows_belong_to_prefix", "no_pair_within_one_agency"
)


@dataclass(frozen=True)
class Verdict:
    """What a check found. A failed one says why in its metadata, in counts and column names, never in rows."""

    name: str
    passed: bool
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    metadata: Mapping[str, int | str] = field(default_factory=dict)


def judge_active_visits(visits: pa.Table, counts: Mapping[str, int], left_out: int) -> list[Verdict]:
    """Judge the snapshot of a prefix: `left_out` is the number of visits counted as inactive or rejected."""
    status = pc.utf8_lower(pc.utf8_trim_whitespace(visits["visit_status"]))
    inactive = pc.sum(pc.is_in(status, pa.array(INACTIVE_STATUSES))).as_py() or 0
    missing = counts["visits_seen"] - counts["active"] - left_out
    return [
        _dtypes(visits.schema, VISIT_SCHEMA),
        Verdict(
            "counts",
            passed=missing == 0 and visits.num_rows == counts["contested"] <= counts["active"],
            metadata={
                "seen": counts["visits_seen"],
                "active": counts["active"],
                "left_out": left_out,
                "contested": counts["contested"],
                "rows": visits.num_rows,
            },
        ),
        Verdict("no_inactive_status", passed=inactive == 0, metadata={"inactive_visits": inactive}),
    ]


def judge_conflicts(prefix: str, conflicts: pa.Table, visits_seen: int, stored: PrefixCounts) -> list[Verdict]:
    """Judge what was detected for a prefix against what the store holds."""
    pairs = conflicts.num_rows // 2
    return [
        _dtypes(conflicts.schema, CONFLICT_SCHEMA),
        Verdict(
            "counts",
            passed=stored.rows == conflicts.num_rows
            and stored.one_sided == 0
            and not _collapsed(pairs, visits_seen, stored),
            severity=AssetCheckSeverity.WARN if stored.rows == conflicts.num_rows else AssetCheckSeverity.ERROR,
            metadata={
                "rows_detected": conflicts.num_rows,
                "rows_stored": stored.rows,
                "rows_without_other_side": stored.one_sided,
                "conflicts": pairs,
                "conflicts_last_time": -1 if stored.previous_conflicts is None else stored.previous_conflicts,
            },
        ),
        _prefix(prefix, conflicts["ssn"]),
        _two_agencies(conflicts),
    ]


def _collapsed(pairs: int, visits_seen: int, stored: PrefixCounts) -> bool:
    if stored.previous_conflicts is None or stored.previous_visits is None:
        return False
    return pairs < stored.previous_conflicts / 2 and visits_seen > stored.previous_visits / 2


def _two_agencies(conflicts: pa.Table) -> Verdict:
    same = pc.sum(pc.equal(conflicts["provider_id"], conflicts["con_provider_id"])).as_py() or 0
    return Verdict("no_pair_within_one_agency", passed=same == 0, metadata={"rows_within_one_agency": same})


def _dtypes(found: pa.Schema, wanted: pa.Schema) -> Verdict:
    wrong = [
        f"{each.name}: {found.field(each.name).type if each.name in found.names else 'missing'}, not {each.type}"
        for each in wanted
        if each.name not in found.names or _plain(found.field(each.name).type) != each.type
    ]
    return Verdict("dtypes", passed=not wrong, metadata={"columns": len(wanted), "wrong": ", ".join(wrong) or "none"})


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _prefix(prefix: str, ssns: pa.ChunkedArray) -> Verdict:
    strays = pc.sum(pc.invert(pc.starts_with(ssns, prefix))).as_py() or 0
    return Verdict("rows_belong_to_prefix", passed=strays == 0, metadata={"rows_of_other_prefixes": strays})


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
            metadata=verdict.metadata,
            target_materialization_data=target,
            partition=prefix,
        )
        log_check(op_context, evaluation)


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
