"""The path of one prefix from its snapshot to the store.

It is read, its conflicts are detected, and they are validated and committed. Where the visits are those of its last
commit, that commit is repeated.
"""

import time
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets import domain
from conflict_assets.assets import checks
from conflict_assets.assets.asset_metadata import CODE_VERSION
from conflict_assets.assets.checks import check_detected, foreign_rows
from conflict_assets.assets.source_reading import usable_visits
from conflict_assets.domain.detection import detect_conflicts_table
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.window import start_of_day
from conflict_assets.output.log_lines import PrefixLine
from conflict_assets.settings import Settings
from conflict_assets.source.snapshots import Snapshot
from conflict_assets.store.commit import Basis, CommitOrigin, CommitOutcome, PrefixCommit
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

    The checks judge the rows. They are None where those of the last commit were committed again.
    """

    line: PrefixLine
    conflicts: pa.Table | None


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


@cache
def judged_by() -> str:
    """Return what stands for the code that judges visits: the release, and a digest of the code.

    The release alone would not tell of a change that somebody runs before it is released.
    """
    judging = [*sorted(Path(domain.__path__[0]).rglob("*.py")), Path(checks.__file__)]
    digest = sha256(b"".join(path.read_bytes() for path in judging)).hexdigest()
    return f"{CODE_VERSION} {digest}"


def content_of(snapshot: Snapshot, prefix: str) -> str | None:
    """Return what stands for the visits of a prefix and for the code that judges them.

    It is None where the snapshot does not know its content.
    """
    content = snapshot.content(prefix)
    return f"{content} {judged_by()}" if content else None


def basis_of(snapshot: Snapshot, prefix: str) -> Basis | None:
    """Return what the snapshot has carried over of a prefix, and which SSNs it has changed."""
    changes = snapshot.changes(prefix)
    return Basis(f"{changes.content} {judged_by()}", changes.ssns) if changes else None


def origin_of(snapshot: Snapshot, prefix: str, batch: Batch) -> CommitOrigin:
    """Return what the commit of a prefix rests on."""
    counts = snapshot.counts(prefix)
    return CommitOrigin(
        prefix=prefix,
        run_id=batch.run_id,
        root_run_id=batch.root_run_id,
        as_of=snapshot.as_of,
        new_since=start_of_day(snapshot.as_of, batch.time_zone),
        first_date=snapshot.first_date,
        last_date=snapshot.last_date,
        policy=batch.policy,
        counts={**counts, "usable": usable_visits(counts)},
        batches_total=batch.total,
        resumed=batch.resumed,
        content=content_of(snapshot, prefix),
    )


def commit_of(snapshot: Snapshot, prefix: str, batch: Batch) -> PrefixCommit:
    """Detect the conflicts of a prefix and return what is to be committed.

    Nothing is committed yet. Rows that fail a check are detected anew by each night, so that each night reports them:
    their commit has no content.

    Raises:
        ValueError: the snapshot holds rows of another prefix.
    """
    started = time.perf_counter()
    visits = snapshot.visits(prefix)
    refuse_foreign_rows(prefix, visits)
    conflicts = detect_conflicts_table(visits, batch.policy).conflicts_table()
    detected = time.perf_counter()
    origin = origin_of(snapshot, prefix, batch)
    is_sound = all(each.passed for each in check_detected(prefix, conflicts))
    known = {
        "content": origin.content if is_sound else None,
        "basis": basis_of(snapshot, prefix),
        "detect_seconds": detected - started,
    }
    return PrefixCommit(
        **vars(origin) | known,
        conflicts=conflicts,
        visits=visits_in_conflict(visits, conflicts),
        left_out=partial(snapshot.left_out, prefix),
    )


def finish_prefix(store: ConflictStore, snapshot: Snapshot, prefix: str, batch: Batch) -> FinishedPrefix:
    """Detect the conflicts of a prefix and commit them in one transaction.

    Nothing is written when anything fails. Over all runs, at most as many workers as the batch's limit allows do this
    at once, and the others wait for their turn.
    """
    detect = partial(commit_of, snapshot, prefix, batch)
    commit, outcome = store.conflicts.work_on_prefix(Worker(batch.run_id, prefix), detect, batch.limit)
    return FinishedPrefix(_line(commit, outcome), commit.conflicts)


def repeat_prefix(store: ConflictStore, snapshot: Snapshot, prefix: str, batch: Batch) -> FinishedPrefix | None:
    """Commit a prefix again whose visits are those of its last commit.

    It is None, and nothing is written, where the prefix has to be detected.
    """
    origin = origin_of(snapshot, prefix, batch)
    outcome = store.conflicts.repeat_commit(origin) if origin.content else None
    return FinishedPrefix(_line(origin, outcome), None) if outcome else None


def _line(commit: CommitOrigin, outcome: CommitOutcome) -> PrefixLine:
    return PrefixLine(
        prefix=commit.prefix,
        position=outcome.position,
        total=commit.batches_total,
        rows=outcome.rows,
        **outcome.by_name,
        seconds=commit.detect_seconds + outcome.write_seconds,
    )


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
