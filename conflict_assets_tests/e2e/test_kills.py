"""SIGKILL in mid-night: after a restart and one re-execution the store is what an undisturbed night leaves."""

import os
import signal

from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import held, release, stopped
from conflict_assets_tests.e2e.platform import HELD

IN_MID_AIR = ("5", "6")


def night_in_mid_air(platform) -> str:
    """A whole night of which the held prefixes are in mid-air, and some others are done."""
    run = platform.dagster.launch_range("0", "9")
    platform.await_stopped(len(IN_MID_AIR))
    wait(platform.committed, lambda found: {"0", "1", "2"} <= found)
    return run


def is_whole(platform, undisturbed) -> None:
    assert platform.night() == undisturbed
    platform.agree()


def test_a_killed_step_costs_the_night_nothing(platform, undisturbed):
    with held(platform.store, *IN_MID_AIR) as connection:
        run = night_in_mid_air(platform)
        victim = platform.step_pid(run, "detect_batch[5]")
        os.kill(victim, signal.SIGKILL)
        wait(lambda: platform.step_pid(run, "detect_batch[5]"), lambda found: found != victim)
        for prefix in IN_MID_AIR:
            release(connection, prefix)
        assert platform.dagster.await_run(run) == "SUCCESS"
    is_whole(platform, undisturbed)


def test_a_night_whose_run_worker_is_killed_does_not_hang_and_one_re_execution_completes_it(platform, undisturbed):
    dagster = platform.dagster
    with held(platform.store, *IN_MID_AIR):
        run = night_in_mid_air(platform)
        os.kill(platform.worker_pid(run), signal.SIGKILL)
        assert dagster.await_run(run, 60) == "FAILURE"
    repeated = dagster.reexecute(run)
    assert dagster.await_run(repeated) == "SUCCESS"
    is_whole(platform, undisturbed)


def test_a_killed_daemon_stops_no_night_and_what_was_queued_goes_on_when_it_is_back(platform, undisturbed):
    dagster = platform.dagster
    with held(platform.store, *IN_MID_AIR):
        run = night_in_mid_air(platform)
        platform.servers.kill_daemon()
        queued = dagster.materialize("5")
    assert dagster.await_run(run) == "SUCCESS"
    assert platform.night() == undisturbed
    assert dagster.run_status(queued) == "QUEUED"
    platform.servers.start_daemon()
    assert dagster.await_run(queued) == "SUCCESS"
    assert platform.commits("5") == [run, queued]
    assert platform.night(*HELD) == {table: undisturbed[table] for table in HELD}
    platform.agree()


def test_a_daemon_killed_with_all_that_it_runs_leaves_a_night_that_one_re_execution_completes(platform, undisturbed):
    dagster = platform.dagster
    with held(platform.store, *IN_MID_AIR):
        run = night_in_mid_air(platform)
        platform.servers.kill_daemon_and_all_that_it_runs()
        wait(lambda: stopped(platform.store), lambda found: not found)
    assert dagster.run_status(run) == "STARTED"
    platform.servers.start_daemon()
    assert dagster.await_run(run, 120) == "FAILURE"
    repeated = dagster.reexecute(run)
    assert dagster.await_run(repeated) == "SUCCESS"
    is_whole(platform, undisturbed)
