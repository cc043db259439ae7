"""How many connections are left to this login, and what limits them.

The limit is that of the server, the database or the role.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, kw_only=True)
class FreeConnections:
    """How many more connections there may be, and what must be raised for more."""

    count: int
    limited_by: str


# Not every login is told what others do, but each is told that they are there.
_FREE = """
    WITH clients AS (
        SELECT datname, usename FROM pg_stat_activity
        WHERE coalesce(backend_type, 'client backend') = 'client backend' AND usename IS NOT NULL
    ), limits AS (
        SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true)::int, 0) AS most,
            (SELECT count(*) FROM clients) AS taken, 'max_connections of the server' AS limited_by
        UNION ALL
        SELECT datconnlimit, (SELECT count(*) FROM clients WHERE datname = current_database()),
            'CONNECTION LIMIT of database ' || quote_ident(datname)
        FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
        UNION ALL
        SELECT rolconnlimit, (SELECT count(*) FROM clients WHERE usename = session_user),
            'CONNECTION LIMIT of role ' || quote_ident(rolname)
        FROM pg_roles WHERE rolname = session_user AND rolconnlimit >= 0 AND NOT rolsuper
    )
    SELECT greatest(most - taken, 0)::int AS count, limited_by FROM limits ORDER BY most - taken LIMIT 1"""


def free_connections(connection: psycopg.Connection[Any]) -> FreeConnections:
    """Return how many more connections this login gets.

    A server reserves some for users with special rights.
    """
    with connection.cursor(row_factory=class_row(FreeConnections)) as cursor:
        (found,) = cursor.execute(_FREE)
    return found
