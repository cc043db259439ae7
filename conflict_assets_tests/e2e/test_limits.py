"""Limits, each proven by counting the steps that are in mid-air at once."""

import time

import pytest

from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import held
from conflict_assets_tests.e2e.platform import EMPTY_PREFIX, PREFIXES

WORKERS, WORKERS_ALL_RUNS, RUNS = 3, 4, 2
"""What conftest's settings say."""

BUSY = [prefix for prefix in PREFIXES if prefix != EMPTY_PREFIX]


def count_at_once(platform, workers: int) -> None:
    """Wait until as many steps are in mid-air, and see that no further one comes."""
    platform.await_stopped(workers)
    assert platform.most_stopped() == workers


@pytest.mark.parametrize(("configured", "workers"), [(None, WORKERS), (2, 2)], ids=["environment", "launchpad"])
def test_a_run_has_as_many_steps_at_once_as_max_workers_or_the_launchpad_says(platform, configured, workers):
    with held(platform.store, *BUSY):
        run = platform.dagster.launch_range("0", "6", workers=configured)
        count_at_once(platform, workers)
    assert platform.dagster.await_run(run) == "SUCCESS"
    platform.agree()


def test_the_command_line_has_as_many_as_workers_says_and_the_option_wins(platform):
    with held(platform.store, *BUSY):
        night = platform.servers.begin("run", "--prefix", "0-6", "--workers", "2")
        count_at_once(platform, 2)
    said, _ = night.communicate(timeout=240)
    assert night.returncode == 0, said
    platform.agree()


def test_the_limit_holds_over_runs_at_the_same_time_and_who_waits_says_for_whom(platform):
    dagster = platform.dagster
    with held(platform.store, *BUSY):
        runs = [dagster.launch_range("0", "4"), dagster.launch_range("5", "9")]
        count_at_once(platform, WORKERS_ALL_RUNS)
        said = wait(lambda: [said for run in runs for said in waiting_lines(platform, run)], bool)[0]
        assert f"MAX_WORKERS_ALL_RUNS={WORKERS_ALL_RUNS} are at work" in said
        assert any(f"run {run} on prefix" in said for run in runs)
        doctor = platform.servers.command("doctor").stdout
        assert f"{WORKERS_ALL_RUNS} of {WORKERS_ALL_RUNS} at work: " in doctor
        assert all(f"{run} (nightly_conflicts, STARTED)" in doctor for run in runs)
    assert [dagster.await_run(run) for run in runs] == ["SUCCESS", "SUCCESS"]
    assert "none of 4 at work" in platform.servers.command("doctor").stdout
    platform.agree()


def waiting_lines(platform, run):
    return [each["message"] for each in platform.dagster.events(run) if "Waiting for a free worker" in each["message"]]


def test_further_runs_wait_in_the_queue(platform):
    dagster = platform.dagster
    with held(platform.store, *BUSY):
        runs = [dagster.materialize(prefix) for prefix in "012"]
        platform.await_stopped(RUNS)
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            assert sorted(dagster.run_status(run) for run in runs) == ["QUEUED", "STARTED", "STARTED"]
    assert [dagster.await_run(run) for run in runs] == ["SUCCESS"] * 3
    assert platform.committed() == {"0", "1", "2"}
    platform.agree()
