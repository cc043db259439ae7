"""The files of a snapshot, whose rows are written prefix by prefix.

Each file is written whole or not at all, and only its owner may read it.
"""

import errno
import json
import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.protocol import CONTESTED, ROW_SCHEMA, SourceError, VisitQuery
from conflict_assets.source.survey import Prefix, Survey, SurveyedCounts

MANIFEST = "snapshot.json"
LEFT_OUT = "sidelined.parquet"  # the name in snapshots that are stored already
LEFT_OUT_SCHEMA = pa.schema([("ssn_prefix", pa.string()), ("visit_id", pa.string()), ("outcome", pa.string())])
FOLDER_MODE = 0o700
FILE_MODE = 0o600


def write_snapshot(
    folder: Path, query: VisitQuery, as_of: datetime, batches: Iterable[pa.RecordBatch], survey: Survey
) -> None:
    """Write all files of a snapshot into its folder, the manifest last."""
    make_folder(folder.parent)
    clear(folder)
    make_folder(folder)
    tally = SurveyedCounts(survey)
    with closing(_ahead(tally.watch(batches))) as coming:
        rows = _write_rows(folder, query.prefixes, coming)
    manifest = _manifest_of(query, as_of, rows, tally.counts())
    with _whole_file(folder / MANIFEST) as path:
        path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


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


def clear(folder: Path) -> None:
    """Remove a snapshot, its manifest first.

    So the snapshot never looks complete while it is not.
    """
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


def _write_rows(folder: Path, prefixes: Sequence[str], batches: Iterable[pa.RecordBatch]) -> dict[str, int]:
    """Write all rows, and count the contested rows of each prefix.

    Only prefixes that have some are in the result.
    """
    rows: dict[str, int] = {}
    with _parquet(folder / LEFT_OUT, LEFT_OUT_SCHEMA) as left_out:
        contested = _contested_runs(batches, left_out)
        pending = next(contested, None)
        while pending is not None:
            prefix = pending[0]
            if prefix in rows or prefix not in prefixes:
                raise SourceError(
                    f"The source gave rows of prefix {prefix} out of order or unasked; nothing was kept of this read."
                )
            rows[prefix] = 0
            with _parquet(folder / file_of(prefix), VISIT_SCHEMA) as writer:
                while pending is not None and pending[0] == prefix:
                    writer.write_batch(pending[1])
                    rows[prefix] += pending[1].num_rows
                    pending = next(contested, None)
    return rows


def _contested_runs(
    batches: Iterable[pa.RecordBatch], left_out: pq.ParquetWriter
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Split batches into runs of contested rows of one prefix.

    The other rows are written to `left_out` on the way.
    """
    for batch in batches:
        if not batch.schema.equals(ROW_SCHEMA):
            raise SourceError("The source gave rows that are not as ROW_SCHEMA; nothing was kept of this read.")
        is_contested = pc.equal(batch.column("outcome"), CONTESTED)
        aside = batch.filter(pc.invert(is_contested))
        if aside.num_rows:
            left_out.write_batch(aside.select(LEFT_OUT_SCHEMA.names))
        visits = batch.filter(is_contested)
        prefixes = visits.column("ssn_prefix")
        ends = pc.run_end_encode(prefixes)
        start = 0
        for end, prefix in zip(ends.run_ends.to_pylist(), ends.values.to_pylist(), strict=True):
            yield prefix, visits.slice(start, end - start).select(VISIT_SCHEMA.names)
            start = end


def read_rows(path: Path, schema: pa.Schema, prefix: str | None = None) -> pa.Table:
    """Read a file by a schema, whole or only the rows of a prefix.

    A column that the file lacks is missing in every row. The file is not read as one of pyarrow's data sets: for files
    of a prefix's size that takes twice as long.
    """
    with pq.ParquetFile(path) as file:
        groups = [number for number in range(file.num_row_groups) if prefix is None or _holds(file, number, prefix)]
        read = file.read_row_groups(groups)
    absent = pa.nulls(read.num_rows)
    columns = [read[each.name] if each.name in read.column_names else absent for each in schema]
    table = pa.table([column.cast(each.type) for column, each in zip(columns, schema, strict=True)], schema=schema)
    return table if prefix is None else table.filter(pc.equal(table["ssn_prefix"], prefix))


def _holds(file: pq.ParquetFile, number: int, prefix: str) -> bool:
    """Whether a row group may hold rows of a prefix, by its statistics."""
    found = file.metadata.row_group(number).column(file.schema_arrow.get_field_index("ssn_prefix")).statistics
    return found is None or not found.has_min_max or bool(found.min <= prefix <= found.max)


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    with _whole_file(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        yield writer


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary file that becomes `path` when all went well.

    Otherwise the temporary file vanishes.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, FILE_MODE))
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder that is its owner's alone."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)


def file_of(prefix: str) -> str:
    """The name of the file with a prefix's contested visits."""
    return f"{prefix}.parquet"


def system_text(error: OSError) -> str:
    """What the system says of an error, without Arrow's words around it."""
    number = error.errno or (errno.ENOENT if isinstance(error, FileNotFoundError) else None)
    return os.strerror(number) if number else type(error).__name__
