"""A PostgreSQL for the benchmark alone.

It is the embedded one, in a folder of its own, with a database for each run.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql

from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded

GONE_SECONDS = 30


class MeasuredServer:
    """A running server, whose own URL leads to a database that no run uses."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._connect() as connection:
            backend = psutil.Process(connection.info.backend_pid)
            self.process: psutil.Process = psutil.Process(backend.ppid())
            self.version = str(connection.info.parameter_status("server_version"))

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database anew, bring the server to rest, and return the URL."""
        self.drop(name)
        names = (sql.Identifier(name), sql.Identifier(template))
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
            connection.execute("CHECKPOINT")
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, if it exists."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def settle(self, name: str) -> None:
        """Do what the server does by itself in the day between two nights."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def written(self, name: str) -> int:
        """Count the rows inserted, updated or deleted in a database since it was made.

        Temporary tables do not count.
        """
        self._await_quiet(name)
        with psycopg.connect(self.url(name)) as connection:
            counted = connection.execute(
                "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables"
            ).fetchone()
        return int(counted[0]) if counted else 0

    def _await_quiet(self, name: str) -> None:
        """Wait until the sessions of a run have ended.

        Sessions count what they wrote at their end.
        """
        deadline = time.monotonic() + GONE_SECONDS
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        with self._connect() as connection:
            while connection.execute(query, [name]).fetchone() != (0,) and time.monotonic() < deadline:
                time.sleep(0.1)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True)


@contextmanager
def running(folder: Path) -> Iterator[MeasuredServer]:
    """Start a server in a folder, and remove both at the end."""
    try:
        yield MeasuredServer(embedded_url(folder))
    finally:
        stop_embedded(folder)
        shutil.rmtree(folder, ignore_errors=True)
