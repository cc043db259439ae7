"""The agencies and payers that a person names in an export.

Names that no stored conflict has are refused, and similar names are suggested.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import psycopg
from psycopg import sql

from conflict_assets.store.errors import StoreError
from conflict_assets.store.export_query import MASKED_VIEW, NAMED, ExportQuery, either_side

NEAR = 3
"""How many similar names a message lists for each unknown name."""

LONGEST = 80
"""How many characters of a name are compared and shown."""


def require_known(connection: psycopg.Connection[Any], query: ExportQuery) -> None:
    """Refuse agencies and payers that no stored conflict has, of whatever status.

    Raises:
        StoreError: a name is unknown. The message lists similar names.
    """
    unknown = [
        f"{name!r} is no {what} of a stored conflict{_near(connection, what, name)}"
        for what, given in (("agency", query.agencies), ("payer", query.payers))
        for name in given
        if not _is_known(connection, what, name)
    ]
    if unknown:
        raise StoreError(f"{'; '.join(unknown)}. Allowed: an id, or a whole name in any letter case.")


def _is_known(connection: psycopg.Connection[Any], what: str, name: str) -> bool:
    statement = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(
        sql.Identifier(MASKED_VIEW), either_side(*NAMED[what], [name])
    )
    row = connection.execute(statement).fetchone()
    return bool(row and row[0])


def _near(connection: psycopg.Connection[Any], what: str, name: str) -> str:
    """Return the ids and names that look like this one, in words."""
    ids, names = NAMED[what]
    # Each conflict is seen from both of its sides, so one side has all names.
    statement = sql.SQL("SELECT DISTINCT {}, {} FROM {}").format(
        sql.Identifier(ids), sql.Identifier(names), sql.Identifier(MASKED_VIEW)
    )
    spellings = dict(_spellings(connection.execute(statement).fetchall()))
    found = dict.fromkeys(spellings[each] for each in get_close_matches(name.strip().lower(), list(spellings), NEAR))
    return f"; near: {', '.join(found)}" if found else ""


def _spellings(rows: Sequence[tuple[str | None, str | None]]) -> Iterator[tuple[str, str]]:
    """Yield ids and names in small letters, with the shown text."""
    for key, name in rows:
        shown = f"{name[:LONGEST]} ({key})" if name else f"{key}"
        for text in (key, name):
            if text:
                yield text[:LONGEST].lower(), shown
