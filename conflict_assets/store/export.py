"""Conflict rows with both of their visits, as an Arrow table: for files and reports."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from conflict_assets.store.errors import StoreError

ROWS_A_BATCH = 10_000

_TYPES = {
    "text": pa.string(),
    "int2": pa.int16(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "float8": pa.float64(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def conflict_sides(connection: psycopg.Connection[Any], statuses: Sequence[str], *, full_ssns: bool) -> pa.Table:
    """Read the rows of these statuses, two for each conflict, sorted by SSN and visit ids; SSNs masked unless asked."""
    source = "conflict_sides" if full_ssns else "conflict_visit_maps"
    query = sql.SQL(
        'SELECT * FROM {} WHERE status = ANY(%s) ORDER BY ssn, visit_id COLLATE "C", con_visit_id COLLATE "C"'
    )
    with connection.transaction(), connection.cursor(name="export") as cursor:
        cursor.execute(query.format(sql.Identifier(source)), [list(statuses)])
        columns = cursor.description or []
        schema = pa.schema([(column.name, _type(connection, column.type_code)) for column in columns])
        batches = []
        while rows := cursor.fetchmany(ROWS_A_BATCH):
            arrays = [
                pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _type(connection: psycopg.Connection[Any], oid: int) -> pa.DataType:
    known = connection.adapters.types.get(oid)
    if known is None or known.name not in _TYPES:
        raise StoreError(f"A column of the view has type {known.name if known else oid}, which no export knows.")
    return _TYPES[known.name]
