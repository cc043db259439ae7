"""Decisions that people made in the replaced system.

The replaced system's table `conflictvisitmaps` holds, among others, `VisitID`, `ConVisitID` and `StatusFlag`: `W` for
whitelisted, `I` for ignored. Any other flag is no decision. The table may hold a pair twice, once from each side.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

import psycopg
from psycopg import sql

from conflict_assets.store.address import REPLACED
from conflict_assets.store.connection import connect, translated
from conflict_assets.store.decisions import Decision, DecisionValue, pair_of_visits
from conflict_assets.store.errors import StoreError
from conflict_assets.store.skipped_rows import LeftOut

REPLACED_TABLE = "conflictvisitmaps"
REPLACED_COLUMNS = ("VisitID", "ConVisitID", "StatusFlag")
ERRORS_SHOWN = 5
TAKEN_OVER = "taken over from conflictvisitmaps"

_VERDICTS = {"W": DecisionValue.WHITELISTED, "I": DecisionValue.IGNORED}


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
    """Sentences about the rows that were left out: what they hold, and in which lines they stand."""


def read_replaced_csv(path: Path) -> ReplacedDecisions:
    """Read an export of the replaced table.

    Its column names may have any letter case.

    Raises:
        StoreError: the file can't be read, or a column is missing.
    """
    _check_columns(path)
    rows = ((line, tuple(row[name.lower()] for name in REPLACED_COLUMNS)) for line, row in _rows(path))
    return _sorted_out(rows)


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


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with _opened(path) as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield reader.line_num, {(name or "").strip().lower(): (value or "") for name, value in row.items()}


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path} can't be read as a CSV in UTF-8: {error}") from None


def _refuse_wrong(path: Path, wrong: Sequence[str]) -> None:
    if wrong:
        more = f"; and {len(wrong) - ERRORS_SHOWN} more" if len(wrong) > ERRORS_SHOWN else ""
        raise StoreError(
            f"{path} has {len(wrong)} wrong rows: {'; '.join(wrong[:ERRORS_SHOWN])}{more}. Nothing is written."
        )


def _check_columns(path: Path) -> None:
    """Refuse a file with other columns, or with rows of another length.

    Each row must have as many values as the header has names.
    """
    with _opened(path) as file:
        reader = csv.reader(file)
        header = [name.strip().lower() for name in next(reader, [])]
        for name in REPLACED_COLUMNS:
            _check_column(path, header, name)
        _refuse_wrong(
            path,
            [
                f"line {reader.line_num}: {len(row)} values, and the header has {len(header)}"
                for row in reader
                if row and len(row) != len(header)
            ],
        )


def _check_column(path: Path, header: Sequence[str], name: str) -> None:
    # The message does not quote the whole header: a file without one has people's names there.
    if (found := header.count(name.lower())) != 1:
        alike = get_close_matches(name.lower(), header, n=1) if not found else []
        raise StoreError(
            f"{path} has {'more than one' if found else 'no'} column {name}"
            f"{f', but {alike[0]!r}' if alike else ''}, among {len(header)} in its first line; needed there, once each "
            f"and with commas between: {', '.join(REPLACED_COLUMNS)}"
        )


def _sorted_out(rows: Iterable[tuple[int | None, tuple[str | None, ...]]]) -> ReplacedDecisions:
    """Return one decision for each pair.

    Where the two sides differ, whitelisted wins, since it is the decision that was explained.
    """
    found: dict[str, Decision] = {}
    undecided = unusable = 0
    left_out = LeftOut()
    for line, (visit_id, con_visit_id, flag) in rows:
        verdict = _VERDICTS.get((flag or "").strip().upper())
        if verdict is None:
            undecided += 1
            left_out.note_flag((flag or "").strip(), line)
            continue
        try:
            pair = pair_of_visits(visit_id or "", con_visit_id or "")
        except ValueError:
            unusable += 1
            left_out.note("without two different visit ids", line)
            continue
        if pair.pair_id not in found or verdict is DecisionValue.WHITELISTED:
            found[pair.pair_id] = Decision(pair, verdict, TAKEN_OVER)
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
