"""Partitions and backfills, as people start them in the UI: their statuses are what the store holds."""

from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import REFUSE, held, inject, mend, stopped
from conflict_assets_tests.e2e.platform import EMPTY_PREFIX, PREFIXES


def test_one_partition_is_materialized_alone(platform):
    assert platform.dagster.await_run(platform.dagster.materialize("4")) == "SUCCESS"
    assert platform.committed() == {"4"}
    assert platform.conflicts("4").number
    platform.agree()


def test_a_range_and_a_scattered_selection_backfilled_at_once_do_each_prefix_that_they_name(platform):
    dagster = platform.dagster
    in_a_range, scattered = dagster.backfill(["2", "3", "4", "5"]), dagster.backfill(["0", "5", "7", "8"])
    assert dagster.await_backfill(in_a_range) == "COMPLETED_SUCCESS"
    assert dagster.await_backfill(scattered) == "COMPLETED_SUCCESS"
    assert dagster.runs_of_backfill(in_a_range) == {("2", "5"): "SUCCESS"}
    assert dagster.runs_of_backfill(scattered) == dict.fromkeys([("0", "0"), ("5", "5"), ("7", "8")], "SUCCESS")
    tagged = {run["tags"]["conflict_assets/prefixes"] for run in dagster.runs(tags={"dagster/backfill": scattered})}
    assert tagged == {"0", "5", "7-8"}
    assert platform.committed() == {"0", "2", "3", "4", "5", "7", "8"}
    assert {prefix: len(platform.commits(prefix)) for prefix in "245"} == {"2": 1, "4": 1, "5": 2}
    platform.agree()


def test_failed_and_missing_prefixes_are_backfilled_and_no_other(platform):
    dagster = platform.dagster
    inject(platform.store, REFUSE, "7")
    assert dagster.await_run(dagster.launch_range("4", "9")) == "FAILURE"
    platform.agree(failed={"7"})
    done = {prefix: platform.commits(prefix) for prefix in "45689"}
    mend(platform.store)
    statuses = dagster.partitions()
    left = statuses["failed"] | statuses["unmaterialized"]
    assert left == {"0", "1", "2", "3", "7"}
    backfill = dagster.backfill(sorted(left))
    assert dagster.await_backfill(backfill) == "COMPLETED_SUCCESS"
    assert set(dagster.runs_of_backfill(backfill)) == {("0", "3"), ("7", "7")}
    assert {prefix: platform.commits(prefix) for prefix in "45689"} == done
    assert platform.committed() == set(PREFIXES)
    platform.agree()


def test_a_run_re_executed_from_failure_does_only_the_failed_prefix_from_the_same_snapshot(platform):
    dagster = platform.dagster
    inject(platform.store, REFUSE, "4")
    failed = dagster.launch_range("3", "6")
    assert dagster.await_run(failed) == "FAILURE"
    platform.agree(failed={"4"})
    mend(platform.store)
    repeated = dagster.reexecute(failed)
    assert dagster.await_run(repeated) == "SUCCESS"
    assert dagster.successful_steps(repeated) == {"detect_batch[4]", "publish_conflicts"}
    assert dagster.checked_prefixes(repeated) == {"3", "4", "5", "6"}
    assert {prefix: platform.commits(prefix) for prefix in "3456"} == {
        "3": [failed],
        "4": [repeated],
        "5": [failed],
        "6": [failed],
    }
    assert platform.rows("SELECT count(DISTINCT as_of), count(DISTINCT root_run_id) FROM prefix_runs") == [(1, 1)]
    platform.agree()


def test_a_backfill_re_executed_from_failure_is_a_run_of_the_failed_prefix(platform):
    dagster = platform.dagster
    inject(platform.store, REFUSE, "1")
    failed = dagster.backfill(["0", "1", "2"])
    assert dagster.await_backfill(failed) == "COMPLETED_FAILED"
    platform.agree(failed={"1"})
    mend(platform.store)
    repeated = dagster.reexecute_backfill(failed)
    assert dagster.await_backfill(repeated) == "COMPLETED_SUCCESS"
    assert dagster.runs_of_backfill(repeated) == {("1", "1"): "SUCCESS"}
    assert platform.committed() == {"0", "1", "2"}
    platform.agree()


def test_a_backfill_cancelled_in_the_middle_keeps_what_is_done_and_leaves_no_prefix_half(platform, undisturbed):
    dagster = platform.dagster
    with held(platform.store, "5", "6"):
        backfill = dagster.backfill(PREFIXES)
        platform.await_stopped(2)
        wait(platform.committed, lambda found: found == set(PREFIXES) - {"5", "6"})
        dagster.cancel_backfill(backfill)
        assert dagster.await_backfill(backfill) == "CANCELED"
        assert dagster.runs_of_backfill(backfill) == {("0", "9"): "CANCELED"}
        # PostgreSQL notices that a step's process has gone when its wait is over.
        wait(lambda: stopped(platform.store), lambda found: not found, 60)
        assert platform.most_stopped(1) == 0
    platform.agree()
    assert platform.conflicts("5").number == platform.conflicts("6").number == 0
    (cancelled,) = dagster.runs(tags={"dagster/backfill": backfill})
    assert EMPTY_PREFIX in platform.committed(cancelled["runId"])
    repeated = dagster.reexecute(cancelled["runId"])
    assert dagster.await_run(repeated) == "SUCCESS"
    assert platform.night() == undisturbed
    platform.agree()
