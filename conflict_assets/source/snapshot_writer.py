"""Writes a snapshot: from what the source gives alone, or together with what an earlier snapshot holds."""

import json
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.reading_facts import ReadingFacts
from conflict_assets.source.carried_prefix import CarriedPrefix
from conflict_assets.source.carried_rows import CarriedRows, carrying
from conflict_assets.source.fingerprints import Fingerprints
from conflict_assets.source.protocol import CONTESTED, REPEATED, REPEATED_SCHEMA, ROW_SCHEMA, SourceError, VisitQuery
from conflict_assets.source.snapshot_files import (
    CHANGED_SSNS,
    CHANGED_SSNS_SCHEMA,
    LEFT_OUT,
    LEFT_OUT_WRITTEN,
    MANIFEST,
    STALE,
    STALE_SCHEMA,
    VISIT_WRITTEN,
    checksum_of,
    clear,
    file_of,
    make_folder,
    parquet_writer,
    write_by_prefix,
    write_text,
)
from conflict_assets.source.survey import COUNTED, Survey, SurveyedCounts
from conflict_assets.source.told_rows import with_told

_NO_VISITS = VISIT_WRITTEN.empty_table()
_LEFT_OUT = pa.schema([each for each in LEFT_OUT_WRITTEN if each.name != "is_told"])


@dataclass(frozen=True, kw_only=True)
class SnapshotContent:
    """All that a snapshot is written from.

    The rows of `batches` are as `ROW_SCHEMA`, ordered by prefix, null first. Without `fingerprints` no later night can
    carry the snapshot over. With `carried`, the rows are those of changed cells and around them.
    """

    query: VisitQuery
    as_of: datetime
    batches: Iterable[pa.RecordBatch]
    survey: Survey
    fingerprints: Fingerprints | None = None
    carried: CarriedRows | None = None
    facts: ReadingFacts = field(default_factory=ReadingFacts)


def write_snapshot(folder: Path, content: SnapshotContent) -> None:
    """Write all files of a snapshot into its folder, the manifest last."""
    make_folder(folder.parent)
    clear(folder)
    make_folder(folder)
    writer = SnapshotWriter(folder, content)
    with closing(_ahead(content.batches)) as coming:
        writer.write(coming)
    write_text(folder / MANIFEST, json.dumps(writer.manifest(), indent=1))


