"""Tables as files, written a batch at a time: CSV, Parquet and Excel."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from conflict_assets.report.excel import excel_writer
from conflict_assets.report.whole_files import FileError

ROWS_A_GROUP = 20_000
"""Rows of a Parquet file that are held in memory, and that a reader can skip."""

FORMULA = r"\A[=+\-@\t\r\n]"
"""How a text begins that a spreadsheet may take for a formula."""

Write = Callable[[pa.RecordBatch], None]


class TableFormat(StrEnum):
    """The formats, by the ends of their files' names."""

    CSV = ".csv"
    PARQUET = ".parquet"
    EXCEL = ".xlsx"


def format_of(path: Path) -> TableFormat:
    """The format that a file's name asks for.

    Raises:
        FileError: it asks for none that can be written.
    """
    try:
        return TableFormat(path.suffix.lower())
    except ValueError:
        raise FileError(f"{path} ends in {path.suffix!r}; allowed: {', '.join(TableFormat)}") from None


@contextmanager
def table_writer(path: Path, format_: TableFormat, schema: pa.Schema, *, time_zone: str) -> Iterator[Write]:
    """Give a function that writes batches of `schema`; the file is complete at the end of the block.

    Only Excel, which knows no zones, shows instants in `time_zone`.
    """
    if format_ is TableFormat.CSV:
        with csv.CSVWriter(path, schema) as writer:
            yield lambda batch: writer.write_batch(without_formulas(batch))
    elif format_ is TableFormat.PARQUET:
        yield from _parquet_writer(path, schema)
    else:
        with excel_writer(path, schema, formula=FORMULA, time_zone=time_zone) as write:
            yield write


def without_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put an apostrophe before each text that a spreadsheet may take for a formula."""
    columns = [
        pc.replace_substring_regex(column, f"({FORMULA})", r"'\1") if pa.types.is_string(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _parquet_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    held: list[pa.RecordBatch] = []

    def flush(least: int) -> None:
        if sum(batch.num_rows for batch in held) >= least:
            writer.write_table(pa.Table.from_batches(held, schema), row_group_size=ROWS_A_GROUP)
            held.clear()

    def write(batch: pa.RecordBatch) -> None:
        held.append(batch)
        flush(ROWS_A_GROUP)

    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield write
        flush(1)
