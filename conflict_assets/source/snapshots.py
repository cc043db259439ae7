"""Snapshots: what one run read from the source, one Parquet file a prefix, kept under the run's id."""

import json
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock

from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.protocol import COUNT_COLUMNS, SourceError, VisitQuery
from conflict_assets.source.snapshot_files import (
    FILE_MODE,
    MANIFEST,
    SIDELINED,
    SIDELINED_SCHEMA,
    clear,
    file_of,
    make_folder,
    system_text,
    write_snapshot,
)
from conflict_assets.source.survey import Survey

HALF_WRITTEN_SECONDS = 24 * 60 * 60

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class Snapshot:
    """One complete snapshot on disk."""

    folder: Path

    @cached_property
    def _manifest(self) -> Mapping[str, Any]:
        with self._readable():
            manifest: Mapping[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        return manifest

    @property
    def is_complete(self) -> bool:
        """Whether all of it was written; one whose manifest is damaged counts as half-written."""
        if not (self.folder / MANIFEST).is_file():
            return False
        with suppress(SourceError, KeyError):
            return bool(self._manifest["as_of"])
        return False

    @property
    def root_run_id(self) -> str:
        """The run to which it belongs."""
        return self.folder.name

    @property
    def as_of(self) -> datetime:
        """When the source was read, with its zone."""
        return datetime.fromisoformat(self._manifest["as_of"])

    @property
    def first_date(self) -> date:
        """The first date of the window."""
        return date.fromisoformat(self._manifest["first_date"])

    @property
    def last_date(self) -> date:
        """The last date of the window."""
        return date.fromisoformat(self._manifest["last_date"])

    @property
    def prefix_length(self) -> int:
        """Digits of its prefixes."""
        return int(self._manifest["prefix_length"])

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes that it covers, also those without any visit."""
        return tuple(self._manifest["prefixes"])

    @property
    def covers_all(self) -> bool:
        """Whether it is one of a whole night: over every prefix that there is."""
        return len(self.prefixes) == int(10**self.prefix_length)

    @property
    def contested_prefixes(self) -> tuple[str, ...]:
        """The prefixes with contested visits: the only ones worth a step."""
        return tuple(prefix for prefix in self.prefixes if self._manifest["contested_rows"].get(prefix))

    @property
    def query_choices(self) -> Mapping[str, Any]:
        """What the query was asked beside prefixes and window: `cross_midnight`, `max_visits_per_day`, exclusions."""
        choices: Mapping[str, Any] = self._manifest["query"]
        return choices

    def counts(self, prefix: str) -> Mapping[str, int]:
        """The source's counts of a prefix by `COUNT_COLUMNS`; all zero when it has no visits."""
        self._require(prefix)
        counted: Mapping[str, int] = self._manifest["counts"].get(prefix, {})
        return {name: counted.get(name, 0) for name in COUNT_COLUMNS}

    def total_counts(self) -> Mapping[str, int]:
        """The source's counts of all visits that were seen, those without a prefix too."""
        every = (*self._manifest["counts"].values(), self._manifest["counts_without_prefix"])
        return {name: sum(counted.get(name, 0) for counted in every) for name in COUNT_COLUMNS}

    def visits(self, prefix: str) -> pa.Table:
        """The contested visits of a prefix, as `VISIT_SCHEMA`; no rows when it has none."""
        self._require(prefix)
        if prefix not in self.contested_prefixes:
            return VISIT_SCHEMA.empty_table()
        with self._readable():
            return pq.read_table(self.folder / file_of(prefix), schema=VISIT_SCHEMA)

    def sidelined(self, prefix: str) -> pa.Table:
        """The visits of a prefix that travelled without being contested, as `SIDELINED_SCHEMA`."""
        self._require(prefix)
        of_prefix = pc.field("ssn_prefix") == prefix
        with self._readable():
            return pq.read_table(self.folder / SIDELINED, schema=SIDELINED_SCHEMA, filters=of_prefix)

    def all_sidelined(self) -> pa.Table:
        """All visits that travelled without being contested; those without a prefix have a null one."""
        with self._readable():
            return pq.read_table(self.folder / SIDELINED, schema=SIDELINED_SCHEMA)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            said = system_text(error) if isinstance(error, OSError) else "a file of it is damaged"
            raise SourceError(
                f"The snapshot of run {self.root_run_id} can't be read ({said}). "
                "Read the source anew: conflict-assets run, with the prefixes that failed."
            ) from None

    def _require(self, prefix: str) -> None:
        if prefix not in self.prefixes:
            raise SourceError(
                f"The snapshot of run {self.root_run_id} does not cover prefix {prefix}. "
                "Materialize active_visits for it first."
            )


@dataclass(frozen=True)
class PurgedSnapshots:
    """Snapshots, by the run that they belong to, that are gone, and those that could not be removed."""

    removed: tuple[str, ...]
    stuck: tuple[str, ...]


class SnapshotStore:
    """The folder of all snapshots; a snapshot is there once its manifest is."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def write(
        self,
        root_run_id: str,
        query: VisitQuery,
        as_of: datetime,
        batches: Iterable[pa.RecordBatch],
        survey: Survey,
    ) -> Snapshot:
        """Stream rows (`ROW_SCHEMA`, ordered by prefix, null first) into the run's snapshot; replaces an earlier try.

        Raises:
            SourceError: rows come out of order or of a prefix that nobody asked for, or they can't be written.
        """
        folder = self._folder(root_run_id)
        try:
            write_snapshot(folder, query, as_of, batches, survey)
        except BaseException as error:
            with suppress(OSError):
                clear(folder)
            if isinstance(error, OSError):
                raise SourceError(
                    f"The snapshot can't be written to {self.root}: {system_text(error)}. Nothing was kept of this "
                    "read. Free some space there, or point CONFLICTS_DATA_DIR to a disk with more."
                ) from None
            raise
        return Snapshot(folder)

    def lock(self) -> FileLock:
        """Held by whoever looks what is missing and makes it: of the steps of a run, only one is to do so."""
        make_folder(self.root)
        return FileLock(self.root / ".lock", mode=FILE_MODE)

    def for_run(self, root_run_id: str) -> Snapshot | None:
        """The complete snapshot of a root run, if there is one."""
        snapshot = Snapshot(self._folder(root_run_id))
        return snapshot if snapshot.is_complete else None

    def newest(self, prefixes: str | Sequence[str]) -> Snapshot | None:
        """The complete snapshot with the latest as-of time that covers the prefix, or all of several."""
        wanted = {prefixes} if isinstance(prefixes, str) else set(prefixes)
        return next((snapshot for snapshot in self._newest_first() if wanted <= set(snapshot.prefixes)), None)

    def newest_of_each(self) -> dict[str, Snapshot]:
        """The complete snapshot with the latest as-of time of every prefix that has one."""
        newest: dict[str, Snapshot] = {}
        for snapshot in self._newest_first():
            for prefix in snapshot.prefixes:
                newest.setdefault(prefix, snapshot)
        return newest

    def purge(
        self, keep: int = 3, *, older_than: timedelta | None = None, in_progress: Collection[str] = ()
    ) -> PurgedSnapshots:
        """Remove complete snapshots, and half-written ones older than a day.

        Those stay that are the newest of any prefix, and the last `keep` of whole nights; unless they are older than
        `older_than`. Those of the runs `in_progress` stay, whatever their age.
        """
        complete = self._newest_first()
        nights = [snapshot for snapshot in complete if snapshot.covers_all]
        needed = {snapshot.folder for snapshot in (*nights[:keep], *self.newest_of_each().values())}
        oldest = datetime.now(tz=UTC) - older_than if older_than is not None else None
        kept = {each.folder for each in complete if each.folder in needed and (oldest is None or each.as_of >= oldest)}
        finished = {snapshot.folder for snapshot in complete}
        now = time.time()
        purged = []
        for folder in self._folders():
            if folder in kept or folder.name in in_progress:
                continue
            if folder in finished or now - folder.stat().st_mtime > HALF_WRITTEN_SECONDS:
                clear(folder)
                purged.append(folder)
        return PurgedSnapshots(
            removed=tuple(folder.name for folder in purged if not folder.exists()),
            stuck=tuple(folder.name for folder in purged if folder.exists()),
        )

    def _folder(self, root_run_id: str) -> Path:
        if not _PLAIN_NAME.fullmatch(root_run_id):
            raise SourceError(
                f"run id {root_run_id!r} can't name a snapshot; allowed: letters, digits, '-' and '_', at most 128"
            )
        return self.root / root_run_id

    def _folders(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        return sorted(path for path in self.root.iterdir() if path.is_dir() and _PLAIN_NAME.fullmatch(path.name))

    def _newest_first(self) -> list[Snapshot]:
        complete = [snapshot for snapshot in map(Snapshot, self._folders()) if snapshot.is_complete]
        return sorted(complete, key=lambda snapshot: snapshot.as_of, reverse=True)