class SnapshotWriter:
    """The files of one snapshot, while they are written."""

    def __init__(self, folder: Path, content: SnapshotContent) -> None:
        self._folder = folder
        self._content = content
        self._tally = SurveyedCounts(content.survey)
        self._rows: dict[str, int] = {}
        self._rows_read = 0
        self._rows_carried = 0
        self._left_out: list[pa.Table] = []
        self._repeated: list[pa.Table] = []
        self._stale: dict[str, pa.Table] = {}
        self._changed_ssns: dict[str, pa.Table] = {}

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write the rows prefix by prefix, then what stands beside them."""
        expected = iter(sorted(self._content.query.prefixes))
        for prefix, rows in groupby(self._contested_runs(batches), key=lambda run: run[0]):
            for skipped in expected:
                if skipped == prefix:
                    break
                self._write_prefix(skipped, iter(()))
            else:
                raise SourceError(
                    f"The source gave rows of prefix {prefix} out of order or unasked; nothing was kept of this read."
                )
            self._write_prefix(prefix, (table for _, table in rows))
        for skipped in expected:
            self._write_prefix(skipped, iter(()))
        self._write_left_out()
        self._write_fingerprints()

    def _contested_runs(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, pa.Table]]:
        """Split batches into runs of contested rows of one prefix, and lay the other rows aside."""
        for batch in batches:
            if not batch.schema.equals(ROW_SCHEMA):
                raise SourceError("The source gave rows that are not as ROW_SCHEMA; nothing was kept of this read.")
            self._rows_read += batch.num_rows
            rows = pa.table(batch)
            if self._content.carried is not None:
                rows = self._content.carried.judged(rows)
            self._tally.count(rows)
            is_contested = pc.equal(rows["outcome"], CONTESTED)
            left_out = rows.filter(pc.and_not(pc.invert(is_contested), pc.equal(rows["outcome"], REPEATED)))
            self._left_out.append(left_out.select(_LEFT_OUT.names))
            self._repeated.append(rows.filter(pc.is_valid(rows["id_hash"])).select(REPEATED_SCHEMA.names))
            visits = rows.filter(is_contested).combine_chunks()
            start = 0
            ends = pc.run_end_encode(visits["ssn_prefix"].combine_chunks()) if len(visits) else None
            for end, prefix in zip(ends.run_ends.to_pylist(), ends.values.to_pylist(), strict=True) if ends else ():
                yield prefix, visits.slice(start, end - start).select(VISIT_WRITTEN.names)
                start = end

    def _write_prefix(self, prefix: str, runs: Iterator[pa.Table]) -> None:
        """Write the contested visits of a prefix."""
        if self._content.carried is None:
            self._rows[prefix] = self._write_visits(prefix, runs)
        else:
            # Read before anything is carried over: what goes wrong with the source is no fault of the earlier snapshot.
            found = pa.concat_tables([_NO_VISITS, *runs])
            with carrying(self._content.carried.snapshot):
                self._write_carried(self._content.carried.of_prefix(prefix, found))
        if not self._rows[prefix]:
            del self._rows[prefix]

    def _write_visits(self, prefix: str, runs: Iterator[pa.Table]) -> int:
        first = next(runs, None)
        if first is None:
            return 0
        count = 0
        with parquet_writer(self._folder / file_of(prefix), VISIT_WRITTEN) as writer:
            while first is not None:
                writer.write_table(first)
                count += first.num_rows
                first = next(runs, None)
        return count

    def _write_carried(self, carried: CarriedPrefix) -> None:
        """Write what a prefix keeps of the earlier snapshot, and what is new of it."""
        kept = carried.kept()
        self._tally.count(kept.select(COUNTED))
        self._rows_carried += kept.num_rows
        self._rows[carried.prefix] = kept.num_rows + carried.found.num_rows
        self._add(self._changed_ssns, CHANGED_SSNS_SCHEMA, carried.prefix, carried.changed_ssns())
        self._add(self._stale, STALE_SCHEMA, carried.prefix, pa.array(carried.write(self._folder)))

    @staticmethod
    def _add(tables: dict[str, pa.Table], schema: pa.Schema, prefix: str, values: pa.Array) -> None:
        if len(values):
            tables[prefix] = pa.table([pa.repeat(prefix, len(values)), values], schema=schema)

    def _write_left_out(self) -> None:
        left_out = pa.concat_tables([_LEFT_OUT.empty_table(), *self._left_out])
        if self._content.carried is not None:
            kept = self._content.carried.left_out()
            self._tally.count(_as_counted(kept))
            left_out = pa.concat_tables([kept.select(_LEFT_OUT.names), left_out])
            for name, schema, tables in (
                (STALE, STALE_SCHEMA, self._stale),
                (CHANGED_SSNS, CHANGED_SSNS_SCHEMA, self._changed_ssns),
            ):
                write_by_prefix(self._folder / name, pa.concat_tables([schema.empty_table(), *tables.values()]))
        left_out = with_told(left_out, self._content.query)
        write_by_prefix(
            self._folder / LEFT_OUT, left_out.sort_by([("ssn_prefix", "ascending"), ("visit_id", "ascending")])
        )

    def _write_fingerprints(self) -> None:
        if self._content.fingerprints is not None:
            repeated = pa.concat_tables([REPEATED_SCHEMA.empty_table(), *self._repeated])
            if self._content.carried is not None:
                repeated = pa.concat_tables([repeated, self._content.carried.repeated()])
            unique = repeated.group_by(REPEATED_SCHEMA.names).aggregate([])
            replace(self._content.fingerprints, repeated=unique).write(self._folder)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of what was written."""
        query, counts = self._content.query, self._tally.counts()
        facts = replace(
            self._content.facts,
            rows_read=self._rows_read,
            rows_carried=self._rows_carried,
        )
        return {
            "as_of": self._content.as_of.isoformat(),
            "first_date": query.first_date.isoformat(),
            "last_date": query.last_date.isoformat(),
            "prefix_length": query.prefix_length,
            "prefixes": sorted(query.prefixes),
            "contested_rows": self._rows,
            "counts": {prefix: counted for prefix, counted in counts.items() if prefix is not None},
            "counts_without_prefix": counts.get(None, {}),
            "content": {prefix: self._content_of(prefix) for prefix in sorted(query.prefixes)},
            "content_before": {prefix: self._earlier_content(prefix) for prefix in sorted(query.prefixes)},
            "buckets": query.buckets,
            "reading": facts.as_json(),
            "checksums": {path.name: checksum_of(path) for path in sorted(self._folder.glob("*.parquet"))},
            "query": {
                "cross_midnight": query.cross_midnight,
                "max_visits_per_day": query.max_visits_per_day,
                "excluded_agencies": len(query.excluded_agencies),
                "excluded_ssns": len(query.excluded_ssns),
            },
        }

    def _content_of(self, prefix: str) -> str:
        """Return the text that is the same for snapshots that hold the same contested visits of a prefix."""
        earlier = self._earlier_content(prefix) if prefix not in self._changed_ssns else None
        return earlier or f"{self._folder.name} {self._content.as_of.isoformat()}"

    def _earlier_content(self, prefix: str) -> str | None:
        """Return the text that says which rows the snapshot holds that was carried over."""
        carried = self._content.carried
        return carried.content(prefix) if carried is not None else None


def _as_counted(left_out: pa.Table) -> pa.Table:
    """Give left-out rows the columns that counting looks at."""
    return pa.table(
        {name: left_out[name] if name in left_out.column_names else pa.nulls(len(left_out)) for name in COUNTED}
    )


def _ahead(batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
    """Fetch the next batch while the last one is written.

    The first one is waited for here, where a run that is ended can break off what the warehouse is doing. What is left
    of them when the writing fails is let go of, since DuckDB opens no file of which somebody still streams.
    """
    coming = iter(batches)
    try:
        batch = next(coming, None)
        with ThreadPoolExecutor(1, thread_name_prefix="fetching") as fetching:
            while batch is not None:
                following = fetching.submit(next, coming, None)
                yield batch
                batch = following.result()
    finally:
        if isinstance(coming, Generator):
            coming.close()
