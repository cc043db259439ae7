"""Dagster's SQLite files stay open between events, and a commit does not wait for the disk."""

import pytest
from sqlalchemy import NullPool, create_engine, text

from conflict_assets.automation import light_sqlite


@pytest.fixture
def engines(tmp_path):
    """Engines that open a connection each time, as Dagster's do, on files in write-ahead mode."""

    def make(name):
        engine = create_engine(f"sqlite:///{tmp_path / name}", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode = WAL"))
            connection.execute(text("CREATE TABLE IF NOT EXISTS events (told text)"))
            connection.commit()
        return engine

    yield make
    for file in [file for file in light_sqlite._held if file.startswith(str(tmp_path))]:
        light_sqlite._held.pop(file).close()


def tell(engine):
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO events VALUES ('done')"))
        connection.commit()
        return connection.execute(text("PRAGMA synchronous")).scalar_one()


def test_a_commit_waits_for_the_disk_only_when_the_log_is_written_back(engines):
    assert tell(engines("one.db")) == 1


def test_no_close_of_a_connection_writes_the_log_back(engines, tmp_path):
    engine = engines("one.db")
    tell(engine)
    log = tmp_path / "one.db-wal"
    assert log.exists()
    before = log.stat().st_size
    tell(engine)
    assert log.stat().st_size >= before > 0


def test_what_one_connection_has_told_the_next_one_reads(engines):
    engine = engines("one.db")
    for _ in range(3):
        tell(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 3


def test_few_files_stay_open_however_many_there_are(engines, tmp_path):
    for number in range(2 * light_sqlite.MOST_HELD):
        tell(engines(f"{number}.db"))
    assert len(light_sqlite._held) == light_sqlite.MOST_HELD
    assert str(tmp_path / f"{2 * light_sqlite.MOST_HELD - 1}.db") in light_sqlite._held
