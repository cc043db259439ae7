"""The files of a snapshot.

Each file is written whole or not at all, and only its owner may read it. Files are written and read through
`pyarrow.fs`.
"""

import errno
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from conflict_assets.domain.reasons import Note
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.protocol import CARRYING_SCHEMA, DIMENSION_KEYS

MANIFEST = "snapshot.json"
LEFT_OUT = "sidelined.parquet"  # the name in snapshots that are stored already
STALE = "stale.parquet"
"""The rows of the prefixes' own files that no longer hold, by their numbers."""
CHANGED_SSNS = "changed_ssns.parquet"
"""The SSNs whose contested visits are not those of the snapshot that an incremental night has carried over."""

LEFT_OUT_SCHEMA = pa.schema([("ssn_prefix", pa.string()), ("visit_id", pa.string()), ("outcome", pa.string())])
LEFT_OUT_WRITTEN = pa.schema(
    [
        *LEFT_OUT_SCHEMA,
        ("surveyed_as", pa.string()),
        ("left_out_ssn", pa.string()),
        ("cell", pa.int64()),
        ("is_suspect", pa.bool_()),
        ("is_told", pa.bool_()),
    ]
)
"""What is written of a visit that is not contested. What is not told is there for a later night only."""

VISIT_WRITTEN = pa.schema(
    [
        *VISIT_SCHEMA,
        *((str(note), pa.bool_()) for note in Note),
        *(each for each in CARRYING_SCHEMA if each.name in {"cell", "row_hash", *DIMENSION_KEYS}),
    ]
)
"""What is written of a contested visit, with what a later night needs of it."""

STALE_SCHEMA = pa.schema([("ssn_prefix", pa.string()), ("row", pa.int64())])
CHANGED_SSNS_SCHEMA = pa.schema([("ssn_prefix", pa.string()), ("ssn", pa.string())])
FOLDER_MODE = 0o700
FILE_MODE = 0o600

_FILES = LocalFileSystem()


def clear(folder: Path) -> None:
    """Remove a snapshot, its manifest first.

    So the snapshot never looks complete while it is not.
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def read_rows(path: Path, schema: pa.Schema, prefix: str | None = None) -> pa.Table:
    """Read a file by a schema, whole or only the rows of a prefix.

    A column that the file lacks is missing in every row. The file is not read as one of pyarrow's data sets: for files
    of a prefix's size that takes twice as long.
    """
    with pq.ParquetFile(path) as file:
        groups = [number for number in range(file.num_row_groups) if prefix is None or _holds(file, number, prefix)]
        read = file.read_row_groups(groups, columns=[each for each in file.schema_arrow.names if each in schema.names])
    absent = pa.nulls(read.num_rows)
    columns = [read[each.name] if each.name in read.column_names else absent for each in schema]
    table = pa.table([column.cast(each.type) for column, each in zip(columns, schema, strict=True)], schema=schema)
    return table if prefix is None else table.filter(pc.equal(table["ssn_prefix"], prefix))


def written_schema(path: Path) -> pa.Schema:
    """Return the schema of a file as it was written."""
    with pq.ParquetFile(path) as file:
        return file.schema_arrow


def _holds(file: pq.ParquetFile, number: int, prefix: str) -> bool:
    """Whether a row group may hold rows of a prefix, by its statistics."""
    found = file.metadata.row_group(number).column(file.schema_arrow.get_field_index("ssn_prefix")).statistics
    return found is None or not found.has_min_max or bool(found.min <= prefix <= found.max)


@contextmanager
def parquet_writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Give a writer of a file that is there when all went well."""
    with (
        whole_file(path) as partial,
        _FILES.open_output_stream(str(partial)) as stream,
        pq.ParquetWriter(stream, schema, compression="zstd") as writer,
    ):
        yield writer


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table into a file."""
    with parquet_writer(path, table.schema) as writer:
        writer.write_table(table)


def write_by_prefix(path: Path, table: pa.Table) -> None:
    """Write a table that is ordered by `ssn_prefix`, so that each prefix can be read alone."""
    with parquet_writer(path, table.schema) as writer:
        start = 0
        for end in pc.run_end_encode(table["ssn_prefix"].combine_chunks()).run_ends.to_pylist() if len(table) else ():
            writer.write_table(table.slice(start, end - start))
            start = end


def write_text(path: Path, text: str) -> None:
    """Write a text into a file."""
    with whole_file(path) as partial, _FILES.open_output_stream(str(partial)) as stream:
        stream.write(text.encode())


def copy_file(source: Path, target: Path) -> None:
    """Copy a file of another snapshot."""
    with whole_file(target) as partial:
        _FILES.copy_file(str(source), str(partial))


def checksum_of(path: Path) -> int:
    """Return a file's checksum."""
    with _FILES.open_input_file(str(path)) as file:
        return zlib.crc32(file.read())


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
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


def changed_file_of(prefix: str) -> str:
    """The name of the file with the contested visits that a prefix has besides those of its own file."""
    return f"{prefix}.changed.parquet"


def system_text(error: OSError) -> str:
    """What the system says of an error, without Arrow's words around it."""
    number = error.errno or (errno.ENOENT if isinstance(error, FileNotFoundError) else None)
    return os.strerror(number) if number else type(error).__name__
