"""The events that a finished prefix leaves in Dagster's event log.

They are its materialization and the outcomes of its checks.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic
from traceback import extract_tb

from dagster import AssetKey, AssetMaterialization, OpExecutionContext

from conflict_assets.assets.check_events import log_check_outcomes
from conflict_assets.assets.checks import CheckOutcome, check_conflicts, check_repeated
from conflict_assets.assets.prefix_detection import FinishedPrefix
from conflict_assets.assets.step_failures import OUR_OWN, system_error_line
from conflict_assets.dagster_private.event_batches import log_together
from conflict_assets.domain.masking import masked
from conflict_assets.output.log_lines import NightSummary, PrefixLine, prefix_line
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.row_types import Found, PrefixCounts, PrefixRun

ASSET = "visit_conflicts"
WRITTEN_EVERY_SECONDS = 1.0


class FinishedPrefixes:
    """The finished prefixes of a step, whose events are written together.

    A prefix has its line in the log at once. Events are written once a second, and at the end of the step: a
    transaction for each of them would take longer than detection and commit.
    """

    def __init__(self, context: OpExecutionContext, store: ConflictStore) -> None:
        self._context = context
        self._store = store
        self._waiting: dict[str, _Finished] = {}
        self._written_at = monotonic()

    def add(self, snapshot: Snapshot, done: FinishedPrefix) -> None:
        """Log the line of a committed prefix.

        A prefix without visits has a line only where it has changed something.
        """
        line = done.line
        if line.position or line.differs:
            self._context.log.info(prefix_line(line))
        self._waiting[line.prefix] = _Finished(snapshot, done)

    def write_when_due(self) -> dict[str, Exception]:
        """Write the events if the last ones were written a second ago."""
        return self.write() if monotonic() - self._written_at >= WRITTEN_EVERY_SECONDS else {}

    def write(self) -> dict[str, Exception]:
        """Judge what is stored of all prefixes that wait for it, and write their events.

        Return the error by prefix where they can't be written.
        """
        waiting, self._waiting = self._waiting, {}
        try:
            errors = self._log(waiting) if waiting else {}
        except Exception as error:  # noqa: BLE001 - a prefix without its events is not done, and is tried again
            return dict.fromkeys(waiting, error)
        self._written_at = monotonic()
        return errors

    def _log(self, waiting: Mapping[str, "_Finished"]) -> dict[str, Exception]:
        stored = self._store.runs.prefix_counts(list(waiting))
        outcomes: dict[str, list[CheckOutcome]] = {}
        errors: dict[str, Exception] = {}
        for prefix, finished in waiting.items():
            try:
                outcomes[prefix] = finished.outcomes(stored[prefix])
            except Exception as error:  # noqa: BLE001 - whatever stops one prefix must not stop the others
                errors[prefix] = error
        found = self._store.runs.latest_found()
        log_together(self._context, [_materialization(waiting[prefix], found) for prefix in outcomes])
        log_check_outcomes(self._context, ASSET, outcomes)
        return errors


@dataclass(frozen=True)
class _Finished:
    snapshot: Snapshot
    done: FinishedPrefix

    def outcomes(self, stored: PrefixCounts) -> list[CheckOutcome]:
        """Judge the rows of the prefix, and what is stored of it."""
        line = self.done.line
        seen = self.snapshot.counts(line.prefix)["visits_seen"]
        if self.done.conflicts is None:
            return check_repeated(line.prefix, line.rows, seen, stored)
        return check_conflicts(line.prefix, self.done.conflicts, seen, stored)


def _materialization(finished: _Finished, found: Found) -> AssetMaterialization:
    """Return the event that a prefix is committed, with its own counts and all prefixes' counts.

    The asset's page shows only the last prefix, so the counts of all prefixes are part of each event.
    `unchanged` says that the last commit was repeated and nothing detected.
    """
    line = finished.done.line
    counts = finished.snapshot.counts(line.prefix)
    return AssetMaterialization(
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
            "as_of": finished.snapshot.as_of.isoformat(),
            "all_prefixes_conflicts": found.conflicts,
            "all_prefixes_rows": found.rows,
            **({"unchanged": True} if finished.done.conflicts is None else {}),
        },
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
