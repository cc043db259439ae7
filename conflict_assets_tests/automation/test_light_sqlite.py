"""Dagster's SQLite files and engines stay open between events, and a commit does not wait for the disk."""

import pytest
from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    DagsterInstance,
    Output,
    StaticPartitionsDefinition,
    asset,
    materialize,
)
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import NullPool, create_engine, text

from conflict_assets.automation import light_sqlite
from conflict_assets.running.home import make_home
from conflict_assets.settings import load_settings


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


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """An instance as the command line makes one where no storage is named."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    with DagsterInstance.from_config(str(make_home(load_settings()))) as made:
        yield made


def test_the_home_of_the_command_line_names_the_light_storage(instance):
    assert isinstance(instance.event_log_storage, light_sqlite.LightEventLog)


def test_a_run_is_told_and_read_as_by_dagster_s_own_storage(instance, tmp_path):
    @asset(partitions_def=StaticPartitionsDefinition(["04"]), check_specs=[AssetCheckSpec("fits", asset="told")])
    def told():
        yield AssetCheckResult(passed=True)
        yield Output(None, metadata={"rows": 3})

    run = materialize([told], instance=instance, partition_key="04").run_id
    plain = DagsterSqliteStorage.from_local(str(tmp_path / "home"))
    plain.register_instance(instance)
    for storage in (instance.event_log_storage, plain.event_log_storage):
        kinds = [each.dagster_event.event_type_value for each in storage.get_logs_for_run(run) if each.dagster_event]
        assert {"STEP_SUCCESS", "ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION"} <= set(kinds)
        assert storage.get_materialized_partitions(AssetKey("told")) == {"04"}


def test_an_engine_is_made_once_for_each_file(instance, monkeypatch):
    log = instance.event_log_storage
    made = []
    monkeypatch.setattr(light_sqlite, "create_engine", lambda url, **_: made.append(url) or create_engine(url))
    log._engine_of.cache_clear()
    for _ in range(3):
        log.has_secondary_index("nothing")
        with log.index_connection() as connection:
            connection.execute(text("SELECT 1"))
    assert len(made) == 1
