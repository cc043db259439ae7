"""Snapshots: what one run read from the source, one Parquet file a prefix, kept under the run's id."""

import json
import os
import re
import shutil
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.protocol import CONTESTED, COUNT_COLUMNS, ROW_SCHEMA, SourceError, VisitQuery
from conflict_assets.source.survey import Prefix, Survey, Tally

MANIFEST = "snapshot.json"
SIDELINED = "sidelined.parquet"
SIDELINED_SCHEMA = pa.schema([("ssn_prefix", pa.string()), ("visit_id", pa.string()), ("outcome", pa.string())])
FOLDER_MODE = 0o700
FILE_MODE = 0o600
HALF_WRITTEN_SECONDS = 24 * 60 * 60

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class Snapshot:
    """One complete snapshot on disk."""

    folder: Path

    @cached_property
    def _manifest(self) -> Mapping[str, Any]:
        manifest: Mapping[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        return manifest

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
        path = self.folder / _file_of(prefix)
        if prefix not in self.contested_prefixes:
            return VISIT_SCHEMA.empty_table()
        return pq.read_table(path, schema=VISIT_SCHEMA)

    def sidelined(self, prefix: str) -> pa.Table:
        """The visits of a prefix that travelled without being contested, as `SIDELINED_SCHEMA`."""
        self._require(prefix)
        return pq.read_table(self.folder / SIDELINED, schema=SIDELINED_SCHEMA, filters=pc.field("ssn_prefix") == prefix)

    def all_sidelined(self) -> pa.Table:
        """All visits that travelled without being contested; those without a prefix have a null one."""
        return pq.read_table(self.folder / SIDELINED, schema=SIDELINED_SCHEMA)

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
            SourceError: rows come out of order or of a prefix that nobody asked for.
        """
        folder = self._folder(root_run_id)
        _make_folder(self.root)
        _clear(folder)
        _make_folder(folder)
        try:
            tally = Tally(survey)
            with closing(_ahead(tally.watch(batches))) as ahead:
                rows = _write_rows(folder, query, ahead)
            manifest = _manifest_of(query, as_of, rows, tally.counts())
            with _whole_file(folder / MANIFEST) as path:
                path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        except BaseException:
            _clear(folder)
            raise
        return Snapshot(folder)

    def for_run(self, root_run_id: str) -> Snapshot | None:
        """The complete snapshot of a root run, if there is one."""
        snapshot = Snapshot(self._folder(root_run_id))
        return snapshot if (snapshot.folder / MANIFEST).is_file() else None

    def newest(self, prefixes: str | Sequence[str]) -> Snapshot | None:
        """The complete snapshot with the latest as-of time that covers the prefix, or all of several."""
        wanted = {prefixes} if isinstance(prefixes, str) else set(prefixes)
        covering = [snapshot for snapshot in self._complete() if wanted <= set(snapshot.prefixes)]
        return max(covering, key=lambda snapshot: snapshot.as_of, default=None)

    def purge(
        self, keep: int = 3, *, older_than: timedelta | None = None, in_progress: Collection[str] = ()
    ) -> PurgedSnapshots:
        """Remove all complete snapshots but the newest `keep`, those of any rank that are older than `older_than`,
        and half-written ones older than a day. Those of the runs `in_progress` stay, whatever their age.
        """
        complete = sorted(self._complete(), key=lambda snapshot: snapshot.as_of, reverse=True)
        oldest = datetime.now(tz=UTC) - older_than if older_than is not None else None
        kept = {snapshot.folder for snapshot in complete[:keep] if oldest is None or snapshot.as_of >= oldest}
        finished = {snapshot.folder for snapshot in complete}
        now = time.time()
        purged = []
        for folder in self._folders():
            if folder in kept or folder.name in in_progress:
                continue
            if folder in finished or now - folder.stat().st_mtime > HALF_WRITTEN_SECONDS:
                _clear(folder)
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

    def _complete(self) -> Iterator[Snapshot]:
        return (Snapshot(folder) for folder in self._folders() if (folder / MANIFEST).is_file())


def _manifest_of(
    query: VisitQuery, as_of: datetime, rows: Mapping[str, int], counts: Mapping[Prefix, Mapping[str, int]]
) -> dict[str, Any]:
    return {
        "as_of": as_of.isoformat(),
        "first_date": query.first_date.isoformat(),
        "last_date": query.last_date.isoformat(),
        "prefix_length": query.prefix_length,
        "prefixes": sorted(query.prefixes),
        "contested_rows": rows,
        "counts": {prefix: counted for prefix, counted in counts.items() if prefix is not None},
        "counts_without_prefix": counts.get(None, {}),
        "query": {
            "cross_midnight": query.cross_midnight,
            "max_visits_per_day": query.max_visits_per_day,
            "excluded_agencies": len(query.excluded_agencies),
            "excluded_ssns": len(query.excluded_ssns),
        },
    }


def _clear(folder: Path) -> None:
    """Remove a snapshot; its manifest first, so that it never looks complete while it is not."""
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _ahead(batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
    """Fetch the next batch while the last one is written.

    The first one is waited for here, where a run that is ended can break off what the warehouse is doing.
    """
    coming = iter(batches)
    batch = next(coming, None)
    with ThreadPoolExecutor(1, thread_name_prefix="fetching") as fetching:
        while batch is not None:
            following = fetching.submit(next, coming, None)
            yield batch
            batch = following.result()


def _write_rows(folder: Path, query: VisitQuery, batches: Iterable[pa.RecordBatch]) -> dict[str, int]:
    """Write all rows; return the number of contested ones of each prefix that has some."""
    rows: dict[str, int] = {}
    with _parquet(folder / SIDELINED, SIDELINED_SCHEMA) as sidelined:
        contested = _contested_runs(batches, sidelined)
        pending = next(contested, None)
        while pending is not None:
            prefix = pending[0]
            if prefix in rows or prefix not in query.prefixes:
                raise SourceError(
                    f"The source gave rows of prefix {prefix} out of order or unasked; nothing was kept of this read."
                )
            rows[prefix] = 0
            with _parquet(folder / _file_of(prefix), VISIT_SCHEMA) as writer:
                while pending is not None and pending[0] == prefix:
                    writer.write_batch(pending[1])
                    rows[prefix] += pending[1].num_rows
                    pending = next(contested, None)
    return rows


def _contested_runs(
    batches: Iterable[pa.RecordBatch], sidelined: pq.ParquetWriter
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Split batches into runs of contested rows of one prefix; put the other rows aside on the way."""
    for batch in batches:
        if not batch.schema.equals(ROW_SCHEMA):
            raise SourceError("The source gave rows that are not as ROW_SCHEMA; nothing was kept of this read.")
        is_contested = pc.equal(batch.column("outcome"), CONTESTED)
        aside = batch.filter(pc.invert(is_contested))
        if aside.num_rows:
            sidelined.write_batch(aside.select(SIDELINED_SCHEMA.names))
        visits = batch.filter(is_contested)
        prefixes = visits.column("ssn_prefix")
        ends = pc.run_end_encode(prefixes)
        start = 0
        for end, prefix in zip(ends.run_ends.to_pylist(), ends.values.to_pylist(), strict=True):
            yield prefix, visits.slice(start, end - start).select(VISIT_SCHEMA.names)
            start = end


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    with _whole_file(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        yield writer


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name that becomes `path` when all went well, and vanishes otherwise."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, FILE_MODE))
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)


def _file_of(prefix: str) -> str:
    return f"{prefix}.parquet"
