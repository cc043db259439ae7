"""The job `retention` over Dagster's own history: what it says, and that it fails alone."""

from datetime import datetime, timedelta

from dagster import AssetKey

from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.automation import dagster_history, retention_job
from conflict_assets.definitions import defs
from conflict_assets_tests.automation.test_run_looks import platform

__all__ = ["platform"]

ASSETS = [AssetKey("active_visits"), AssetKey("visit_conflicts")]


class Later(datetime):
    """A clock that is a hundred days ahead."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(days=100)


def statuses(instance):
    instance.wipe_asset_cached_status(ASSETS)
    return [instance.get_status_by_partition(asset, ["10", "11", "12"], SSN_PREFIXES) for asset in ASSETS]


def test_the_job_removes_old_runs_says_how_many_and_leaves_all_statuses(platform, monkeypatch):
    old, newest = (platform.run(**{"dagster/partition": "12"}) for _ in range(2))
    before = statuses(platform.instance)
    monkeypatch.setattr(retention_job, "datetime", Later)
    run_id = platform.run("retention")
    assert {run.run_id for run in platform.instance.get_runs()} == {newest, run_id}, f"and not {old}"
    assert statuses(platform.instance) == before
    assert "Removed 1 of Dagster's runs with 8 check results, 0 backfills, 0 logs of ticks" in platform.log(run_id)
    outputs = [
        entry.dagster_event.step_output_data.metadata
        for entry in platform.instance.all_logs(run_id)
        if entry.dagster_event and entry.dagster_event.is_successful_output
    ]
    (told,) = [each for each in outputs if "tick_logs" in each]
    assert (told["runs"].value, told["checks"].value, told["complete"].value) == (1, 8, True)


def test_a_log_that_can_not_be_removed_is_told_and_fails_alone(platform, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied", "/home/storage/1.err")

    monkeypatch.setattr(dagster_history, "purge_dagster", refuse)
    job = defs.resolve_job_def("retention")
    result = job.execute_in_process(instance=platform.instance, raise_on_error=False)
    assert {event.step_key for event in result.get_step_success_events()} == {"purge_files", "purge_store"}
    (failure,) = result.get_step_failure_events()
    assert failure.step_key == "purge_dagster"
    said = failure.step_failure_data.user_failure_data.description
    assert said.startswith("A log of Dagster that is older than 90 days can't be removed: [Errno 13] Permission denied")
    assert "Give the platform's user the right to remove it" in said
