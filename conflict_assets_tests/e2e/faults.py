"""What can befall a prefix in PostgreSQL: refused, lost, slow, or held in mid-air."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from conflict_assets.store.commit_record import PREFIX_LOCK
from conflict_assets_tests.pg import execute, rows

REFUSE = "RAISE EXCEPTION 'injected'"
LOSE_CONNECTION = "PERFORM pg_terminate_backend(pg_backend_pid())"
TAKE_TOO_LONG = "PERFORM pg_sleep(600)"


def inject(url: str, fault: str, *prefixes: str) -> None:
    """Let the fault befall every commit of these prefixes, at its very end."""
    listed = ", ".join(f"'{prefix}'" for prefix in prefixes)
    execute(
        url,
        f"""CREATE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN IF NEW.ssn_prefix IN ({listed}) THEN {fault}; END IF; RETURN NEW; END $$;
            CREATE TRIGGER injected BEFORE INSERT ON prefix_runs FOR EACH ROW EXECUTE FUNCTION injected()""",
    )


def mend(url: str) -> None:
    execute(url, "DROP FUNCTION IF EXISTS injected() CASCADE")


@contextmanager
def held(url: str, *prefixes: str) -> Iterator[psycopg.Connection]:
    """Hold the lock of each prefix: its step stops in mid-air, before it compares, until the block ends."""
    with psycopg.connect(url, autocommit=True) as connection:
        for prefix in prefixes:
            connection.execute("SELECT pg_advisory_lock(%s, %s)", [PREFIX_LOCK, int(prefix)])
        yield connection


def release(connection: psycopg.Connection, prefix: str) -> None:
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", [PREFIX_LOCK, int(prefix)])


def stopped(url: str) -> dict[str, int]:
    """The prefixes whose steps are held in mid-air, each with the process of its connection."""
    found = rows(
        url,
        """SELECT objid::int, pid FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
        [PREFIX_LOCK],
    )
    return {str(prefix): pid for prefix, pid in found}


def lose_connection(url: str, backend: int) -> None:
    execute(url, "SELECT pg_terminate_backend(%s)", [backend])
