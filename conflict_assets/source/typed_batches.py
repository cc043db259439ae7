"""Turn a warehouse's batches into the types that the product promises."""

import pyarrow as pa


def typed_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Take the columns of `schema` and cast each to its type.

    They are found by name, in any letter case. Instants arrive as whole microseconds since 1970.

    Raises:
        pyarrow.ArrowInvalid: a value does not fit its type.
        KeyError: a column is missing.
    """
    by_name = {name.lower(): column for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    return pa.RecordBatch.from_arrays([_typed(by_name[field.name], field.type) for field in schema], schema=schema)


def _typed(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(wanted):
        return column.cast(pa.int64()).cast(wanted)
    return column.cast(wanted)
