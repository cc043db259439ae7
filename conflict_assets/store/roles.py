"""Two roles: a writer for the platform's runs, and a reader that sees masked SSNs only and no table."""

from pathlib import Path
from typing import Any

import psycopg

WRITER = "conflicts_writer"
READER = "conflicts_reader"


def set_up_roles(connection: psycopg.Connection[Any]) -> None:
    """Make the two roles, without login, where they are missing, and give them their rights; may be repeated.

    A login then joins a role: `CREATE ROLE bi LOGIN PASSWORD '...' IN ROLE conflicts_reader`.
    """
    connection.execute(_statements("roles.sql"))
    grant_rights(connection)


def grant_rights(connection: psycopg.Connection[Any]) -> None:
    """Give the two roles their rights on what the schema has by now; nothing where the roles are not set up."""
    found = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [WRITER, READER]).fetchone()
    if found and found[0] == 2:  # noqa: PLR2004 - both of the two
        connection.execute(_statements("grants.sql"))


def _statements(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
