"""The state of a run: its finished prefixes and its snapshots."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dagster import OpExecutionContext

from conflict_assets.assets import check_events
from conflict_assets.assets.partition_definitions import root_run_id, run_prefixes
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.run_history import resumed_runs
from conflict_assets.assets.run_snapshots import read_anew, usable_snapshots
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.row_types import PrefixRun


@dataclass(frozen=True)
class RunState:
    """Commits of a run's prefixes, and the snapshots of those without one.

    The commits are of this run and of the runs that it goes on with.
    """

    prefixes: tuple[str, ...]
    resumed: tuple[str, ...]
    committed: Mapping[str, PrefixRun]
    to_do: tuple[str, ...]
    """The prefixes that were asked for and are not done.

    A prefix is not done if it is not committed, or not logged in this run with all its checks.
    """
    snapshots: Mapping[str, Snapshot]

    @property
    def total(self) -> int:
        """The number of the run's prefixes that have visits: the N of `[k/N]`."""
        return sum(self._has_visits(prefix) for prefix in self.prefixes)

    def _has_visits(self, prefix: str) -> bool:
        if prefix in self.committed:
            return bool(self.committed[prefix].counts.get("contested"))
        if prefix in self.snapshots:
            return prefix in self.snapshots[prefix].contested_prefixes
        return True  # nothing is known of it yet


def run_state(
    context: OpExecutionContext, platform: Platform, store: ConflictStore, asked: Collection[str]
) -> RunState:
    """Look up which of the asked prefixes are done.

    Those that are not done get a snapshot.
    """
    prefixes = run_prefixes(context)
    resumed = resumed_runs(context.instance, context.run)
    committed = committed_runs(context, store)
    done = committed.keys() & set(asked)
    done = done & check_events.told_prefixes(context) if done else done
    to_do = tuple(sorted(set(asked) - done))
    unknown = sorted({*to_do, *(prefix for prefix in prefixes if prefix not in committed)})
    snapshots = usable_snapshots(context, platform, store, unknown)
    if not snapshots.keys() >= set(to_do):
        snapshots = _read_missing(context, platform, store, unknown)
    return RunState(prefixes, resumed, committed, to_do, snapshots)


def _read_missing(
    context: OpExecutionContext, platform: Platform, store: ConflictStore, prefixes: list[str]
) -> dict[str, Snapshot]:
    """Read the prefixes that have no snapshot.

    The first of the run's steps does this for all of them.
    """
    with platform.snapshots().lock():
        snapshots = usable_snapshots(context, platform, store, prefixes)
        missing = [prefix for prefix in prefixes if prefix not in snapshots]
        if not missing:
            return snapshots
        read_anew(context, platform, store, missing)
    return usable_snapshots(context, platform, store, prefixes)


def committed_runs(context: OpExecutionContext, store: ConflictStore) -> dict[str, PrefixRun]:
    """Return the commits of this run's prefixes by this run's chain.

    The chain is this run with the earlier runs that it goes on with.
    """
    runs = {context.run.run_id, *resumed_runs(context.instance, context.run)}
    wanted = set(run_prefixes(context))
    summary = store.runs.summary(root_run_id(context))
    return {run.prefix: run for run in summary if run.run_id in runs and run.prefix in wanted}
