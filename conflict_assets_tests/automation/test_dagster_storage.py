"""Dagster's own storage in PostgreSQL: connections that stay, and a server that comes back."""

import os
import signal
import time

import psycopg
import pytest
from dagster import AssetMaterialization, DagsterInstance, asset, job, materialize, op
from dagster._core.scheduler.instigation import InstigatorTick, InstigatorType, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo
from sqlalchemy import event

from conflict_assets.automation.dagster_storage import POOL_SIZE, TRUSTED_SECONDS
from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.settings import read_settings
from conflict_assets.store.embedded.cluster import DAGSTER_DATABASE
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.ssn_scan import Scan

OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
EVENTS = "SELECT count(*)::int FROM event_logs"


@asset
def thing() -> None:
    """Materialized, and nothing else."""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory, lay_cluster):
    """A data folder whose server is stopped at the end."""
    folder = tmp_path_factory.mktemp("embedded")
    lay_cluster(folder / "postgres")
    yield folder
    stop_embedded(folder / "postgres")


@pytest.fixture
def embedded_instance(embedded, tmp_path):
    (tmp_path / "dagster.yaml").write_text(instance_yaml(read_settings(conflicts_data_dir=embedded), tmp_path))
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def dagster_url(embedded):
    return embedded_url(embedded / "postgres", database=DAGSTER_DATABASE)


def test_all_events_of_a_run_go_over_connections_that_stay(pg_server, open_instance):
    url = pg_server.make_database()
    with open_instance(dagster_postgres_url=url) as instance:
        assert materialize([thing], instance=instance).success
        first = rows(url, OTHERS)
        assert materialize([thing], instance=instance).success
        assert set(rows(url, OTHERS)) == set(first)
    assert 1 <= len(first) <= POOL_SIZE


def test_an_event_whose_connection_is_lost_is_written_all_the_same(pg_server, open_instance):
    url = pg_server.make_database()
    with open_instance(dagster_postgres_url=url) as instance:
        run = materialize([thing], instance=instance).dagster_run
        before = rows(url, EVENTS)
        execute(url, f"SELECT pg_terminate_backend(pid) FROM ({OTHERS}) AS others")  # noqa: S608 - a constant
        instance.report_engine_event("after the loss", run)
    assert rows(url, EVENTS) == [(before[0][0] + 1,)]


def test_who_reads_after_a_connection_was_lost_gets_an_answer(pg_server, open_instance):
    url = pg_server.make_database()
    with open_instance(dagster_postgres_url=url) as instance:
        run = materialize([thing], instance=instance).dagster_run
        execute(url, f"SELECT pg_terminate_backend(pid) FROM ({OTHERS}) AS others")  # noqa: S608 - a constant
        time.sleep(2 * TRUSTED_SECONDS)
        assert instance.get_run_by_id(run.run_id) is not None


def test_a_table_that_was_found_is_not_looked_for_at_every_event(pg_server, open_instance):
    with open_instance(dagster_postgres_url=pg_server.make_database()) as instance:
        materialize([thing], instance=instance)
        asked = []
        engine = instance.event_log_storage._engine
        event.listen(engine, "before_cursor_execute", lambda *heard: asked.append(heard[2]))
        materialize([thing], instance=instance)
    assert [each for each in asked if "INSERT INTO event_logs" in each]
    assert [each for each in asked if each.startswith("SELECT pg_catalog.pg_class.relname")] == []


def test_a_connection_that_is_lost_while_an_event_is_written_costs_nothing(pg_server, open_instance):
    url = pg_server.make_database()
    with open_instance(dagster_postgres_url=url) as instance:
        run = materialize([thing], instance=instance).dagster_run
        execute(
            url,
            """CREATE SEQUENCE tries;
               CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                 RETURN NEW; END $$;
               CREATE TRIGGER lose BEFORE INSERT ON event_logs FOR EACH ROW EXECUTE FUNCTION lose()""",
        )
        instance.report_engine_event("in the midst", run)
    assert rows(url, "SELECT count(*)::int FROM event_logs WHERE event LIKE '%in the midst%'") == [(1,)]


SSN = "665115569"
QUOTED = f"driver says: '{SSN}x' at postgresql://u:p@S3creT@h/d"


@op
def quoting(context) -> None:
    """Fails as a driver does, and says it in every other way too."""
    context.log.warning(f"before: {QUOTED}")
    context.log_event(AssetMaterialization("thing", description=QUOTED, metadata={"said": QUOTED, "rows": 123456789}))
    try:
        raise ValueError(QUOTED)
    except ValueError as error:
        raise RuntimeError("and so: 665-11-5569") from error


