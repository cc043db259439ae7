"""Results that stay in Snowflake for the statements that follow.

They are the survey, and long lists. Snowflake takes a statement of no more than a megabyte, values included. What is
larger is not sent along, but is read where it lies.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from snowflake.connector import errors
from sqlglot import exp

from conflict_assets.source.bound_lists import list_statements
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.snowflake_errors import may_pass
from conflict_assets.source.statement import Statement
from conflict_assets.source.value_tables import NO_TABLES, Tables, all_rows_of

MOST_BYTES = 1_000_000
"""The most bytes of a statement with its values."""

LONG_LIST_BYTES = 50_000
"""A longer list goes ahead of a statement that it makes too large. All others together stay far below the limit."""


class ResultTables(Protocol):
    """A way in which results stay in a warehouse."""

    def keep(self, cursor: Any, statement: Statement) -> str:
        """Run a statement, and return the name under which its rows stay.

        The rows can also be fetched from the cursor.
        """

    def table(self, result_id: str) -> exp.Expr:
        """The rows that stay under a name, as a table."""


class ResultScans:
    """Results that Snowflake itself stores for a day, by query id.

    This takes no right to write.
    """

    def keep(self, cursor: Any, statement: Statement) -> str:
        """See `ResultTables`."""
        execute(cursor, statement)
        return str(cursor.sfqid)

    def table(self, result_id: str) -> exp.Expr:
        """See `ResultTables`.

        A query id is Snowflake's own, and can't be bound where it stands.
        """
        if not re.fullmatch(r"[0-9a-fA-F-]{36}", result_id):
            raise SourceError(
                f"Snowflake calls a result {result_id!r}; allowed: a query id. Its rows can't be looked at."
            )
        return exp.TableFromRows(this=exp.Anonymous(this="RESULT_SCAN", expressions=[exp.Literal.string(result_id)]))


class TemporaryTables:
    """Temporary tables, for a warehouse without `RESULT_SCAN`.

    Only the session sees them, and they end with it.
    """

    def keep(self, cursor: Any, statement: Statement) -> str:
        """See `ResultTables`."""
        name = f"CONFLICT_ASSETS_{uuid4().hex.upper()}"
        execute(cursor, Statement(f"CREATE TEMPORARY TABLE {name} AS {statement.sql}", statement.named))
        execute(cursor, Statement(f"SELECT * FROM {name}", {}))  # noqa: S608 - our own name
        return name

    def table(self, result_id: str) -> exp.Expr:
        """See `ResultTables`."""
        return exp.to_table(result_id)


def result_tables(cursor: Any) -> ResultTables:
    """Return the way in which results stay in this warehouse.

    They are read by `RESULT_SCAN` where the warehouse knows it.
    """
    scans = ResultScans()
    one = scans.keep(cursor, Statement("SELECT :1 AS one", {"one": 1}))
    is_one = exp.column("one").eq(exp.Placeholder(this="1"))
    look = exp.select("one").from_(exp.select("*").from_(scans.table(one)).subquery("kept")).where(is_one)
    try:
        execute(cursor, Statement(look.sql(dialect="snowflake"), {"one": 1}))
    except errors.ProgrammingError as error:
        if may_pass(error):
            raise
        return TemporaryTables()
    return scans


def execute(cursor: Any, statement: Statement) -> None:
    """Run a statement.

    Every statement goes through here.

    Raises:
        SourceError: it is larger than Snowflake takes.
    """
    if statement.size > MOST_BYTES:
        raise SourceError(
            f"A statement for Snowflake has {statement.size:,} bytes with its values; allowed: {MOST_BYTES:,}. "
            "Nothing was read."
        )
    cursor.execute(statement.sql, statement.positional)


def fitting(make: Callable[[Tables], Statement], cursor: Any, results: Callable[[], ResultTables]) -> Statement:
    """Make a statement that is not too large.

    If need be, its long lists go ahead of it, in as many pieces as it takes.
    """
    statement = make(NO_TABLES)
    if statement.size <= MOST_BYTES:
        return statement
    long_lists = {
        name: json.loads(value)
        for name, value in statement.named.items()
        if isinstance(value, str) and len(value) > LONG_LIST_BYTES
    }
    return make({name: _sent_ahead(values, cursor, results()) for name, values in long_lists.items()})


def _sent_ahead(values: list[str], cursor: Any, results: ResultTables) -> exp.Expr:
    pieces = list_statements(values, MOST_BYTES * 9 // 10)
    return all_rows_of([results.table(results.keep(cursor, piece)) for piece in pieces])
