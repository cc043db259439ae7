"""The store's schema, which Alembic makes and brings up to date.

One process at a time does so. Tables are partitioned by the prefix length. The views follow the tables, from
`conflict_assets.store.views`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import errors, sql

from conflict_assets.partitions import all_prefixes
from conflict_assets.store.connection import Timeouts, connect, translated
from conflict_assets.store.errors import StoreError
from conflict_assets.store.migrations.earlier_views import LAST, earlier_views
from conflict_assets.store.readiness import require_right_to_make, require_writable
from conflict_assets.store.roles import grant_rights
from conflict_assets.store.views import make_views, replace_views, views_away, views_digest

MIGRATIONS = Path(__file__).with_name("migrations")
HEAD = max(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9]*.py"))
"""The newest migration."""
VERSION_TABLE = "conflict_store_version"
PARTITIONED = ("conflict_visits", "visit_conflicts")
MOST_PARTITIONS = 100

_LOCK = 0x636F6E66
_PATIENT = Timeouts(lock=600, statement=3600)


class _Found(NamedTuple):
    """What a store is at.

    The prefix length and the digest of the views are missing until they are known.
    """

    revision: str | None
    prefix_length: int | None
    views: str | None

    def is_up_to_date(self) -> bool:
        return self.revision == HEAD and self.prefix_length is not None and self.views == views_digest()


def prepare(connection: psycopg.Connection[Any], url: str, prefix_length: int) -> None:
    """Bring the schema up to date and make the partitions, once.

    This costs one SELECT when all of it is done already.

    Raises:
        StoreError: the store was made with another prefix length, or by a newer release. Or the store takes no writes,
            or this login may not make its tables.
    """
    require_writable(connection)
    found = _found(connection)
    if found is None or not found.is_up_to_date():
        _make(url, prefix_length)
        found = _found(connection)
    _refuse_other_length(found.prefix_length if found else None, prefix_length)


def require_prepared(connection: psycopg.Connection[Any], prefix_length: int) -> None:
    """Refuse a store that `prepare` would have to write to.

    Raises:
        StoreError: tables or views are missing or not up to date, or the store was made with another prefix length.
    """
    found = _found(connection)
    if found is None or found.revision != HEAD or found.prefix_length is None:
        raise StoreError(
            f"The store's schema is {found.revision if found else 'not made yet'}; allowed: {HEAD}. "
            "Bring it up to date with: conflict-assets store migrate"
        )
    if not found.is_up_to_date():
        raise StoreError(
            "The store's views are those of another release; allowed: those of this one. "
            "Bring them up to date with: conflict-assets store migrate"
        )
    _refuse_other_length(found.prefix_length, prefix_length)


def _refuse_other_length(stored: int | None, prefix_length: int) -> None:
    if stored != prefix_length:
        raise StoreError(
            f"The store was made with SSN_PREFIX_LENGTH={stored}, and SSN_PREFIX_LENGTH is {prefix_length} now. "
            f"Set SSN_PREFIX_LENGTH={stored}, or start an empty store with {prefix_length}: point "
            "CONFLICTS_POSTGRES_URL to another database, or CONFLICTS_DATA_DIR to another folder."
        )


def migrate(url: str, revision: str = HEAD) -> None:
    """Bring the schema up or down to a revision.

    The revision `base` drops everything.
    """
    with translated(), connect(url, _PATIENT, autocommit=False) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.commit()
        _run_alembic(connection, revision)


def _found(connection: psycopg.Connection[Any]) -> _Found | None:
    """Return what the store is at, or None when it is not made yet.

    Its one row comes as JSON, since that of an earlier release has fewer columns.
    """
    try:
        with connection.transaction():
            row = connection.execute(
                f"SELECT (SELECT version_num FROM {VERSION_TABLE}), (SELECT to_jsonb(s) FROM conflict_store AS s)"  # noqa: S608 - a constant
            ).fetchone()
    except errors.UndefinedTable:
        return None
    if row is None:
        return None
    store = row[1] or {}
    return _Found(row[0], store.get("prefix_length"), store.get("views_digest"))


def _make(url: str, prefix_length: int) -> None:
    with translated(), connect(url, _PATIENT, autocommit=False) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.commit()
        found = _found(connection)
        if found is None:
            require_right_to_make(connection)
        if found is None or found.revision != HEAD:
            _run_alembic(connection, HEAD)
        elif found.views != views_digest():
            make_views(connection)
        found = _found(connection)
        if found is not None and found.prefix_length is None:
            _make_partitions(connection, prefix_length)
        grant_rights(connection)
        connection.commit()


def _run_alembic(connection: psycopg.Connection[Any], revision: str) -> None:
    """Bring tables and views to a revision, in one transaction."""
    # These are imported here, so that a step process that finds the schema up to date does not pay for them.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["version_table"] = VERSION_TABLE
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = _found(connection)
    at = (found.revision if found else None) or ""
    if at and at not in known:
        raise StoreError(
            f"The store's schema is {at}, newer than this release knows ({HEAD}). Install the release that made it."
        )
    with _driver_errors_unwrapped(revision), engine.begin() as alembic_connection:
        config.attributes["connection"] = alembic_connection
        if revision == HEAD or (revision in known and at < revision):
            command.upgrade(config, revision)
        else:
            _go_down(connection, lambda to: command.downgrade(config, to), at, revision)
        if revision == HEAD:
            make_views(connection)


def _go_down(connection: psycopg.Connection[Any], downgrade: Callable[[str], None], at: str, revision: str) -> None:
    """Go down to a revision, past `LAST` to the views that the migrations up to it go down from.

    What stands on the views stays, unless a later migration takes away a column that they read.
    """
    from sqlalchemy.exc import DBAPIError

    is_below = revision == "base" or revision < LAST
    if at > LAST:
        connection.execute("UPDATE conflict_store SET views_digest = NULL")
        replace_views(connection, earlier_views())
        try:
            with connection.transaction():
                downgrade(LAST if is_below else revision)
        except DBAPIError as error:
            if not isinstance(error.orig, errors.DependentObjectsStillExist):
                raise
            with views_away(connection, earlier_views()):
                downgrade(LAST if is_below else revision)
    if is_below or at <= LAST:
        downgrade(revision)


@contextmanager
def _driver_errors_unwrapped(revision: str) -> Iterator[None]:
    """Raise the driver's errors as they are, for `translated`.

    SQLAlchemy wraps them, together with the statement.
    """
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.Error):
            raise error.orig from None
        raise StoreError(f"The store's schema can't be brought to {revision}: {type(error).__name__}.") from None
    except CommandError as error:
        raise StoreError(f"The store's schema can't be brought to {revision}: {error}") from None


def _make_partitions(connection: psycopg.Connection[Any], prefix_length: int) -> None:
    """Make a partition for each prefix.

    Prefixes of three digits share a partition in groups of ten, since a thousand partitions would slow down every
    query.
    """
    groups: dict[str, list[str]] = {}
    for prefix in all_prefixes(prefix_length):
        groups.setdefault(prefix[: len(str(MOST_PARTITIONS - 1))], []).append(prefix)
    with connection.transaction():
        for table in PARTITIONED:
            for name, prefixes in groups.items():
                connection.execute(
                    sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES IN ({})").format(
                        sql.Identifier(f"{table}_{name}"),
                        sql.Identifier(table),
                        sql.SQL(", ").join(sql.Literal(prefix) for prefix in prefixes),
                    )
                )
        connection.execute(
            "INSERT INTO conflict_store (prefix_length, views_digest) VALUES (%s, %s)", [prefix_length, views_digest()]
        )
