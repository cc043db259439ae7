"""The pattern that the store replaces: one wide table, filled from texts.

A COPY of text fills an all-text temporary table, and SQL casts its values.
"""

import io
from collections.abc import Sequence

import pandas as pd
import psycopg
from psycopg import sql

from benchmarks.store.invented import InventedNight
from conflict_assets.store.copying import TYPES
from conflict_assets.store.stored_columns import STORED_CONFLICT, STORED_VISIT

Columns = Sequence[tuple[str, str]]
"""Column names with PostgreSQL's types."""

KEY = ("ssn", "visit_id", "con_visit_id")
OWN = [field for field in STORED_VISIT if field.name not in STORED_CONFLICT.names]
COLUMNS: Columns = (
    [(field.name, TYPES[field.type]) for field in STORED_CONFLICT]
    + [(field.name, TYPES[field.type]) for field in OWN]
    + [(f"con_{field.name}", TYPES[field.type]) for field in OWN]
)


def make(connection: psycopg.Connection, columns: Columns = COLUMNS) -> None:
    listed = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in columns)
    connection.execute(sql.SQL("CREATE TABLE wide ({}, PRIMARY KEY (ssn, visit_id, con_visit_id))").format(listed))
    connection.execute("CREATE INDEX ON wide (visit_date); CREATE INDEX ON wide (provider_id, visit_date)")
    if "pair_id" in dict(columns):
        connection.execute("CREATE INDEX ON wide (pair_id)")


def wide_frame(night: InventedNight) -> pd.DataFrame:
    """Join both sides, as that system held them in memory before it wrote."""
    visits = night.visits.to_pandas()[["visit_id", "ssn", *(field.name for field in OWN)]]
    others = visits.rename(columns={name: f"con_{name}" for name in visits.columns if name != "ssn"})
    frame = night.conflicts.to_pandas().merge(visits, on=["ssn", "visit_id"]).merge(others, on=["ssn", "con_visit_id"])
    return frame[[name for name, _ in COLUMNS]]


def write(connection: psycopg.Connection, frame: pd.DataFrame, *, first: bool, columns: Columns = COLUMNS) -> int:
    """Write all rows in one transaction, and return the number of rows written.

    The rows are copied as text, and one statement with a cast per column writes them.
    """
    with connection.transaction():
        texts = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name, _ in columns)
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE staged ({}) ON COMMIT DROP").format(texts))
        buffer = io.StringIO()
        frame.to_csv(buffer, index=False, header=False)
        with connection.cursor().copy("COPY staged FROM STDIN (FORMAT CSV)") as copy:
            copy.write(buffer.getvalue())
        return connection.execute(_insert(columns) if first else _update(columns)).rowcount


def _insert(columns: Columns) -> sql.Composed:
    return sql.SQL("INSERT INTO wide SELECT {} FROM staged AS s").format(
        sql.SQL(", ").join(_cast(name, kind) for name, kind in columns)
    )


def _update(columns: Columns) -> sql.Composed:
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), _cast(name, kind)) for name, kind in columns if name not in KEY
    )
    keys = sql.SQL(" AND ").join(sql.SQL("w.{0} = s.{0}").format(sql.Identifier(name)) for name in KEY)
    return sql.SQL("UPDATE wide AS w SET {} FROM staged AS s WHERE {}").format(assignments, keys)


def _cast(name: str, kind: str) -> sql.Composed:
    return sql.SQL("s.{}::{}").format(sql.Identifier(name), sql.SQL(kind))
