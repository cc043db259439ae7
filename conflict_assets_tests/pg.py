"""A PostgreSQL for a test session, and a database of its own for each test that asks for one."""

import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded

PREFIX_LENGTH = 2
EMPTY_STORE = """
    DELETE FROM visit_conflicts; DELETE FROM conflict_visits; DELETE FROM conflict_decisions;
    DELETE FROM conflict_history; DELETE FROM prefix_runs; DELETE FROM detection_policies;
    DELETE FROM open_conflict_columns;
    DELETE FROM rejected_visits;
    DELETE FROM excluded_agencies; DELETE FROM excluded_ssns; DELETE FROM speed_bands;
    INSERT INTO speed_bands VALUES (0, 5, 4), (5, 10, 10), (10, 20, 25), (20, NULL, 50)"""


@dataclass
class PgServer:
    """A running server whose `url` may make databases. Emptied stores are used again: making one takes a second."""

    url: str
    emptied: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def database_url(self, database: str) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{database}", netloc=parts.netloc or ""))

    def make_database(self) -> str:
        name = f"test_{next(self.numbers)}"
        self._execute("CREATE DATABASE {}", name)
        return self.database_url(name)

    def make_store(self, prefix_length: int = PREFIX_LENGTH) -> str:
        if self.emptied[prefix_length]:
            return self.emptied[prefix_length].pop()
        url = self.make_database()
        with ConflictStore(url=url, prefix_length=prefix_length) as store:
            store.administration.prepare()
        return url

    def take_back(self, url: str, prefix_length: int) -> None:
        """Empty a store for the next test; one whose tables a test has dropped is dropped itself."""
        try:
            execute(url, EMPTY_STORE)
        except psycopg.errors.UndefinedTable:
            self.drop(url)
        else:
            self.emptied[prefix_length].append(url)

    def drop(self, url: str) -> None:
        self._execute("DROP DATABASE {} WITH (FORCE)", urlsplit(url).path.removeprefix("/"))

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


LayCluster = Callable[[Path], None]


@pytest.fixture(scope="session")
def lay_cluster(tmp_path_factory: pytest.TempPathFactory) -> LayCluster:
    """Lays a cluster into the folder of an embedded server, which finds it made: to make one takes seconds.

    Nothing in it is to survive the machine, so that no commit waits for the disk.
    """
    made = tmp_path_factory.mktemp("made") / "server"
    execute(embedded_url(made), "ALTER SYSTEM SET fsync = off")
    stop_embedded(made)

    def lay(home: Path) -> None:
        home.mkdir(parents=True)
        subprocess.run(["cp", "-a", made / "cluster", made / "passfile", home], check=True)

    return lay


@contextmanager
def own_server(lay_cluster: LayCluster) -> Iterator[tuple[Path, str]]:
    """An embedded server in a folder of its own, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="conflicts-test-"))
    try:
        lay_cluster(folder / "server")
        yield folder / "server", embedded_url(folder / "server", stay=True)
    finally:
        stop_embedded(folder / "server")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pg_server(lay_cluster: LayCluster) -> Iterator[PgServer]:
    """One embedded server for the whole session of tests."""
    with own_server(lay_cluster) as (_, url):
        yield PgServer(url)


@pytest.fixture
def make_store(pg_server: PgServer) -> Iterator[Callable[..., str]]:
    """Makes prepared, empty stores: `make_store(prefix_length=3)` gives a URL."""
    made: list[tuple[str, int]] = []

    def make(prefix_length: int = PREFIX_LENGTH) -> str:
        made.append((pg_server.make_store(prefix_length), prefix_length))
        return made[-1][0]

    yield make
    for url, prefix_length in made:
        pg_server.take_back(url, prefix_length)


@pytest.fixture
def store_url(make_store: Callable[..., str]) -> str:
    """The URL of a prepared, empty store with prefixes of two digits."""
    return make_store()


def rows(url: str, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """What a query gives, on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, parameters).fetchall()


def execute(url: str, statement: str, parameters: Any = None) -> None:
    """Run a statement on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement, parameters)
