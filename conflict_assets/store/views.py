"""The store's views, made from `views.sql` whenever it differs from what the store has.

They are made after the tables are up to date, in the same transaction. No migration makes a view.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql

from conflict_assets.store.errors import StoreError
from conflict_assets.store.view_columns import column_lists


def view_script() -> str:
    """Return the statements that make the views, which may be repeated."""
    return Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").format(**column_lists())


@cache
def views_digest() -> str:
    """Return a hash of these statements, by which the store knows what its views were made from."""
    return hashlib.sha256(view_script().encode()).hexdigest()


def make_views(connection: psycopg.Connection[Any]) -> None:
    """Make the views, and write down what they were made from.

    The caller owns the transaction.

    Raises:
        StoreError: a view has to be dropped, and something of somebody's stands on it. Or another user owns the views.
    """
    try:
        replace_views(connection, view_script())
    except errors.InsufficientPrivilege as error:
        raise StoreError(
            f"The store's views are not those of this release, and this login may not make them: "
            f"{error.diag.message_primary} (42501). Let the owner of the store do: conflict-assets store migrate"
        ) from None
    connection.execute("UPDATE conflict_store SET views_digest = %s", [views_digest()])


def replace_views(connection: psycopg.Connection[Any], script: str) -> None:
    """Run a script of views, and drop them before only where that can't be avoided.

    What stands on a view stays, unless the view loses or moves a column. Views of this release that the script does not
    have are dropped. The caller owns the transaction.
    """
    names = _names(script)
    # Asked first, so that the transaction of the caller has begun, and those below are parts of it.
    rights = _rights(connection, names)
    if gone := _names(view_script()) - names:
        _drop(connection, gone)
    try:
        with connection.transaction():
            connection.execute(script.encode())
    except errors.InvalidTableDefinition:
        # CREATE OR REPLACE VIEW adds columns at the end, and does nothing else to them.
        _drop(connection, names)
        _make(connection, script, rights)


@contextmanager
def views_away(connection: psycopg.Connection[Any], script: str) -> Iterator[None]:
    """Drop the views, and make those of a script after the block, with the rights on them.

    The caller owns the transaction.
    """
    names = _names(script)
    rights = _rights(connection, names)
    _drop(connection, names | _names(view_script()))
    yield
    _make(connection, script, rights)


def _make(connection: psycopg.Connection[Any], script: str, rights: Iterable[str]) -> None:
    connection.execute(script.encode())
    for grant in rights:
        connection.execute(grant.encode())


def _rights(connection: psycopg.Connection[Any], names: Collection[str]) -> list[str]:
    """Return the statements that give anew what others may do with these views."""
    return [grant for (grant,) in connection.execute(_RIGHTS, [list(names)]).fetchall()]


_RIGHTS = """
    SELECT 'GRANT ' || a.privilege_type || ' ON ' || quote_ident(c.relname) || ' TO '
        || CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    FROM pg_class AS c, aclexplode(c.relacl) AS a
    WHERE c.relname = ANY(%s) AND c.relkind = 'v' AND pg_table_is_visible(c.oid) AND a.grantee <> c.relowner"""


def _names(script: str) -> frozenset[str]:
    return frozenset(re.findall(r"\bVIEW (?:IF EXISTS )?(\w+)", script))


def _drop(connection: psycopg.Connection[Any], names: Collection[str]) -> None:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.SQL(", ").join(map(sql.Identifier, names))))
    except errors.DependentObjectsStillExist as error:
        found = (error.diag.message_detail or "").replace("\n", "; ")
        raise StoreError(
            f"The store's views can't be brought up to date, since something that is not the store's stands on them: "
            f"{found}. Write down what each view is (SELECT pg_get_viewdef('NAME')), drop it, repeat this, and make it "
            "anew. A view of pg_temp goes when its session of `conflict-assets store psql` ends."
        ) from None
