"""Streams conflict rows out of the store as Arrow batches.

Each row holds both visits of its conflict. The batches are for files that people read. PostgreSQL sends them as the
text of a COPY, which Arrow reads into typed columns, some 1,000 rows at a time. Neither side makes a Python object of a
value, and no more than a few batches are in memory.
"""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from conflict_assets.store.address import describe_url
from conflict_assets.store.errors import StoreError
from conflict_assets.store.export_query import (
    FULL_VIEW,
    Columns,
    ExportQuery,
    filters,
    selected,
    view_of,
)
from conflict_assets.store.roles import WRITER

__all__ = ["Columns", "ConflictExport", "ExportQuery", "export_conflicts"]

BLOCK_BYTES = 2 << 20
"""How much text makes a batch, some 1,000 rows. A longer row makes a batch of its own."""

_TYPES = {
    "text": pa.string(),
    "int2": pa.int16(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "float8": pa.float64(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class UnreadableValue:
    """A value of the store that no file can hold.

    An example is a date of the year 20251. The file leaves the value empty.
    """

    pair_id: str
    column: str

    def __str__(self) -> str:
        return f"pair {self.pair_id}: {self.column} can't be read, and is left empty"


@dataclass
class ConflictExport:
    """An open export of one moment of the store.

    The batches can be read once. `unreadable` fills up while they are read.
    """

    schema: pa.Schema
    _connection: psycopg.Connection[Any] = field(repr=False)
    _query: ExportQuery = field(repr=False)
    _selected: sql.Composable = field(repr=False)
    unreadable: list[UnreadableValue] = field(default_factory=list)

    def count(self) -> int:
        """Return how many rows there will be.

        Call this before the batches are read.
        """
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(self._view, filters(self._query))
        row = self._connection.execute(statement).fetchone()
        return row[0] if row else 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, sorted by day, group and pair."""
        statement = sql.SQL(
            'COPY (SELECT {} FROM {} WHERE {} ORDER BY visit_date, group_id COLLATE "C", pair_id COLLATE "C", '
            'visit_id COLLATE "C") TO STDOUT (FORMAT csv)'
        ).format(self._selected, self._view, filters(self._query))
        with (
            self._connection.cursor() as cursor,
            cursor.copy(statement) as copy,
            closing(_ahead(_blocks(copy))) as blocks,
        ):
            for block in blocks:
                yield from self._table(block).to_batches()

    def _table(self, block: bytes) -> pa.Table:
        """Read a block of whole rows.

        Where a value does not have its column's type, each value is read by itself.
        """
        try:
            return _read(block, self.schema)
        except pa.ArrowInvalid:
            texts = _read(block, pa.schema([(name, pa.string()) for name in self.schema.names]))
            return pa.table([self._column(texts, each) for each in self.schema], schema=self.schema)

    def _column(self, texts: pa.Table, column: pa.Field) -> pa.Array:
        found = texts[column.name].combine_chunks()
        if pa.types.is_string(column.type):
            return found
        values = [_value(text, column) for text in found.to_pylist()]
        for pair_id, text, value in zip(texts["pair_id"].to_pylist(), found.to_pylist(), values, strict=True):
            if text is not None and value is None:
                self.unreadable.append(UnreadableValue(pair_id, column.name))
        return pa.array(values, column.type)

    @cached_property
    def _view(self) -> sql.Identifier:
        return sql.Identifier(view_of(self._query))


@contextmanager
def export_conflicts(connection: psycopg.Connection[Any], query: ExportQuery) -> Iterator[ConflictExport]:
    """Open an export, in a transaction that sees one moment of the store.

    Raises:
        StoreError: prefixes or full SSNs are asked for by a login that is not of the writer role.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # There is no time-out: a person watches the export, and whoever reads a slow file keeps the statement waiting.
        connection.execute(
            """SELECT set_config('statement_timeout', '0', true), set_config('jit', 'off', true),
                      set_config('work_mem', '64MB', true)"""
        )
        if view_of(query) == FULL_VIEW:
            require_writer(connection, "full SSNs" if query.full_ssns else "prefixes")
        columns = selected(connection, query)
        yield ConflictExport(_schema(connection, query, columns), connection, query, columns)


def require_writer(connection: psycopg.Connection[Any], what: str) -> None:
    """Refuse a login that may see masked rows only.

    Raises:
        StoreError: the login is neither the owner of the store nor a writer.
    """
    row = connection.execute(
        """SELECT bool_or(pg_has_role(role, 'USAGE')) FROM (
               SELECT relowner FROM pg_class WHERE oid = to_regclass('visit_conflicts')
               UNION ALL SELECT oid FROM pg_roles WHERE rolname = %s) AS r (role)""",
        [WRITER],
    ).fetchone()
    if not (row and row[0]):
        way_out = "Leave out --full-ssn: the file then has ***-**-1234" if what == "full SSNs" else "Leave out --prefix"
        raise StoreError(
            f"{describe_url(connection.info.dsn)} may not see {what}; allowed: the owner of the store and members of "
            f"{WRITER}. {way_out}, or let CONFLICTS_POSTGRES_URL log in as one of them."
        )


def _schema(connection: psycopg.Connection[Any], query: ExportQuery, columns: sql.Composable) -> pa.Schema:
    """Return the names and types of the selected columns.

    They are the same for the masked view and for the full one.
    """
    statement = sql.SQL("SELECT {} FROM {} LIMIT 0").format(columns, sql.Identifier(view_of(query)))
    found = connection.execute(statement).description or []
    return pa.schema([(column.name, _type(connection, column.type_code)) for column in found])


def _type(connection: psycopg.Connection[Any], oid: int) -> pa.DataType:
    known = connection.adapters.types.get(oid)
    if known is None or known.name not in _TYPES:
        raise StoreError(f"A column of the view has type {known.name if known else oid}, which no export knows.")
    return _TYPES[known.name]


def _read(block: bytes, schema: pa.Schema) -> pa.Table:
    """Read the text of a COPY.

    A missing value is written as nothing at all, and an empty text as two quotes.
    """
    return csv.read_csv(
        pa.BufferReader(block),
        read_options=csv.ReadOptions(column_names=schema.names, block_size=len(block)),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _value(text: str | None, column: pa.Field) -> Any:
    """Return one value from its text, or None where it can't be read."""
    if text is None:
        return None
    try:
        return _read(f"{text}\n".encode(), pa.schema([column]))[0][0].as_py()
    except (pa.ArrowInvalid, ValueError, OverflowError):
        # The error is dropped, since Arrow's message quotes the value.
        return None


def _blocks(copy: psycopg.Copy) -> Iterator[bytes]:
    """Yield the text of a COPY in blocks of whole rows.

    PostgreSQL sends one row at a time.
    """
    rows: list[bytes] = []
    size = 0
    while row := copy.read():
        rows.append(bytes(row))
        size += len(row)
        if size >= BLOCK_BYTES:
            yield b"".join(rows)
            rows, size = [], 0
    if rows:
        yield b"".join(rows)


def _ahead(blocks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Fetch the next block while the caller works on the last one."""
    with ThreadPoolExecutor(1, thread_name_prefix="fetching") as fetching:
        coming = fetching.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = fetching.submit(next, blocks, None)
            yield block
