"""The events that a finished prefix leaves in Dagster's event log.

They are its materialization and the outcomes of its checks.
"""

from collections.abc import Collection, Mapping
from traceback import extract_tb

from dagster import AssetKey, AssetMaterialization, OpExecutionContext

from conflict_assets.assets.check_outcomes import CheckOutcome, check_conflicts
from conflict_assets.assets.checks import log_check_outcomes
from conflict_assets.assets.prefix_detection import FinishedPrefix
from conflict_assets.assets.step_failures import OUR_OWN, system_error_line
from conflict_assets.domain.privacy import masked
from conflict_assets.output.log_lines import NightSummary, PrefixLine, prefix_line
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.row_types import PrefixRun

ASSET = "visit_conflicts"


def log_finished(
    context: OpExecutionContext, store: ConflictStore, snapshot: Snapshot, done: FinishedPrefix
) -> list[CheckOutcome]:
    """Log a committed prefix: its line, its materialization and its checks.

    A prefix without visits has a line only where it has changed something.
    """
    if done.line.position or done.line.differs:
        context.log.info(prefix_line(done.line))
    log_materialization(context, store, snapshot, done.line)
    prefix = done.line.prefix
    outcomes = check_conflicts(
        prefix, done.conflicts, snapshot.counts(prefix)["visits_seen"], store.runs.prefix_counts(prefix)
    )
    log_check_outcomes(context, ASSET, prefix, outcomes)
    return outcomes


def log_materialization(
    context: OpExecutionContext, store: ConflictStore, snapshot: Snapshot, line: PrefixLine
) -> None:
    """Log that a prefix is committed, with its own counts and all prefixes' counts.

    The asset's page shows only the last prefix, so the counts of all prefixes are part of each event.
    """
    counts = snapshot.counts(line.prefix)
    found = store.runs.latest_found()
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
                "reopened": line.reopened,
                "visits_contested": counts["contested"],
                "conflicts_per_1000_active_visits": round(1000 * line.conflicts / max(counts["active"], 1), 2),
                "seconds": round(line.seconds, 3),
                "as_of": snapshot.as_of.isoformat(),
                "all_prefixes_conflicts": found.conflicts,
                "all_prefixes_rows": found.rows,
            },
        )
    )


def line_of(run: PrefixRun) -> PrefixLine:
    """Return the line of a prefix as its commit recorded it."""
    return PrefixLine(
        prefix=run.prefix,
        position=run.position,
        total=run.batches_total,
        rows=run.rows,
        **run.by_name,
        seconds=run.detect_seconds + run.write_seconds,
    )


def summarize(
    store: ConflictStore, root_run_ids: Collection[str], prefixes: Collection[str], *, failed: Collection[str] = ()
) -> NightSummary:
    """Sum up a night's prefixes and what its runs have committed.

    The runs count with their re-executions, whether all went well or not. `prefixes` are all that the night was over.
    Those without a commit have failed, and so have those in `failed`. Of a prefix that was committed from several
    snapshots, the newest counts.
    """
    runs = [run for root in root_run_ids for run in store.runs.summary(root) if run.prefix in prefixes]
    newest = {run.prefix: run for run in sorted(runs, key=lambda run: (run.as_of, run.committed_at))}
    return night_summary(store, newest, prefixes, failed=failed)


def night_summary(
    store: ConflictStore, committed: Mapping[str, PrefixRun], prefixes: Collection[str], *, failed: Collection[str] = ()
) -> NightSummary:
    """Sum up these commits of prefixes.

    Prefixes without a commit have failed, and so have those in `failed`.
    """
    missing = {prefix for prefix in prefixes if prefix not in committed or prefix in failed}
    expected = sorted(prefix for prefix in prefixes if prefix in missing or committed[prefix].position)
    return NightSummary(
        expected=expected,
        failed=tuple(sorted(missing)),
        committed=[line_of(run) for run in committed.values()],
        open_conflicts=store.conflicts.count_open(),
    )


def describe(error: Exception) -> str:
    """Return what may be said of an error.

    The messages of this package name no person. Of a system error the system's words are returned, masked. Of any other
    error only the type and the place are returned.
    """
    if isinstance(error, OUR_OWN):
        return str(error)
    if isinstance(error, OSError):
        return masked(system_error_line(error))
    frames = extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
