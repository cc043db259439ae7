"""Tables as files, written a batch at a time: CSV, Parquet and Excel."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from conflict_assets.domain.formulas import FORMULA, GUARD
from conflict_assets.export.excel import excel_writer
from conflict_assets.output.whole_files import check_ending

ROWS_A_GROUP = 20_000
"""The rows of a Parquet file's group, which a reader can skip.

So many rows are held in memory.
"""

MONEY = "_amount"
"""The end of the names of columns that hold dollars."""

Write = Callable[[pa.RecordBatch], None]


class TableFormat(StrEnum):
    """The formats, by the ends of their files' names."""

    CSV = ".csv"
    PARQUET = ".parquet"
    EXCEL = ".xlsx"


def format_of(path: Path) -> TableFormat:
    """Return the format that a file's name asks for.

    Raises:
        FileError: it asks for none that can be written.
    """
    return TableFormat(check_ending(path, tuple(TableFormat)))


@contextmanager
def table_writer(
    path: Path,
    format_: TableFormat,
    schema: pa.Schema,
    *,
    time_zone: str,
    choices: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Write]:
    """Open a file and return a function that writes batches of `schema`.

    The file is complete at the end of the block. Only Excel, which knows no zones, shows instants in `time_zone`, and
    offers `choices` for columns to be filled in.
    """
    if format_ is TableFormat.CSV:
        with csv.CSVWriter(path, _in_csv(schema)) as writer:
            yield lambda batch: writer.write_batch(_with_cents(without_formulas(batch)))
    elif format_ is TableFormat.PARQUET:
        yield from _parquet_writer(path, schema)
    else:
        with excel_writer(path, schema, money=MONEY, time_zone=time_zone, choices=choices) as write:
            yield write


def _in_csv(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a CSV, in which money is text.

    Only texts retain the zeros of 12.50.
    """
    return pa.schema([(each.name, pa.string() if each.name.endswith(MONEY) else each.type) for each in schema])


def _with_cents(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        _cents(column) if name.endswith(MONEY) else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_in_csv(batch.schema))


def _cents(column: pa.Array) -> pa.Array:
    """Return money as texts with two decimals.

    A decimal type can't hold amounts that are too large for it. In that case each value is formatted by itself.
    """
    try:
        return column.cast(pa.decimal128(38, 2)).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if value is None else f"{value:.2f}" for value in column.to_pylist()], pa.string())


def without_formulas(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put an apostrophe before texts that a spreadsheet may take for formulas."""
    columns = [
        pc.replace_substring_regex(column, f"({FORMULA})", rf"{GUARD}\1") if pa.types.is_string(column.type) else column
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
