"""The launcher as run monitoring asks it."""

import json
import os
import subprocess
import sys

import psutil
import pytest
from dagster import DagsterInstance, DagsterRunStatus, job
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from conflict_assets.assets.processes import PROCESS_TAG, this_process
from conflict_assets.automation import launcher
from conflict_assets.automation.launcher import WatchedRunLauncher
from conflict_assets.dagster_private.names import make_new_run_id


@job
def nothing():
    pass


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def health(instance, worker=None, command=None, **tags):
    watched = WatchedRunLauncher()
    watched.register_instance(instance)
    run_id = make_new_run_id()
    if command is not None:
        tags |= {PROCESS_TAG: f"{run_id} {command}"}
    run = instance.create_run_for_job(nothing, run_id=run_id, status=DagsterRunStatus.STARTED, tags=tags)
    if worker is not None:
        instance.report_engine_event("Started process for run", run, EngineEventData.in_process(worker))
    return watched.check_run_worker_health(run).status


def ended_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def server_that_is_gone(tmp_path) -> dict[str, str]:
    return {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(tmp_path / "gone")})}


def test_a_run_whose_code_server_and_worker_are_gone_has_failed(instance, tmp_path):
    assert health(instance, ended_process(), **server_that_is_gone(tmp_path)) is WorkerStatus.FAILED


def test_a_worker_that_outlives_its_code_server_goes_on(instance, tmp_path):
    assert health(instance, os.getpid(), **server_that_is_gone(tmp_path)) is WorkerStatus.RUNNING


@pytest.mark.parametrize(("began_after", "lives"), [(-60, True), (0.9, True), (1.1, False)])
def test_a_process_that_began_after_its_worker_was_seen_is_another_one(began_after, lives):
    """The clock of a process's beginning is a second off at most."""
    seen_at = psutil.Process().create_time() - began_after
    assert launcher._lives(os.getpid(), seen_at) == lives


def test_a_server_elsewhere_that_is_down_may_come_back(instance):
    elsewhere = {GRPC_INFO_TAG: json.dumps({"host": "192.0.2.1.invalid", "port": 1})}
    assert health(instance, ended_process(), **elsewhere) is WorkerStatus.RUNNING


def test_a_run_of_a_living_command_goes_on_and_of_a_dead_one_has_failed(instance):
    host, _, started = this_process().split()
    assert health(instance, command=this_process()) is WorkerStatus.RUNNING
    assert health(instance, command=f"{host} {ended_process()} {started}") is WorkerStatus.FAILED