@job
def quoting_job() -> None:
    """A step that fails, outside all that looks after steps."""
    quoting()


def test_nothing_is_stored_or_printed_unmasked_whoever_says_it(pg_server, open_instance, capfd):
    url = pg_server.make_database()
    with open_instance(dagster_postgres_url=url) as instance:
        result = quoting_job.execute_in_process(instance=instance, raise_on_error=False)
        events = [each.dagster_event for each in instance.all_logs(result.run_id) if each.dagster_event]
        (failed,) = [each.step_failure_data for each in events if each.is_step_failure]
        (made,) = [each.event_specific_data.materialization for each in events if each.is_step_materialization]
        tick = TickData("i", "sensor", InstigatorType.SENSOR, TickStatus.SKIPPED, 0.0, skip_reason=QUOTED)
        stored = instance.create_tick(tick)
        error = SerializableErrorInfo(QUOTED, [QUOTED], "ValueError")
        failed_tick = tick._replace(status=TickStatus.FAILURE, skip_reason=None, error=error)
        instance.update_tick(InstigatorTick(stored.tick_id, failed_tick))
        instance.add_daemon_heartbeat(DaemonHeartbeat(0.0, "SENSOR", "daemon", [error]))
    scan = Scan({SSN})
    scan.database(url)
    printed = "".join(capfd.readouterr())
    scan.text("console", printed)
    assert "driver says: '***-**-5569x' at postgresql://***@h/d" in printed
    assert not scan.found
    tables = ("event_logs", "runs", "run_tags", "job_ticks", "daemon_heartbeats")
    stored = "".join(str(rows(url, f"SELECT t::text FROM {table} AS t")) for table in tables)  # noqa: S608 - constants
    assert "S3creT" not in stored + printed
    # The causes are there, and what is no text is as it was.
    assert failed.error.cause.cls_name == "RuntimeError"
    assert failed.error.cause.message == "RuntimeError: and so: ***-**-5569\n"
    assert failed.error.cause.cause.message.startswith(
        "ValueError: driver says: '***-**-5569x' at postgresql://***@h/d"
    )
    assert "in quoting" in "".join(failed.error.cause.stack)
    assert made.metadata["rows"].value == 123456789
    for table in ("job_ticks", "daemon_heartbeats", "event_logs"):
        assert "***-**-5569" in str(rows(url, f"SELECT t::text FROM {table} AS t"))  # noqa: S608 - constants


def test_a_storage_whose_password_is_not_quoted_is_refused_without_any_of_it(open_instance):
    with (
        pytest.raises(StoreError, match="DAGSTER_POSTGRES_URL can't be read") as error,
        open_instance(dagster_postgres_url="postgresql://u:a@s3cret/x@h:5432/d"),
    ):
        pass
    assert "s3c" not in str(error.value)


def test_the_embedded_server_is_started_when_it_is_down(embedded, embedded_instance):
    stop_embedded(embedded / "postgres")
    assert materialize([thing], instance=embedded_instance).success
    assert rows(dagster_url(embedded), EVENTS)[0][0] > 0


def test_the_embedded_server_is_started_anew_when_it_waits_for_these_very_connections_to_end(
    embedded, embedded_instance
):
    assert materialize([thing], instance=embedded_instance).success
    os.kill(int((embedded / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0]), signal.SIGTERM)
    with DagsterInstance.from_ref(embedded_instance.get_ref()) as another:
        assert materialize([thing], instance=another).success
    assert materialize([thing], instance=embedded_instance).success


@pytest.mark.parametrize(
    ("name", "value"),
    [("PGSERVICE", "prod"), ("PGHOSTADDR", "192.0.2.1"), ("PGSSLMODE", "verify-full"), ("PGOPTIONS", "-c nonsense=1")],
)
def test_the_embedded_server_heeds_no_variable_of_other_servers(embedded_instance, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    embedded_instance.event_log_storage._engine.dispose()
    assert embedded_instance.get_runs_count() >= 0


def test_a_server_from_before_gets_dagster_s_database(embedded, tmp_path):
    admin = embedded_url(embedded / "postgres", database="postgres")
    execute(admin, f"DROP DATABASE {DAGSTER_DATABASE} WITH (FORCE)")
    with pytest.raises(psycopg.OperationalError):
        rows(dagster_url(embedded), EVENTS)
    (tmp_path / "dagster.yaml").write_text(instance_yaml(read_settings(conflicts_data_dir=embedded), tmp_path))
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        assert materialize([thing], instance=instance).success
