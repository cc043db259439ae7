"""What a finished prefix leaves in Dagster's event log: its materialization and the verdicts of its checks."""

from collections.abc import Mapping, Sequence
from traceback import extract_tb

from dagster import AssetKey, AssetMaterialization, OpExecutionContext

from conflict_assets.assets.causes import OUR_OWN, system_error_line
from conflict_assets.assets.checks import log_verdicts
from conflict_assets.assets.detection import FinishedPrefix
from conflict_assets.assets.verdicts import Verdict, judge_conflicts
from conflict_assets.report.lines import NightSummary, PrefixLine
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.records import PrefixRun
from conflict_assets.store.store import ConflictStore

ASSET = "visit_conflicts"


def log_finished(
    context: OpExecutionContext, store: ConflictStore, snapshot: Snapshot, done: FinishedPrefix
) -> list[Verdict]:
    """Log the materialization of a committed prefix, then what its checks found."""
    log_materialization(context, snapshot, done.line)
    prefix = done.line.prefix
    verdicts = judge_conflicts(
        prefix, done.conflicts, snapshot.counts(prefix)["visits_seen"], store.prefix_counts(prefix)
    )
    log_verdicts(context, ASSET, prefix, verdicts)
    return verdicts


def log_materialization(context: OpExecutionContext, snapshot: Snapshot, line: PrefixLine) -> None:
    """Log that a prefix is committed, with its counts."""
    counts = snapshot.counts(line.prefix)
    context.log_event(
        AssetMaterialization(
            asset_key=AssetKey(ASSET),
            partition=line.prefix,
            metadata={
                "dagster/row_count": line.rows,
                "conflicts": line.conflicts,
                "new": line.new,
                "changed": line.changed,
                "resolved": line.resolved,
                "visits_contested": counts["contested"],
                "conflicts_per_1000_active_visits": round(1000 * line.conflicts / max(counts["active"], 1), 2),
                "seconds": round(line.seconds, 3),
                "as_of": snapshot.as_of.isoformat(),
            },
        )
    )


def line_of(run: PrefixRun) -> PrefixLine:
    """The line of a prefix as its commit wrote it down."""
    return PrefixLine(
        prefix=run.prefix,
        position=run.position,
        total=run.batches_total,
        conflicts=run.conflicts,
        rows=run.rows,
        new=run.new + run.reopened,
        changed=run.changed,
        resolved=run.resolved,
        seconds=run.detect_seconds + run.write_seconds,
    )


def night_summary(store: ConflictStore, committed: Mapping[str, PrefixRun], prefixes: Sequence[str]) -> NightSummary:
    """What a run was to do and has done: prefixes with visits, and the empty ones only where they failed."""
    wanted = [prefix for prefix in prefixes if prefix not in committed or committed[prefix].counts.get("contested", 0)]
    lines = [line_of(committed[prefix]) for prefix in wanted if prefix in committed]
    return NightSummary(expected=wanted, done=lines, open_conflicts=store.open_conflicts())


def describe(error: Exception) -> str:
    """What may be said of an error: our own messages name no person; of any other only its type and its place."""
    if isinstance(error, OUR_OWN):
        return str(error)
    if isinstance(error, OSError):
        return system_error_line(error)
    frames = extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
