"""What retention removes from Dagster itself, and what it keeps whatever its age."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as db
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.partition_status_cache import AssetPartitionStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from conflict_assets.automation.dagster_history import PurgedHistory, location_of, purge_dagster
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB
from conflict_assets_tests.automation import small_nights
from conflict_assets_tests.automation.small_instance import KEPT_DAYS, home
from conflict_assets_tests.automation.small_nights import (
    CHECKS,
    PREFIXES,
    days_pass,
    execute,
    night,
    row_counts,
    run,
    shown,
)

__all__ = ["home"]

MATERIALIZED, FAILED = AssetPartitionStatus.MATERIALIZED, AssetPartitionStatus.FAILED


def test_many_quiet_nights_stay_bounded_and_change_nothing_that_is_shown(home):
    sizes = []
    for _ in range(KEPT_DAYS + 3):
        night(home.instance)
        before = shown(home.instance)
        home.purge()
        assert shown(home.instance) == before
        sizes.append(row_counts(home.engine))
        days_pass(home.engine)
    assert before["partitions"] == dict.fromkeys(PREFIXES, MATERIALIZED)
    first, last = sizes[0], sizes[-1]
    assert sizes[KEPT_DAYS] == sizes[KEPT_DAYS + 1] == last
    assert first["runs"] == 3
    assert last == {table: KEPT_DAYS * rows for table, rows in first.items()}
    assert all(first[table] for table in ("event_logs", "asset_check_executions", "asset_event_tags", "run_tags"))


def test_a_partition_that_failed_long_ago_stays_failed_and_keeps_what_it_shows(home):
    good = run(home.instance)
    days_pass(home.engine)
    failed = small_nights.fail_without_checks(home.instance, "04")
    days_pass(home.engine)
    forgotten = run(home.instance, "05", "05")
    newest = run(home.instance, "05", "05")
    days_pass(home.engine, 100)
    before = shown(home.instance)
    assert before["partitions"] == {"03": MATERIALIZED, "04": FAILED, "05": MATERIALIZED}
    assert home.purge().runs == 1
    assert home.runs() == {good, failed, newest}, f"and not {forgotten}"
    assert shown(home.instance) == before
    assert home.purge().runs == 0


def test_the_newest_result_of_a_check_stays_although_its_run_has_materialized_nothing(home):
    materialized = run(home.instance)
    repeated = small_nights.repeat_verdicts(home.instance, "03")
    days_pass(home.engine, 100)
    before = shown(home.instance)
    assert home.purge().runs == 0
    assert home.runs() == {materialized, repeated}
    assert shown(home.instance) == before


def test_the_last_try_of_the_summary_stays_although_it_failed(home, monkeypatch):
    done = execute(home.instance, SUMMARY_JOB)
    monkeypatch.setattr(small_nights, "summary_fails", True)
    older, failed = execute(home.instance, SUMMARY_JOB), execute(home.instance, SUMMARY_JOB)
    days_pass(home.engine, 100)
    home.purge()
    assert home.runs() == {done, failed}, f"and not {older}"


def test_a_run_that_has_not_ended_stays(home):
    waiting = DagsterRun(NIGHTLY_JOB, status=DagsterRunStatus.STARTED)
    home.instance.run_storage.add_run(waiting)
    days_pass(home.engine, 100)
    assert home.purge().runs == 0
    assert home.runs() == {waiting.run_id}


def test_a_chain_of_reexecutions_goes_as_a_whole(home):
    root = execute(home.instance, "retention")
    days_pass(home.engine, KEPT_DAYS)
    repeated = DagsterRun(
        "retention",
        status=DagsterRunStatus.SUCCESS,
        root_run_id=root,
        parent_run_id=root,
        tags={"dagster/root_run_id": root, "dagster/parent_run_id": root},
    )
    home.instance.run_storage.add_run(repeated)
    assert home.purge().runs == 0
    assert home.instance.get_run_group(repeated.run_id)
    days_pass(home.engine, KEPT_DAYS)
    assert home.purge().runs == 2
    assert home.runs() == set()


def test_a_first_purge_of_years_stops_in_time_and_the_next_goes_on(home):
    for _ in range(5):
        execute(home.instance, "retention")
    days_pass(home.engine, 100)
    assert [home.purge(most=3) for _ in range(3)] == [
        PurgedHistory(runs=runs, checks=0, backfills=0, tick_logs=0, complete=complete)
        for runs, complete in ((3, False), (2, True), (0, True))
    ]


@pytest.mark.parametrize("step", ["delete_run", "delete_events"])
def test_a_purge_that_is_cut_off_is_made_good_by_the_next(home, monkeypatch, step):
    run(home.instance)
    night(home.instance)
    days_pass(home.engine, 100)
    before = shown(home.instance)
    with monkeypatch.context() as patch:
        owner = DagsterInstance if step == "delete_run" else type(home.instance.event_log_storage)
        patch.setattr(owner, step, cut_off)
        with pytest.raises(KeyboardInterrupt):
            home.purge()
    assert shown(home.instance) == before
    home.purge()
    kept = row_counts(home.engine)
    assert kept["runs"] == 2, "the night's run and the summary's"
    assert kept["asset_check_executions"] == len(PREFIXES) * len(CHECKS)
    assert orphans(home.engine) == 0
    assert shown(home.instance) == before


def cut_off(*_arguments):
    raise KeyboardInterrupt


def orphans(engine) -> int:
    """Events and results of checks whose run is gone."""
    with engine.connect() as connection:
        return sum(
            connection.execute(
                db.text(f"SELECT count(*) FROM {table} WHERE run_id NOT IN (SELECT run_id FROM runs)")  # noqa: S608 - our own names
            ).scalar_one()
            for table in ("event_logs", "asset_check_executions")
        )


def test_another_code_location_in_the_same_dagster_keeps_its_runs(home):
    theirs = DagsterRun("retention", status=DagsterRunStatus.SUCCESS, remote_job_origin=job_origin("theirs"))
    ours = DagsterRun("retention", status=DagsterRunStatus.SUCCESS, remote_job_origin=job_origin("ours"))
    other = DagsterRun("another_job", status=DagsterRunStatus.SUCCESS)
    for each in (theirs, ours, other):
        home.instance.run_storage.add_run(each)
    days_pass(home.engine, 100)
    before = datetime.now(tz=UTC) - timedelta(days=KEPT_DAYS)
    assert purge_dagster(home.instance, before=before, location=location_of(ours)).runs == 1
    assert home.runs() == {theirs.run_id, other.run_id}


def job_origin(location: str) -> RemoteJobOrigin:
    code = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="m"), location_name=location)
    return RemoteJobOrigin(RemoteRepositoryOrigin(code, "__repository__"), "retention")
