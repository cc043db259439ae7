"""Failure stays in its prefix: refused commits, killed steps, lost connections, time-outs; and what is said of them."""

import os
import re
import shlex
import signal

import pytest

from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import (
    LOSE_CONNECTION,
    REFUSE,
    TAKE_TOO_LONG,
    held,
    inject,
    lose_connection,
    mend,
    release,
)
from conflict_assets_tests.e2e.platform import HELD, PREFIXES

ATTEMPTS = 3
"""A step and its two repetitions."""


def step(platform, run: str, prefix: str):
    return platform.dagster.steps(run)[f"visit_conflicts.detect_batch[{prefix}]"]


def pauses(platform, run: str, prefix: str) -> list[float]:
    """The seconds that each repetition of a prefix's step was to wait for."""
    key = f"visit_conflicts.detect_batch[{prefix}]"
    events = [event for event in platform.dagster.events(run) if event["stepKey"] == key]
    return [event["secondsToWait"] for event in events if event["type"] == "ExecutionStepUpForRetryEvent"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (REFUSE, "The store says: injected"),
        (TAKE_TOO_LONG, "A statement took longer than the time-out of the store."),
    ],
    ids=["exception", "time-out"],
)
def test_a_permanent_failure_fails_at_once_and_stays_in_its_prefix(platform, fault, said):
    dagster = platform.dagster
    assert dagster.await_run(dagster.launch_range("1", "3")) == "SUCCESS"
    before = platform.conflicts("2")
    inject(platform.store, fault, "2")
    run = dagster.launch_range("1", "3")
    assert dagster.await_run(run) == "FAILURE"
    assert len(step(platform, run, "2")["attempts"]) <= 1
    assert pauses(platform, run, "2") == []
    assert said in dagster.await_message(run, "prefix 2 failed")
    assert platform.conflicts("2") == before
    assert before.number
    assert platform.committed(run) == {"1", "3"}
    platform.agree(failed={"2"})


def test_a_lost_connection_is_made_again_and_the_step_goes_on(platform):
    dagster = platform.dagster
    with held(platform.store, "2"):
        run = dagster.launch_range("2", "3")
        lost = platform.await_stopped(1)["2"]
        lose_connection(platform.store, lost)
        wait(lambda: platform.await_stopped(1)["2"], lambda backend: backend != lost)
    assert dagster.await_run(run) == "SUCCESS"
    assert pauses(platform, run, "2") == []
    assert platform.commits("2") == platform.commits("3") == [run]
    platform.agree()


def test_a_connection_that_is_lost_again_and_again_is_tried_with_growing_pauses_and_fails_alone(platform):
    dagster = platform.dagster
    inject(platform.store, LOSE_CONNECTION, "2")
    run = dagster.launch_range("1", "3")
    assert dagster.await_run(run) == "FAILURE"
    first, second = pauses(platform, run, "2")
    assert 0 <= first <= 4 <= second <= 8
    assert platform.committed() == {"1", "3"}
    platform.agree(failed={"2"})
    mend(platform.store)
    assert dagster.await_run(dagster.reexecute(run)) == "SUCCESS"
    platform.agree()


def test_a_step_killed_once_is_started_again(platform):
    dagster = platform.dagster
    with held(platform.store, "2") as connection:
        run = dagster.launch_range("1", "3")
        platform.await_stopped(1)
        os.kill(platform.step_pid(run, "detect_batch[2]"), signal.SIGKILL)
        wait(lambda: pauses(platform, run, "2"), lambda found: len(found) == 1)
        release(connection, "2")
        assert dagster.await_run(run) == "SUCCESS"
    assert platform.committed() == {"1", "2", "3"}
    platform.agree()


def test_a_step_killed_at_every_attempt_fails_alone(platform):
    dagster = platform.dagster
    with held(platform.store, "2"):
        run = dagster.launch_range("1", "3")
        killed: set[int] = set()
        while len(killed) < ATTEMPTS:
            pid = wait(lambda: platform.step_pid(run, "detect_batch[2]"), lambda found: found not in killed)
            platform.await_stopped(1)
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        assert dagster.await_run(run) == "FAILURE"
    assert platform.committed() == {"1", "3"}
    assert "none of 4 at work" in platform.servers.command("doctor").stdout
    platform.agree(failed={"2"})
    assert dagster.await_run(dagster.reexecute(run)) == "SUCCESS"
    platform.agree()


def test_the_failed_prefixes_and_the_command_that_repeats_them_are_one_line_of_log_and_alert(
    platform, alerts, undisturbed
):
    dagster, told = platform.dagster, alerts[1]
    inject(platform.store, REFUSE, "1", "2", "3", "7")
    run = dagster.launch_range("0", "9")
    assert dagster.await_run(run) == "FAILURE"
    line = "Failed prefixes: 1-3, 7. Repeat them with: conflict-assets run --prefix 1-3 --prefix 7"
    assert dagster.await_message(run, "Failed prefixes") == line
    (alert,) = wait(lambda: [alert for alert in told if alert["run_id"] == run], bool, 120)
    assert alert["failed_prefixes"] == ["1", "2", "3", "7"]
    assert line in alert["text"]
    wait(lambda: f"Run {run}: {line}" in platform.servers.log("dagster-daemon"), bool, 60)
    wait(lambda: [tick for tick in dagster.ticks("failed_prefixes") if run in tick and line in tick], bool, 60)
    platform.agree(failed={"1", "2", "3", "7"})
    mend(platform.store)
    command = shlex.split(re.search(r"conflict-assets (.*)", line)[1])
    repeated = platform.servers.command(*command)
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    assert platform.committed() == set(PREFIXES)
    assert platform.night(*HELD) == {table: undisturbed[table] for table in HELD}
    platform.agree()


def test_the_command_line_says_the_same_line(platform):
    inject(platform.store, REFUSE, "4")
    failed = platform.servers.command("run", "--prefix", "3-5")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "Failed prefixes: 4. Repeat them with: conflict-assets run --prefix 4" in failed.stdout
    platform.agree(failed={"4"})


def test_a_pack_whose_process_is_killed_goes_on_with_what_it_had_not_begun(platform):
    with held(platform.store, "2") as connection:
        night = platform.servers.begin("run", "--prefix", "1-3", "--workers", "1", VISITS_PER_STEP="25000")
        platform.await_stopped(1)
        (run,) = [run["runId"] for run in platform.dagster.runs() if run["status"] == "STARTED"]
        assert platform.committed() == {"1"}
        os.kill(platform.step_pid(run, "detect_batch[1to3]"), signal.SIGKILL)
        wait(platform.committed, lambda found: found == {"1", "3"})
        release(connection, "2")
        said, _ = night.communicate(timeout=240)
    assert night.returncode == 0, said
    assert platform.committed() == {"1", "2", "3"}
    platform.agree()
