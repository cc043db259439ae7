"""Re-executions and the simplest clicks, as the UI shows them: partitions, and the partitions of checks."""

import os
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import REFUSE, inject, mend
from conflict_assets_tests.e2e.platform import PREFIXES

CHECKS = ("dtypes", "counts", "rows_belong_to_prefix", "no_pair_within_one_agency")


def all_are_checked(platform) -> None:
    for check in CHECKS:
        assert platform.dagster.check_partitions(check) == {"succeeded": set(PREFIXES)}


def failed_night(platform) -> str:
    inject(platform.store, REFUSE, "5")
    night = platform.dagster.launch_range("0", "9")
    assert platform.dagster.await_run(night) == "FAILURE"
    platform.agree(failed={"5"})
    return night


def test_a_night_is_re_executed_after_single_prefixes_and_no_prefix_and_no_check_is_missing(platform):
    dagster = platform.dagster
    night = failed_night(platform)
    again = dagster.reexecute(night)
    assert dagster.await_run(again) == "FAILURE"
    platform.agree(failed={"5"})
    assert dagster.check_partitions("counts") == {"succeeded": set(PREFIXES) - {"5"}, "executionFailed": {"5"}}
    mend(platform.store)
    backfill = dagster.backfill(["1", "2", "4"])
    assert dagster.await_backfill(backfill) == "COMPLETED_SUCCESS"
    assert dagster.await_run(dagster.materialize("7")) == "SUCCESS"
    assert dagster.await_run(dagster.reexecute(again)) == "SUCCESS"
    platform.agree()
    all_are_checked(platform)


def test_a_night_whose_snapshots_have_ended_reads_anew_what_is_left(platform):
    dagster = platform.dagster
    night = failed_night(platform)
    mend(platform.store)
    for folder in (Path(platform.servers.environment["CONFLICTS_DATA_DIR"]) / "snapshots").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    again = dagster.reexecute(night)
    assert dagster.await_run(again) == "SUCCESS"
    assert "prefixes 5 from the source anew" in dagster.await_message(again, "from the source anew")
    platform.agree()
    all_are_checked(platform)


def test_a_pack_that_is_repeated_leaves_no_check_missing(platform):
    inject(platform.store, REFUSE, "5")
    failed = platform.servers.command("run", VISITS_PER_STEP="250000")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "The store says: injected" in failed.stdout
    mend(platform.store)
    platform.agree(failed={"5"})
    assert platform.dagster.check_partitions("counts")["succeeded"] == set(PREFIXES) - {"5"}


def test_the_launchpad_confirmed_empty_is_a_night_over_all_prefixes(platform, undisturbed):
    dagster = platform.dagster
    run = dagster.launch(tags={"conflict_assets/summary_by": "nobody"})
    assert dagster.await_run(run) == "SUCCESS"
    assert platform.night() == undisturbed
    platform.agree()
    all_are_checked(platform)
    assert dagster.partitions("active_visits")["materialized"] == set(PREFIXES)
    assert dagster.check_partitions("dtypes", "active_visits") == {"succeeded": set(PREFIXES)}


def test_conflicts_alone_say_which_snapshot_they_judge(platform):
    dagster = platform.dagster
    read = dagster.materialize("4")
    assert dagster.await_run(read) == "SUCCESS"
    alone = dagster.launch("__ASSET_JOB", tags={"dagster/partition": "4"}, assets=["visit_conflicts"])
    assert dagster.await_run(alone) == "SUCCESS"
    assert f"read by run {read}" in dagster.await_message(alone, "Judging prefixes 4 by the snapshot of")
    platform.agree()


@contextmanager
def locked(url: str, table: str):
    """Nobody reads the table until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize(
    ("step", "table"),
    [
        ("active_visits", "excluded_agencies"),
        ("visit_conflicts.plan_batches", "speed_bands"),
        ("visit_conflicts.publish_conflicts", "conflict_decisions"),
    ],
)
def test_a_killed_step_of_any_kind_is_tried_again(platform, undisturbed, step, table):
    dagster = platform.dagster

    def pids(run: str) -> list[int]:
        return [event["pid"] for event in dagster.events(run) if event["pid"] and event["stepKey"] == step]

    with locked(platform.store, table):
        run = dagster.launch_range("0", "9")
        (victim, *_) = wait(lambda: pids(run), bool)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        wait(lambda: platform.rows(waiting, [table]), lambda found: found[0][0] > 0)
        os.kill(victim, signal.SIGKILL)
        wait(lambda: pids(run), lambda found: found[-1] != victim)
    assert dagster.await_run(run) == "SUCCESS"
    assert platform.night() == undisturbed
    platform.agree()
    all_are_checked(platform)
