"""The path of one prefix from its snapshot to the store.

It is read, its conflicts are detected, and they are validated and committed.
"""

import time
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.assets.checks import foreign_rows
from conflict_assets.assets.source_reading import usable_visits
from conflict_assets.domain.detection import detect_conflicts_table
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.window import start_of_day
from conflict_assets.output.log_lines import PrefixLine
from conflict_assets.settings import Settings
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.incoming import visit_keys
from conflict_assets.store.workers import Worker, WorkerLimit


@dataclass(frozen=True)
class Batch:
    """Data that all prefixes of a step share."""

    run_id: str
    root_run_id: str
    policy: DetectionPolicy
    time_zone: str
    """The schedule's zone, in which a snapshot has its date."""
    total: int
    """The number of the run's prefixes that have visits: the N of `[k/N]`."""
    limit: WorkerLimit = field(default_factory=WorkerLimit)
    """The number of workers that may work at once over all runs."""
    resumed: tuple[str, ...] = ()
    """Earlier runs that this one goes on with."""


@dataclass(frozen=True)
class FinishedPrefix:
    """A committed prefix with its log line and its conflict rows.

    The checks judge the rows.
    """

    line: PrefixLine
    conflicts: pa.Table


def detection_policy(settings: Settings, store: ConflictStore) -> DetectionPolicy:
    """Return the policy of a run.

    It joins the choices of the settings with the speed bands that users maintain in the store.
    """
    return DetectionPolicy(
        cross_midnight=settings.cross_midnight,
        extra_distance_factor=settings.extra_distance_factor,
        speed_bands=store.administration.speed_bands(),
        back_to_back_counts=settings.back_to_back_counts,
        incomplete_actuals=settings.incomplete_actuals,
        max_visits_per_day=settings.max_visits_per_day,
    )


def commit_of(snapshot: Snapshot, prefix: str, batch: Batch) -> PrefixCommit:
    """Detect the conflicts of a prefix and return what is to be committed.

    Nothing is committed yet.

    Raises:
        ValueError: the snapshot holds rows of another prefix.
    """
    started = time.perf_counter()
    visits = snapshot.visits(prefix)
    refuse_foreign_rows(prefix, visits)
    conflicts = detect_conflicts_table(visits, batch.policy).conflicts_table()
    detected = time.perf_counter()
    counts = snapshot.counts(prefix)
    return PrefixCommit(
        prefix=prefix,
        run_id=batch.run_id,
        root_run_id=batch.root_run_id,
        as_of=snapshot.as_of,
        new_since=start_of_day(snapshot.as_of, batch.time_zone),
        first_date=snapshot.first_date,
        last_date=snapshot.last_date,
        conflicts=conflicts,
        visits=visits_in_conflict(visits, conflicts),
        left_out=partial(snapshot.left_out, prefix),
        policy=batch.policy,
        counts={**counts, "usable": usable_visits(counts)},
        batches_total=batch.total,
        detect_seconds=detected - started,
        resumed=batch.resumed,
    )


def finish_prefix(store: ConflictStore, snapshot: Snapshot, prefix: str, batch: Batch) -> FinishedPrefix:
    """Detect the conflicts of a prefix and commit them in one transaction.

    Nothing is written when anything fails. Over all runs, at most as many workers as the batch's limit allows do this
    at once, and the others wait for their turn.
    """
    detect = partial(commit_of, snapshot, prefix, batch)
    commit, outcome = store.conflicts.work_on_prefix(Worker(batch.run_id, prefix), detect, batch.limit)
    line = PrefixLine(
        prefix=prefix,
        position=outcome.position,
        total=batch.total,
        rows=outcome.rows,
        **outcome.by_name,
        seconds=commit.detect_seconds + outcome.write_seconds,
    )
    return FinishedPrefix(line, commit.conflicts)


def refuse_foreign_rows(prefix: str, visits: pa.Table) -> None:
    """Stop a prefix whose snapshot holds rows of another one.

    Its commit would resolve conflicts of the other prefix.
    """
    found = foreign_rows(prefix, visits)
    if found:
        raise ValueError(
            f"the snapshot of prefix {prefix} holds {found} visits of other prefixes; allowed: none. "
            f"Read the prefix anew: conflict-assets run --prefix {prefix}"
        )


def visits_in_conflict(visits: pa.Table, conflicts: pa.Table) -> pa.Table:
    """Return the visits that are in a conflict, each once.

    Each of these visits is the first visit of some conflict row.
    """
    return visits.filter(pc.is_in(visit_keys(visits, "visit_id"), visit_keys(conflicts, "visit_id")))
