"""Workers of launched runs: what they find imported, where their steps come from, and what is left of them."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from conflict_assets.automation.forked_workers import forked_workers
from conflict_assets.dagster_private.launching import start_workers_in
from conflict_assets_tests.automation.worker_parts import MODULE
from conflict_assets_tests.dagster_stack import ROOT

ENDS_WITHIN = 60.0


@pytest.fixture
def code_server(tmp_path):
    """Starts a process that has a worker with a step, and returns it with what both tell of themselves."""
    started = []

    def start(lasts: float):
        command = [sys.executable, "-m", "conflict_assets_tests.automation.worker_parts", str(tmp_path), str(lasts)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        started.append(process)
        deadline = time.monotonic() + ENDS_WITHIN
        while not (tmp_path / "worker.json").exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process, *(json.loads((tmp_path / f"{name}.json").read_text()) for name in ("worker", "step"))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def gone(*pids: int) -> bool:
    """Whether these processes end in time."""
    deadline = time.monotonic() + ENDS_WITHIN
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_worker_and_its_step_find_all_imported_and_nothing_of_them_is_left(code_server):
    process, worker, step = code_server(5)
    server = psutil.Process(step["parent"])
    # One that was started anew would have a command of its own.
    assert server.cmdline() == psutil.Process(worker["pid"]).cmdline()
    assert server.ppid() == worker["pid"]
    assert worker["has_definitions"]
    assert step["has_definitions"]
    assert worker["freezes"]
    assert len({process.pid, worker["pid"], worker["parent"], step["pid"], step["parent"]}) == 5
    assert process.wait(ENDS_WITHIN) == 0
    assert process.stderr.read() == ""
    assert gone(worker["pid"], worker["parent"], step["pid"], step["parent"])


def test_of_a_killed_worker_the_server_of_its_steps_goes_with_the_step(code_server):
    process, worker, step = code_server(3)
    os.kill(worker["pid"], signal.SIGKILL)
    assert process.wait(ENDS_WITHIN) == 256 - signal.SIGKILL
    assert gone(step["pid"], step["parent"])


def test_a_worker_outlives_its_code_server(code_server):
    process, worker, step = code_server(3)
    process.kill()
    process.wait()
    assert psutil.pid_exists(worker["pid"])
    assert psutil.pid_exists(step["pid"])
    assert gone(worker["pid"], worker["parent"], step["pid"], step["parent"])


def test_a_code_server_of_dagster_forks_workers(monkeypatch):
    from dagster._grpc import server

    monkeypatch.setattr(server.DagsterApiServer, "_mp_ctx", None, raising=False)
    context = forked_workers(MODULE)
    start_workers_in(context)
    made = object.__new__(server.DagsterApiServer)
    made._mp_ctx = multiprocessing.get_context("spawn")
    assert made._mp_ctx is context


def test_where_there_is_no_forkserver_workers_are_spawned(monkeypatch):
    from dagster._grpc import server

    monkeypatch.setattr(server.DagsterApiServer, "_mp_ctx", None, raising=False)
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert forked_workers(MODULE) is None
    start_workers_in(forked_workers(MODULE))
    assert server.DagsterApiServer._mp_ctx is None
