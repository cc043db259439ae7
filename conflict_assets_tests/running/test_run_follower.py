"""What someone who follows a run is told."""

import logging
import os
import signal
import sys
import threading
import time

import psycopg
import pytest
from dagster import DagsterInstance, execute_job, job, multiprocess_executor, op, reconstructable
from sqlalchemy.exc import OperationalError

from conflict_assets.running import run_follower as following_module
from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.running.run_follower import PROCESS_DIED, Watcher, following
from conflict_assets.settings import read_settings

WAIT_SECONDS = 30


@op
def victim():
    """Dies as a process does for which there is no memory."""
    os.kill(os.getpid(), signal.SIGKILL)


@op
def raiser():
    """Raises what may hold somebody's number."""
    raise LookupError("123-45-6789")


@job(executor_def=multiprocess_executor)
def dying():
    victim()
    raiser()


def test_a_killed_step_is_told_in_a_sentence_and_no_error_by_its_text(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    told = []
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        with execute_job(reconstructable(dying), instance=instance) as result:
            run_id = result.run_id
        with following(instance, run_id, Watcher(say=lambda *heard: told.append(heard), finished=sys.exit)):
            pass
    assert sorted(text for level, text in told if level == logging.ERROR) == [
        "raiser failed: LookupError",
        f"victim failed: {PROCESS_DIED}",
    ]


@pytest.fixture
def shared(pg_server, tmp_path, monkeypatch):
    """An instance whose records are in PostgreSQL, where several write at once, and its URL."""
    url = pg_server.make_database()
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    settings = read_settings(conflicts_data_dir=tmp_path / "data", dagster_postgres_url=url)
    (tmp_path / "dagster.yaml").write_text(instance_yaml(settings, tmp_path))
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance, url
    pg_server.drop(url)


@op
def speaker(context):
    """Says one line, and a second one."""
    context.log.info("early")
    context.log.info("late")


@job
def speaking():
    speaker()


def wait_for(condition):
    end = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


def test_a_line_is_told_that_is_committed_after_one_with_a_greater_id(shared):
    instance, url = shared
    run_id = speaking.execute_in_process(instance=instance).run_id
    told = []
    with psycopg.connect(url) as other:
        taken = "UPDATE event_logs SET run_id = %s WHERE run_id = %s AND event LIKE %s"
        other.execute(taken, ["kept back", run_id, '%"early"%'])
        other.commit()
        other.execute(taken, [run_id, "kept back", "%"])
        with following(instance, run_id, Watcher(say=lambda _level, text: told.append(text), finished=sys.exit)):
            wait_for(lambda: "late" in told)
            other.commit()
            wait_for(lambda: "early" in told)
    assert (told.count("early"), told.count("late")) == (1, 1)


def test_ids_of_other_runs_are_not_waited_for_without_end(shared, monkeypatch):
    monkeypatch.setattr(following_module, "LATE_SECONDS", 0)
    instance, _ = shared
    runs = [speaking.execute_in_process(instance=instance).run_id for _ in range(2)]
    records = following_module._Records(instance, runs[0])
    assert len(records.read()) > 2
    instance.report_engine_event("more", run_id=runs[0], job_name="speaking")
    assert [record.event_log_entry.dagster_event.message for record in records.read()] == ["more"]
    assert records.read() == []
    assert not records._passed_over


def test_a_storage_that_is_away_for_a_moment_does_not_silence_the_run(shared, monkeypatch):
    instance, _ = shared
    run_id = speaking.execute_in_process(instance=instance).run_id
    read, away = instance.get_records_for_run, threading.Event()

    def sometimes(*arguments, **options):
        if not away.is_set():
            away.set()
            raise OperationalError("SELECT", {}, Exception("the server is away"))
        return read(*arguments, **options)

    monkeypatch.setattr(instance, "get_records_for_run", sometimes)
    told = []
    with following(instance, run_id, Watcher(say=lambda _level, text: told.append(text), finished=sys.exit)):
        pass
    assert told == ["early", "late"]
    assert away.is_set()
