"""The two roles of the store: a writer and a reader.

The writer is for the platform's runs. The reader sees masked SSNs only, and no table.
"""

from pathlib import Path
from typing import Any

import psycopg

from conflict_assets.store.errors import StoreError

WRITER = "conflicts_writer"
READER = "conflicts_reader"


def set_up_roles(connection: psycopg.Connection[Any]) -> None:
    """Make the two roles where they are missing, and give them their rights.

    The roles have no login. A login then joins a role: `CREATE ROLE bi LOGIN PASSWORD '...' IN ROLE conflicts_reader`.
    This may be repeated.

    Raises:
        StoreError: the roles are missing, and this login may not make any.
    """
    if not _are_there(connection):
        _require_right_to_make_roles(connection)
    connection.execute(_statements("roles.sql"))
    grant_rights(connection)


def grant_rights(connection: psycopg.Connection[Any]) -> None:
    """Give the two roles their rights on what the schema has by now.

    Do nothing where the roles are not set up.
    """
    if _are_there(connection):
        connection.execute(_statements("grants.sql"))


def _are_there(connection: psycopg.Connection[Any]) -> bool:
    found = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [WRITER, READER]).fetchone()
    return found == (2,)


def _require_right_to_make_roles(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(
        "SELECT quote_ident(rolname), rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row and not row[1]:
        raise StoreError(
            f"User {row[0]} may not make the roles {WRITER} and {READER}; allowed: a superuser, or a role with "
            f"CREATEROLE. Let a superuser do: CREATE ROLE {WRITER}, CREATE ROLE {READER}; then run this again."
        )


def _statements(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
