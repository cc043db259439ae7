"""The simplest clicks are right: a launchpad confirmed empty, and "Materialize selected" on visit_conflicts alone."""

import shutil

from dagster import AssetKey, DagsterEventType, DagsterRunStatus

from conflict_assets.assets.visit_conflicts import visit_conflicts
from conflict_assets.automation.alerts import failure_alert
from conflict_assets.automation.failed_prefixes import failed_prefixes
from conflict_assets.settings import load_settings
from conflict_assets_tests.assets.small_platform import PREFIXES, small

__all__ = ["small"]

ALL_BUT_50 = [prefix for prefix in PREFIXES if prefix != "50"]
RANGE = ["00", "01", "02", "03"]


def test_a_run_without_any_partition_is_one_over_all_prefixes(small):
    with small.refusing("50"):
        run = small.run()
    assert run.status is DagsterRunStatus.FAILURE
    assert small.partitions("active_visits") == {"MATERIALIZED": PREFIXES}
    assert small.partitions() == {"FAILED": ["50"], "MATERIALIZED": ALL_BUT_50}
    assert small.checked("active_visits") == {"SUCCEEDED": set(PREFIXES)}
    assert small.checked() == {"SUCCEEDED": set(ALL_BUT_50)}
    logged = small.instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    assert None not in {entry.dagster_event.partition for entry in logged}
    assert len(logged) == 2 * len(PREFIXES) - 1
    assert failed_prefixes(small.instance, run) == ("50",)
    assert "conflict-assets run --prefix 50" in failure_alert(small.instance, run, load_settings()).text
    again = small.reexecute(run)
    assert again.is_success, small.failures(again)
    assert small.partitions() == {"MATERIALIZED": PREFIXES}
    assert small.checked() == {"SUCCEEDED": set(PREFIXES)}


def test_a_run_without_any_partition_that_ended_before_its_first_step_has_failed_for_all(small):
    run = small.instance.create_run_for_job(small.job())
    small.instance.report_run_failed(run)
    assert failed_prefixes(small.instance, small.stored(run.run_id)) == tuple(PREFIXES)


def test_conflicts_alone_say_which_snapshot_they_judge_and_how_the_source_is_read_anew(small):
    read = small.run(*RANGE)
    run = small.run(*RANGE, assets=("visit_conflicts",))
    assert run.is_success
    snapshot = small.snapshots.for_run(read.run_id)
    (said,) = [line for line in small.said(run) if line.startswith("Judging")]
    assert said == (
        f"Judging prefixes 00-03 by the snapshot of {snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC, read by run {read.run_id}. "
        "To read the source anew, materialize active_visits together with visit_conflicts, or: conflict-assets run"
    )
    assert small.partitions() == {"MATERIALIZED": RANGE}
    described = visit_conflicts.specs_by_key[AssetKey("visit_conflicts")].description
    assert "newest snapshot" in described
    assert "active_visits" in described


def test_conflicts_alone_without_a_snapshot_read_the_source_anew(small):
    run = small.run(*RANGE, assets=("visit_conflicts",))
    assert run.is_success, small.failures(run)
    assert small.partitions() == {"MATERIALIZED": RANGE}
    assert small.partitions("active_visits") == {"MATERIALIZED": RANGE}
    assert small.checked("active_visits") == {"SUCCEEDED": set(RANGE)}
    assert small.query("SELECT count(DISTINCT ssn_prefix) FROM visit_conflicts") == [(3,)]
    assert [line for line in small.said(run) if line.startswith("Reading prefixes 00-03 from the source anew")]
    assert [line for line in small.said(run) if line.startswith("Visits: 6 seen")]


def test_conflicts_alone_are_judged_prefix_by_prefix_where_no_snapshot_holds_all(small):
    first, second = small.run("01"), small.run("02", "03")
    run = small.run(*RANGE, assets=("visit_conflicts",))
    assert run.is_success, small.failures(run)
    said = [line for line in small.said(run) if line.startswith(("Judging", "Reading prefixes"))]
    assert said[0].startswith("Reading prefixes 00 from the source anew")
    assert said[1].startswith("Judging prefixes 01 by")
    assert first.run_id in said[1]
    assert said[2].startswith("Judging prefixes 02-03 by")
    assert second.run_id in said[2]
    assert [line[:5] for line in small.said(run) if line.startswith("[")] == ["[1/3]", "[2/3]", "[3/3]"]
    assert "Success rate: 3/3 prefixes" in small.said(run)
    small.agrees_with_store()


def test_a_snapshot_that_the_store_is_ahead_of_is_read_anew(small):
    for _ in range(2):
        small.run("02")
    newest = small.snapshots.newest("02")
    shutil.rmtree(newest.folder)
    run = small.run("02", assets=("visit_conflicts",))
    assert run.is_success, small.failures(run)
    assert small.snapshots.newest("02").root_run_id == run.run_id
