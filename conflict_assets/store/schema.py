"""The store's schema, which Alembic makes and brings up to date.

One process at a time does so. Tables are partitioned by the prefix length.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql

from conflict_assets.partitions import all_prefixes
from conflict_assets.store.connection import Timeouts, connect, translated
from conflict_assets.store.errors import StoreError
from conflict_assets.store.readiness import require_right_to_make, require_writable
from conflict_assets.store.roles import grant_rights

HEAD = "0006"
VERSION_TABLE = "conflict_store_version"
PARTITIONED = ("conflict_visits", "visit_conflicts")
MOST_PARTITIONS = 100

_LOCK = 0x636F6E66
_PATIENT = Timeouts(lock=600, statement=3600)


def prepare(connection: psycopg.Connection[Any], url: str, prefix_length: int) -> None:
    """Bring the schema up to date and make the partitions, once.

    This costs one SELECT when all of it is done already.

    Raises:
        StoreError: the store was made with another prefix length, or by a newer release. Or the store takes no writes,
            or this login may not make its tables.
    """
    require_writable(connection)
    found = _found(connection)
    if found is None or found[0] != HEAD or found[1] is None:
        _make(url, prefix_length)
        found = _found(connection)
    _refuse_other_length(found[1] if found else None, prefix_length)


def require_prepared(connection: psycopg.Connection[Any], prefix_length: int) -> None:
    """Refuse a store that `prepare` would have to write to.

    Raises:
        StoreError: the schema is missing or not up to date, or the store was made with another prefix length.
    """
    found = _found(connection)
    if found is None or found[0] != HEAD or found[1] is None:
        raise StoreError(
            f"The store's schema is {found[0] if found else 'not made yet'}; allowed: {HEAD}. "
            "Bring it up to date with: conflict-assets store migrate"
        )
    _refuse_other_length(found[1], prefix_length)


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


def _found(connection: psycopg.Connection[Any]) -> tuple[str | None, int | None] | None:
    """Return the schema's revision and the store's prefix length.

    Return None when the store is not made yet.
    """
    try:
        with connection.transaction():
            row = connection.execute(
                f"SELECT (SELECT version_num FROM {VERSION_TABLE}), (SELECT prefix_length FROM conflict_store)"  # noqa: S608 - a constant
            ).fetchone()
    except errors.UndefinedTable:
        return None
    return (row[0], row[1]) if row else None


def _make(url: str, prefix_length: int) -> None:
    with translated(), connect(url, _PATIENT, autocommit=False) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.commit()
        found = _found(connection)
        if found is None:
            require_right_to_make(connection)
        if found is None or found[0] != HEAD:
            _run_alembic(connection, HEAD)
        found = _found(connection)
        if found is not None and found[1] is None:
            _make_partitions(connection, prefix_length)
        grant_rights(connection)
        connection.commit()


def _run_alembic(connection: psycopg.Connection[Any], revision: str) -> None:
    # These are imported here, so that a step process that finds the schema up to date does not pay for them.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["version_table"] = VERSION_TABLE
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = _found(connection)
    if found is not None and found[0] is not None and found[0] not in known:
        raise StoreError(
            f"The store's schema is {found[0]}, newer than this release knows ({HEAD}). "
            "Install the release that made it."
        )
    with _driver_errors_unwrapped(revision), engine.connect() as alembic_connection:
        config.attributes["connection"] = alembic_connection
        order = sorted(known)
        behind = found is None or found[0] is None or revision == HEAD or (revision in order and found[0] < revision)
        (command.upgrade if behind else command.downgrade)(config, revision)
        alembic_connection.commit()


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
        connection.execute("INSERT INTO conflict_store (prefix_length) VALUES (%s)", [prefix_length])
