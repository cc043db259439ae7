"""The pattern that the store replaces: one wide table, text COPY into an all-text temporary table, casts in SQL."""

import io

import pandas as pd
import psycopg
from psycopg import sql

from benchmarks.store.invented import Night
from conflict_assets.store.columns import STORED_CONFLICT, STORED_VISIT
from conflict_assets.store.copying import TYPES

KEY = ("ssn", "visit_id", "con_visit_id")
OWN = [field for field in STORED_VISIT if field.name not in STORED_CONFLICT.names]
COLUMNS = (
    [(field.name, TYPES[field.type]) for field in STORED_CONFLICT]
    + [(field.name, TYPES[field.type]) for field in OWN]
    + [(f"con_{field.name}", TYPES[field.type]) for field in OWN]
)


def make(connection: psycopg.Connection) -> None:
    columns = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in COLUMNS)
    connection.execute(sql.SQL("CREATE TABLE wide ({}, PRIMARY KEY (ssn, visit_id, con_visit_id))").format(columns))
    connection.execute("CREATE INDEX ON wide (visit_date); CREATE INDEX ON wide (pair_id)")
    connection.execute("CREATE INDEX ON wide (provider_id, visit_date)")


def wide_frame(night: Night) -> pd.DataFrame:
    """Both sides joined, as that system held them in memory before it wrote."""
    visits = night.visits.to_pandas()[["visit_id", "ssn", *(field.name for field in OWN)]]
    others = visits.rename(columns={name: f"con_{name}" for name in visits.columns if name != "ssn"})
    frame = night.conflicts.to_pandas().merge(visits, on=["ssn", "visit_id"]).merge(others, on=["ssn", "con_visit_id"])
    return frame[[name for name, _ in COLUMNS]]


def write(connection: psycopg.Connection, frame: pd.DataFrame, *, first: bool) -> None:
    """One transaction: all rows as text, then one statement with a cast per column."""
    with connection.transaction():
        texts = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name, _ in COLUMNS)
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE staged ({}) ON COMMIT DROP").format(texts))
        buffer = io.StringIO()
        frame.to_csv(buffer, index=False, header=False)
        with connection.cursor().copy("COPY staged FROM STDIN (FORMAT CSV)") as copy:
            copy.write(buffer.getvalue())
        connection.execute(_INSERT if first else _UPDATE)


def _cast(name: str, kind: str) -> sql.Composable:
    return sql.SQL("s.{}::{}").format(sql.Identifier(name), sql.SQL(kind))


_INSERT = sql.SQL("INSERT INTO wide SELECT {} FROM staged AS s").format(
    sql.SQL(", ").join(_cast(name, kind) for name, kind in COLUMNS)
)
_UPDATE = sql.SQL("UPDATE wide AS w SET {} FROM staged AS s WHERE {}").format(
    sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), _cast(name, kind)) for name, kind in COLUMNS if name not in KEY
    ),
    sql.SQL(" AND ").join(sql.SQL("w.{0} = s.{0}").format(sql.Identifier(name)) for name in KEY),
)
