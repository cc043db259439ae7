"""Decisions from outside: what people decided in the replaced system.

The replaced system's table `conflictvisitmaps` holds, among others, `VisitID`, `ConVisitID` and `StatusFlag`: `W` for
whitelisted, `I` for ignored. Any other flag is no decision. It may hold a pair twice, once from each side.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from conflict_assets.store.address import REPLACED
from conflict_assets.store.connection import connect, translated
from conflict_assets.store.decisions import Decision, Verdict, pair_of_visits
from conflict_assets.store.errors import StoreError
from conflict_assets.store.spreadsheets import read_tables

REPLACED_TABLE = "conflictvisitmaps"
REPLACED_COLUMNS = ("VisitID", "ConVisitID", "StatusFlag")
TAKEN_OVER = "taken over from conflictvisitmaps"

_VERDICTS = {"W": Verdict.WHITELISTED, "I": Verdict.IGNORED}


@dataclass(frozen=True)
class ReplacedDecisions:
    """What was found in the replaced table: decisions, one a pair, and rows that are none or name no pair."""

    decisions: tuple[Decision, ...]
    undecided: int
    unusable: int


def read_replaced_csv(path: Path) -> ReplacedDecisions:
    """Read an export of the replaced table, with its column names in any letter case.

    Raises:
        StoreError: the file can't be read, or a column is missing.
    """
    return _sorted_out(tuple(_field(row, name, path) for name in REPLACED_COLUMNS) for row in _rows(path))


def read_replaced_database(url: str) -> ReplacedDecisions:
    """Read the replaced table from its PostgreSQL database, in whatever schema it lies.

    Raises:
        StoreError: there is no such table, more than one, or a column is missing.
    """
    with connect(url, autocommit=False, server=REPLACED) as connection, translated(REPLACED):
        return _read_replaced(connection)


def _read_replaced(connection: psycopg.Connection[Any]) -> ReplacedDecisions:
    connection.execute("SET TRANSACTION READ ONLY")
    schema, table = _find_table(connection)
    columns = _find_columns(connection, schema, table)
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns),
        sql.Identifier(schema, table),
    )
    with connection.cursor(name="replaced") as cursor:
        cursor.itersize = 10_000
        return _sorted_out(cursor.execute(query))


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    for table in read_tables(path):
        yield from (row.cells for row in table.rows)


def _field(row: Mapping[str, str], name: str, path: Path) -> str:
    if name.lower() not in row:
        raise StoreError(f"{path} has no column {name}; needed: {', '.join(REPLACED_COLUMNS)}")
    return row[name.lower()]


def _sorted_out(rows: Iterable[tuple[str | None, ...]]) -> ReplacedDecisions:
    """Keep one decision a pair; where the two sides differ, whitelisted wins: it is the one that was explained."""
    found: dict[str, Decision] = {}
    undecided = unusable = 0
    for visit_id, con_visit_id, flag in rows:
        verdict = _VERDICTS.get((flag or "").strip().upper())
        if verdict is None:
            undecided += 1
            continue
        try:
            pair = pair_of_visits(visit_id or "", con_visit_id or "")
        except ValueError:
            unusable += 1
            continue
        if pair.pair_id not in found or verdict is Verdict.WHITELISTED:
            found[pair.pair_id] = Decision(pair, verdict, TAKEN_OVER)
    return ReplacedDecisions(tuple(found.values()), undecided, unusable)


def _find_table(connection: psycopg.Connection[Any]) -> tuple[str, str]:
    found = connection.execute(
        """SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE lower(c.relname) = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
           ORDER BY pg_table_is_visible(c.oid) DESC, 1, 2""",
        [REPLACED_TABLE],
    ).fetchall()
    if not found:
        raise StoreError(f"The database has no table {REPLACED_TABLE}. Check the URL's database, or import from a CSV.")
    if len(found) > 1:
        names = ", ".join(f"{schema}.{table}" for schema, table in found)
        raise StoreError(
            f"The database has several tables {REPLACED_TABLE}: {names}. Import from a CSV of the right one."
        )
    return found[0][0], found[0][1]


def _find_columns(connection: psycopg.Connection[Any], schema: str, table: str) -> list[str]:
    # Not from information_schema: that hides the columns that this user may not read, instead of saying so.
    rows = connection.execute(
        """SELECT attname FROM pg_attribute WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass
           AND attnum > 0 AND NOT attisdropped""",
        [schema, table],
    ).fetchall()
    names = {row[0].lower(): row[0] for row in rows}
    missing = [name for name in REPLACED_COLUMNS if name.lower() not in names]
    if missing:
        raise StoreError(
            f"Table {schema}.{table} has no column {', '.join(missing)}; needed: {', '.join(REPLACED_COLUMNS)}"
        )
    return [names[name.lower()] for name in REPLACED_COLUMNS]
