"""One snapshot of what was read from the source.

It covers some prefixes, and has one Parquet file for each prefix.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from conflict_assets.domain.reading_facts import ReadingFacts
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.partitions import are_all_prefixes
from conflict_assets.source.fingerprints import Fingerprints
from conflict_assets.source.protocol import COUNT_COLUMNS, SourceError
from conflict_assets.source.snapshot_files import (
    CHANGED_SSNS,
    CHANGED_SSNS_SCHEMA,
    LEFT_OUT,
    LEFT_OUT_SCHEMA,
    LEFT_OUT_WRITTEN,
    MANIFEST,
    checksum_of,
    file_of,
    read_rows,
    system_text,
)
from conflict_assets.source.snapshot_parts import SnapshotParts
from conflict_assets.source.told_rows import told


@dataclass(frozen=True)
class ContentChanges:
    """What a snapshot has changed of a prefix.

    All visits but those of some SSNs are those of an earlier `content`.
    """

    content: str
    ssns: pa.Array


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
        """Whether all of the snapshot was written.

        A snapshot whose manifest is damaged counts as half-written.
        """
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
        """Whether the snapshot covers every prefix, as a whole night does."""
        return are_all_prefixes(self.prefixes, self.prefix_length)

    @property
    def contested_prefixes(self) -> tuple[str, ...]:
        """The prefixes with contested visits: the only ones worth a step."""
        return tuple(prefix for prefix in self.prefixes if self._manifest["contested_rows"].get(prefix))

    def counts(self, prefix: str) -> Mapping[str, int]:
        """The source's counts of a prefix by `COUNT_COLUMNS`.

        All of them are zero when the prefix has no visits.
        """
        self._require(prefix)
        counted: Mapping[str, int] = self._manifest["counts"].get(prefix, {})
        return {name: counted.get(name, 0) for name in COUNT_COLUMNS}

    def total_counts(self) -> Mapping[str, int]:
        """The source's counts of all visits that were seen.

        Visits without a prefix count too.
        """
        every = (*self._manifest["counts"].values(), self._manifest["counts_without_prefix"])
        return {name: sum(counted.get(name, 0) for counted in every) for name in COUNT_COLUMNS}

    def content(self, prefix: str) -> str | None:
        """A text that is the same for snapshots that hold, to the row, the same contested visits of a prefix.

        Snapshots of earlier releases have none.
        """
        self._require(prefix)
        contents: Mapping[str, str] = self._manifest.get("content", {})
        return contents.get(prefix)

    def changes(self, prefix: str) -> ContentChanges | None:
        """What differs from the snapshot that was carried over, or None where none was."""
        content = self._manifest.get("content_before", {}).get(prefix)
        if content is None:
            return None
        with self._readable():
            changed = read_rows(self.folder / CHANGED_SSNS, CHANGED_SSNS_SCHEMA, prefix)
        return ContentChanges(content, changed["ssn"].combine_chunks())

    @property
    def reading(self) -> ReadingFacts:
        """How the snapshot was read."""
        return ReadingFacts.from_json(self._manifest.get("reading", {}))

    @property
    def kind(self) -> str:
        """`full` or `incremental`: how it was read."""
        return self.reading.kind

    @property
    def buckets(self) -> int:
        """Into how many buckets the SSNs of a prefix are shared."""
        return int(self._manifest.get("buckets", 1))

    def visits(self, prefix: str) -> pa.Table:
        """The contested visits of a prefix, as `VISIT_SCHEMA`.

        There are no rows when the prefix has none.
        """
        parts = self.parts(prefix)
        with self._readable():
            return parts.rows(VISIT_SCHEMA)

    def parts(self, prefix: str) -> SnapshotParts:
        """The files of a prefix."""
        self._require(prefix)
        return SnapshotParts(self.folder, prefix, self._checksums)

    @property
    def _checksums(self) -> Mapping[str, int]:
        """The checksum of each file. Snapshots of earlier releases name none of theirs."""
        checksums: Mapping[str, int] = self._manifest.get("checksums", {})
        return checksums or {file_of(prefix): 0 for prefix in self.contested_prefixes}

    def left_out(self, prefix: str) -> pa.Table:
        """The visits of a prefix that travelled without being contested, as `LEFT_OUT_SCHEMA`."""
        self._require(prefix)
        with self._readable():
            return _as_told(read_rows(self.folder / LEFT_OUT, LEFT_OUT_WRITTEN, prefix))

    def all_left_out(self) -> pa.Table:
        """Return all visits that travelled without being contested.

        Those without a prefix have a null one.
        """
        with self._readable():
            return _as_told(read_rows(self.folder / LEFT_OUT, LEFT_OUT_WRITTEN))

    def written_left_out(self) -> pa.Table:
        """All that was written of visits that are not contested, as `LEFT_OUT_WRITTEN`."""
        with self._readable():
            return read_rows(self.folder / LEFT_OUT, LEFT_OUT_WRITTEN)

    def fingerprints(self) -> Fingerprints:
        """What was seen of the source beside the rows."""
        with self._readable():
            return Fingerprints.read(self.folder)

    def require_whole(self) -> None:
        """Look at every file.

        Raises:
            SourceError: a file is damaged or gone.
        """
        with self._readable():
            for name, checksum in self._checksums.items():
                if checksum_of(self.folder / name) != checksum:
                    raise ValueError(name)

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


def _as_told(left_out: pa.Table) -> pa.Table:
    return told(left_out).select(LEFT_OUT_SCHEMA.names)
