"""Conflict rows with both of their visits, streamed out of the store as Arrow batches: for files that people read.

PostgreSQL sends them as the text of a COPY, which Arrow reads into typed columns, some 1,000 rows at a time: neither
side makes a Python object of a value, and nobody holds more than a few batches.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from conflict_assets.domain.normalizing import trimmed
from conflict_assets.store.address import describe_url
from conflict_assets.store.columns import FLAGS
from conflict_assets.store.errors import StoreError
from conflict_assets.store.roles import WRITER

OPEN_STATUSES = ("new", "open")
STATUSES = (*OPEN_STATUSES, "resolved", "expired", "whitelisted", "ignored")
BLOCK_BYTES = 2 << 20
"""How much text makes a batch, some 1,000 rows; a row that is longer makes one of its own."""

_MASKED, _FULL = "conflict_visit_maps", "conflict_sides"
_TYPES = {
    "text": pa.string(),
    "int2": pa.int16(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "float8": pa.float64(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, kw_only=True)
class ExportQuery:
    """Which conflicts: all that fit every filter that is given; a filter fits when it does so for either of the visits.

    Agencies and payers go by id or by name in any letter case, rules by number. A conflict is one row, from the side
    of the smaller visit id, or one for each side. Prefixes and full SSNs are for logins of the writer role.
    """

    statuses: Sequence[str] = OPEN_STATUSES
    agencies: Sequence[str] = ()
    payers: Sequence[str] = ()
    rules: Sequence[int] = ()
    prefixes: Sequence[str] = ()
    first_date: date | None = None
    last_date: date | None = None
    both_sides: bool = False
    full_ssns: bool = False


@dataclass(frozen=True)
class UnreadableValue:
    """A value of the store that no file can hold, such as a date of the year 20251: the file has none in its place."""

    pair_id: str
    column: str

    def __str__(self) -> str:
        return f"pair {self.pair_id}: {self.column} can't be read, and is left empty"


@dataclass
class ConflictExport:
    """An export that is under way, of one moment of the store; its batches can be read once.

    `unreadable` fills up while they are read.
    """

    schema: pa.Schema
    _connection: psycopg.Connection[Any] = field(repr=False)
    _query: ExportQuery = field(repr=False)
    unreadable: list[UnreadableValue] = field(default_factory=list)

    def count(self) -> int:
        """How many rows there will be; to be asked before the batches."""
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(self._view, filters(self._query))
        row = self._connection.execute(statement).fetchone()
        return row[0] if row else 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, sorted by day, group and pair."""
        statement = sql.SQL(
            'COPY (SELECT {} FROM {} WHERE {} ORDER BY visit_date, group_id COLLATE "C", pair_id COLLATE "C", '
            'visit_id COLLATE "C") TO STDOUT (FORMAT csv)'
        ).format(_selected(self.schema.names, self._query), self._view, filters(self._query))
        with (
            self._connection.cursor() as cursor,
            cursor.copy(statement) as copy,
            closing(_ahead(_blocks(copy))) as blocks,
        ):
            for block in blocks:
                yield from self._table(block).to_batches()

    def _table(self, block: bytes) -> pa.Table:
        """Read a block of whole rows; where a value is not of its column's type, each value by itself."""
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
        # Somebody watches, and the reader of a slow file keeps the statement waiting.
        connection.execute(
            """SELECT set_config('statement_timeout', '0', true), set_config('jit', 'off', true),
                      set_config('work_mem', '64MB', true)"""
        )
        if view_of(query) == _FULL:
            require_writer(connection, "full SSNs" if query.full_ssns else "prefixes")
        yield ConflictExport(_schema(connection), connection, query)


def view_of(query: ExportQuery) -> str:
    """The view that has what is asked for: the masked one, unless full SSNs or prefixes are."""
    return _FULL if query.full_ssns or query.prefixes else _MASKED


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


def _schema(connection: psycopg.Connection[Any]) -> pa.Schema:
    """The columns of the masked view, which are those of every export; flags as booleans."""
    found = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(_MASKED))).description or []
    types = {column.name: _type(connection, column.type_code) for column in found}
    return pa.schema([(name, pa.bool_() if name in FLAGS else kind) for name, kind in types.items()])


def _type(connection: psycopg.Connection[Any], oid: int) -> pa.DataType:
    known = connection.adapters.types.get(oid)
    if known is None or known.name not in _TYPES:
        raise StoreError(f"A column of the view has type {known.name if known else oid}, which no export knows.")
    return _TYPES[known.name]


def _selected(names: Sequence[str], query: ExportQuery) -> sql.Composable:
    masked = view_of(query) == _MASKED
    columns = []
    for name in names:
        text = "{}"
        if name in FLAGS and masked:
            text = "{} = 'Y'"
        elif name == "ssn" and not masked and not query.full_ssns:
            text = "'***-**-' || right({}, 4)"
        columns.append(sql.SQL(text).format(sql.Identifier(name)))
    return sql.SQL(", ").join(columns)


def filters(query: ExportQuery) -> sql.Composable:
    """The condition that a row of the view fits when it is asked for."""
    conditions: list[sql.Composable] = [sql.SQL("status = ANY({})").format(list(query.statuses))]
    if not query.both_sides:
        conditions.append(sql.SQL('visit_id < con_visit_id COLLATE "C"'))
    for ids, names, wanted in (
        ("provider_id", "provider_name", query.agencies),
        ("payer_id", "contract", query.payers),
    ):
        if wanted:
            conditions.append(_either_side(ids, names, wanted))
    if query.rules:
        conditions.append(sql.SQL("rule = ANY({})").format(list(query.rules)))
    if query.prefixes:
        conditions.append(sql.SQL("ssn_prefix = ANY({})").format(list(query.prefixes)))
    if query.first_date is not None:
        conditions.append(sql.SQL("greatest(visit_date, con_visit_date) >= {}").format(query.first_date))
    if query.last_date is not None:
        conditions.append(sql.SQL("least(visit_date, con_visit_date) <= {}").format(query.last_date))
    return sql.SQL(" AND ").join(conditions)


def _either_side(ids: str, names: str, wanted: Sequence[str]) -> sql.Composable:
    texts = [trimmed(text) for text in wanted]
    return sql.SQL("({0} = ANY({4}) OR {1} = ANY({4}) OR lower({2}) = ANY({5}) OR lower({3}) = ANY({5}))").format(
        *(sql.Identifier(f"{side}{name}") for name in (ids, names) for side in ("", "con_")),
        texts,
        [text.lower() for text in texts],
    )


def _read(block: bytes, schema: pa.Schema) -> pa.Table:
    """Read the text of a COPY: a missing value is nothing at all, an empty text is two quotes."""
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
    """One value by its text; None where it can't be read."""
    if text is None:
        return None
    try:
        return _read(f"{text}\n".encode(), pa.schema([column]))[0][0].as_py()
    except (pa.ArrowInvalid, ValueError, OverflowError):
        # Arrow's message quotes the value.
        return None


def _blocks(copy: psycopg.Copy) -> Iterator[bytes]:
    """The text of a COPY in blocks of whole rows: PostgreSQL sends one row at a time."""
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
    """Fetch the next block while somebody works on the last one."""
    with ThreadPoolExecutor(1, thread_name_prefix="fetching") as fetching:
        coming = fetching.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = fetching.submit(next, blocks, None)
            yield block
