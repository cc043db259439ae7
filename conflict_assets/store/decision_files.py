"""Decisions that people made in the replaced system.

The replaced system's table `conflictvisitmaps` holds, among others, `VisitID`, `ConVisitID` and `StatusFlag`: `W` for
whitelisted, `I` for ignored. Any other flag is no decision. The table may hold a pair twice, once from each side.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from conflict_assets.store.address import REPLACED
from conflict_assets.store.connection import connect, translated
from conflict_assets.store.decision_types import Decision, DecisionValue, pair_of_visits
from conflict_assets.store.errors import StoreError
from conflict_assets.store.skipped_rows import LeftOut
from conflict_assets.store.spreadsheets import read_tables

REPLACED_TABLE = "conflictvisitmaps"
REPLACED_COLUMNS = ("VisitID", "ConVisitID", "StatusFlag")
ERRORS_SHOWN = 5
TAKEN_OVER = "taken over from conflictvisitmaps"

_VALUES = {"W": DecisionValue.WHITELISTED, "I": DecisionValue.IGNORED}


@dataclass(frozen=True)
class ReplacedDecisions:
    """What was found in the replaced table.

    `decisions` holds one decision for each pair. `undecided` counts the rows that hold no decision, and `unusable`
    counts the rows that name no pair.
    """

    decisions: tuple[Decision, ...]
    undecided: int
    unusable: int
    notes: tuple[str, ...] = ()
    """Sentences about the rows that were left out: what stands in them, and which they are."""


def read_replaced_file(path: Path) -> ReplacedDecisions:
    """Read an export of the replaced table, a CSV or a workbook.

    Column names may have any letter case.

    Raises:
        StoreError: the file can't be read, a column is missing, or a row has more or fewer values than its header.
    """
    wrong: list[str] = []
    found = _sorted_out(_rows(path, wrong))
    _refuse_wrong(path, wrong)
    return found


def read_replaced_database(url: str) -> ReplacedDecisions:
    """Read the replaced table from its PostgreSQL database, whatever schema holds it.

    Raises:
        StoreError: there is no such table, there is more than one, or a column is missing.
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
        return _sorted_out((None, row) for row in cursor.execute(query))


def _rows(path: Path, wrong: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the rows of each table that has one of the columns.

    A workbook may have other sheets. Uneven rows go to `wrong`.
    """
    first: tuple[str, ...] = ()
    columns = tuple(name.lower() for name in REPLACED_COLUMNS)
    tables = 0
    for table in read_tables(path):
        first = first or table.header
        if table.columns.isdisjoint(columns):
            continue
        tables += 1
        _check_columns(path, table.header)
        for row in table.rows:
            if row.width != len(table.header):
                wrong.append(f"{row.place}: {row.width} values, and the header has {len(table.header)}")
            else:
                yield row.place, tuple(row.cells.get(name, "") for name in columns)
    if not tables:
        _check_columns(path, first)


def _refuse_wrong(path: Path, wrong: Sequence[str]) -> None:
    if wrong:
        more = f"; and {len(wrong) - ERRORS_SHOWN} more" if len(wrong) > ERRORS_SHOWN else ""
        raise StoreError(
            f"{path} has {len(wrong)} wrong rows: {'; '.join(wrong[:ERRORS_SHOWN])}{more}. Nothing is written."
        )


def _check_columns(path: Path, header: Sequence[str]) -> None:
    """Refuse a header in which one of the columns is missing, or is twice."""
    for name in REPLACED_COLUMNS:
        # Not the whole header is told: a file without one has people's names there.
        if (found := header.count(name.lower())) != 1:
            alike = get_close_matches(name.lower(), header, n=1) if not found else []
            raise StoreError(
                f"{path} has {'more than one' if found else 'no'} column {name}"
                f"{f', but {alike[0]!r}' if alike else ''}, among {len(header)} in its first line; needed there, once "
                f"each: {', '.join(REPLACED_COLUMNS)}"
            )


def _sorted_out(rows: Iterable[tuple[str | None, tuple[str | None, ...]]]) -> ReplacedDecisions:
    """Return one decision for each pair.

    Where the two sides differ, whitelisted wins, since it is the decision that was explained.
    """
    found: dict[str, Decision] = {}
    undecided = unusable = 0
    left_out = LeftOut()
    for place, (visit_id, con_visit_id, flag) in rows:
        value = _VALUES.get((flag or "").strip().upper())
        if value is None:
            undecided += 1
            left_out.note_flag((flag or "").strip(), place)
            continue
        try:
            pair = pair_of_visits(visit_id or "", con_visit_id or "")
        except ValueError:
            unusable += 1
            left_out.note("without two different visit ids", place)
            continue
        if pair.pair_id not in found or value is DecisionValue.WHITELISTED:
            found[pair.pair_id] = Decision(pair, value, TAKEN_OVER)
    return ReplacedDecisions(tuple(found.values()), undecided, unusable, left_out.sentences())


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
    # information_schema would hide the columns that this user may not read, and no error would say so.
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
