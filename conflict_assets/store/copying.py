"""Copies Arrow tables into PostgreSQL by binary COPY.

It needs no text and no casts, and it copies a batch at a time.
"""

from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from conflict_assets.domain.calendar import end_of_calendar, first_moment

ROWS_A_BATCH = 20_000

TYPES = {
    pa.string(): "text",
    pa.date32(): "date",
    pa.bool_(): "boolean",
    pa.float64(): "double precision",
    pa.timestamp("us", tz="UTC"): "timestamptz",
}


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring a table to a schema.

    A value that can't be read back becomes a missing value, and a NUL in a text becomes U+FFFD. Absent columns, numbers
    that are not finite, and dates and times that the calendar does not have become missing values.

    Raises:
        ValueError: a column can't be brought to its type. The message names the column.
    """
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        column = table[field.name]
        try:
            column = column if column.type == field.type else column.cast(field.type)
        except pa.ArrowInvalid:
            raise ValueError(f"column {field.name} is {table[field.name].type} and does not fit {field.type}") from None
        columns.append(_storable(column))
    return pa.table(columns, schema=schema)


def _storable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    if pa.types.is_temporal(column.type):
        return _in_calendar(column)
    if pa.types.is_string(column.type) and any(_holds_nul(chunk) for chunk in column.chunks):
        # The NUL is replaced, not removed: two ids that differ only by a NUL would become one.
        return pc.replace_substring(column, "\x00", "\ufffd")
    return column


def _in_calendar(column: pa.ChunkedArray) -> pa.ChunkedArray:
    first, end = (pa.scalar(moment).cast(column.type) for moment in (first_moment(), end_of_calendar()))
    known = pc.and_(pc.greater_equal(column, first), pc.less(column, end))
    if pc.all(known, min_count=0).as_py():
        return column
    return pc.if_else(known, column, pa.scalar(None, column.type))


def _holds_nul(texts: pa.StringArray) -> bool:
    """Return whether a text may hold a NUL, which PostgreSQL's texts can't hold.

    Reading the bytes is ten times cheaper than reading the texts.
    """
    data = texts.buffers()[2]
    return data is not None and b"\x00" in data.to_pybytes()


def ddl(schema: pa.Schema) -> sql.Composable:
    """Return the columns of a schema as PostgreSQL declares them."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(TYPES[field.type])) for field in schema
    )


def copy_table(connection: psycopg.Connection[Any], target: str, table: pa.Table, **same: Any) -> None:
    """Copy a table's rows into the columns of the same names.

    The rows are copied in the running transaction. `same` names columns that have one value in every row.
    """
    if not table.num_rows:
        return
    for name, value in same.items():
        table = table.append_column(name, pa.repeat(value, table.num_rows))
    encoder = ArrowToPostgresBinaryEncoder(table.schema)
    columns = sql.SQL(", ").join(map(sql.Identifier, table.schema.names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(target), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoder.write_header())
        for batch in table.to_batches(max_chunksize=ROWS_A_BATCH):
            copy.write(encoder.write_batch(batch))
        copy.write(encoder.finish())
