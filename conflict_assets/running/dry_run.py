"""The dry run, which shows what a night would do to the store.

It goes by the settings and lists of this moment. It reads, detects and compares as a night does, in one process, and
leaves nothing but a sample file: no row in the store, no snapshot, no run in Dagster.
"""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conflict_assets.assets.prefix_detection import Batch, commit_of, detection_policy
from conflict_assets.assets.prefix_events import describe
from conflict_assets.assets.source_reading import Reading, read_snapshot, visit_query
from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.domain.masking import MaskedError
from conflict_assets.output.dry_run_text import difference_line, total_lines, write_sample
from conflict_assets.output.log_lines import prefix_ranges, reading_line, visits_line
from conflict_assets.running.run_follower import Watcher
from conflict_assets.settings import Settings
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.source.source_factory import visit_source
from conflict_assets.source.stale_files import spill_folder
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.preview import KINDS, Example, Preview
from conflict_assets.store.store_factory import conflict_store

NAME = "dry-run"
SAMPLES = "dry_runs"
SAMPLES_KEPT = 10


class SampleError(MaskedError):
    """The sample can't be written to the file that was asked for."""


@dataclass(frozen=True)
class DryRunOptions:
    """The options of a dry run.

    `sample` is the file to write (unset: one in the data folder), and `sample_rows` is a number of rows of each kind.
    """

    prefixes: Sequence[str]
    allow_visit_drop: bool = False
    full: bool = False
    sample: Path | None = None
    sample_rows: int = 20


@dataclass(frozen=True)
class DryRunOutcome:
    """The changes that a run would make, and the sample's path.

    `found` has the changes of each prefix. `failed` are the prefixes of which nothing can be said.
    """

    found: Mapping[str, ConflictCounts]
    failed: tuple[str, ...]
    sample: Path


def dry_run(settings: Settings, options: DryRunOptions, watcher: Watcher) -> DryRunOutcome:
    """Report what a run over these prefixes would do, and write the sample.

    The watcher receives the report.

    Raises:
        SourceError: the source can't be read as asked, or looks half-loaded.
        StoreError: the store is not up to date, or can't be read.
        SampleError: the sample can't be written.
    """
    as_of = datetime.now(tz=UTC)
    previews: dict[str, Preview] = {}
    failed: list[str] = []
    with conflict_store(settings) as store:
        store.administration.require_prepared()
        with _snapshot(settings, store, options, watcher, as_of) as snapshot:
            policy = detection_policy(settings, store)
            batch = Batch(
                run_id=NAME,
                root_run_id=NAME,
                policy=policy,
                time_zone=settings.schedule_time_zone,
                total=len(snapshot.contested_prefixes),
            )
            for prefix in snapshot.prefixes:
                try:
                    commit = commit_of(snapshot, prefix, batch)
                    previews[prefix] = store.conflicts.preview_prefix(commit, examples=options.sample_rows)
                    _tell(watcher, prefix, previews[prefix])
                except Exception as error:  # noqa: BLE001 - as in a night, the other prefixes go on
                    failed.append(prefix)
                    watcher.say(logging.ERROR, f"prefix {prefix} failed: {describe(error)}")
    examples = [example for preview in previews.values() for example in preview.examples]
    sample = _keep_sample(settings, options, as_of, examples)
    for line in (*total_lines(previews), "Dry run: nothing was written to the store"):
        watcher.say(logging.INFO, line)
    if failed:
        watcher.say(logging.ERROR, f"Nothing can be told of prefixes {', '.join(prefix_ranges(failed))}")
    return DryRunOutcome(previews, tuple(failed), sample)


@contextmanager
def _snapshot(
    settings: Settings, store: ConflictStore, options: DryRunOptions, watcher: Watcher, as_of: datetime
) -> Iterator[Snapshot]:
    """Read the source into a folder that is removed at the end.

    Retention removes what a killed process leaves there.
    """
    source = visit_source(settings)
    with (
        tempfile.TemporaryDirectory(prefix=f"{NAME}-", dir=spill_folder(settings)) as folder,
        source.open(run_id=NAME) as reader,
    ):
        reading = Reading(
            name=NAME,
            query=visit_query(settings, store, options.prefixes, as_of),
            as_of=as_of,
            allow_drop=options.allow_visit_drop or settings.allow_visit_drop,
            warn=lambda text: watcher.say(logging.WARNING, text),
            full=options.full,
            incremental=settings.incremental,
            full_every=timedelta(days=settings.full_night_every),
            source=source.description,
            earlier=SnapshotStore(settings.data_dir / "snapshots"),
        )
        snapshot = read_snapshot(reader, store, SnapshotStore(Path(folder)), reading)
        watcher.say(logging.INFO, reading_line(snapshot.reading))
        watcher.say(logging.INFO, visits_line(snapshot.total_counts()))
        yield snapshot


def _tell(watcher: Watcher, prefix: str, preview: Preview) -> None:
    if preview.differs:
        watcher.say(logging.INFO, difference_line(prefix, preview))
    watcher.finished(prefix)


def _keep_sample(settings: Settings, options: DryRunOptions, as_of: datetime, examples: Sequence[Example]) -> Path:
    """Write at most the asked number of conflicts of each kind.

    They are those with the smallest `pair_id`, whatever their prefix.
    """
    rows: list[tuple[object, ...]] = []
    for kind in KINDS.values():
        of_kind = sorted((each for each in examples if each.kind == kind), key=lambda each: (each.pair_id, each.ssn))
        rows += [_row(each) for each in of_kind[: options.sample_rows]]
    try:
        file = options.sample or _own_file(settings.data_dir / SAMPLES, as_of)
        write_sample(file, rows)
    except OSError as error:
        raise SampleError(f"the sample can't be written: {error.strerror}: {error.filename}") from None
    return file


def _row(example: Example) -> tuple[object, ...]:
    return (
        example.kind,
        example.pair_id,
        example.ssn,
        example.visit_id,
        example.con_visit_id,
        example.provider_id,
        example.con_provider_id,
        example.visit_date,
        example.con_visit_date,
        example.rule_before,
        example.rule_after,
        example.overlap_before,
        example.overlap_after,
        example.changed,
        example.reason,
    )


def _own_file(folder: Path, as_of: datetime) -> Path:
    """Return a new file name in the folder of samples.

    Only the newest samples stay there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for old in sorted(folder.glob("*.csv"))[: -(SAMPLES_KEPT - 1)]:
        old.unlink(missing_ok=True)
    return folder / f"{as_of:%Y-%m-%dT%H-%M-%S-%fZ}.csv"
