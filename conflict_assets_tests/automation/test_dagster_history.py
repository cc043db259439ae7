"""What retention removes from Dagster itself, and what it keeps whatever its age."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as db
import yaml
from dagster import AssetKey, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.storage.partition_status_cache import AssetPartitionStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from conflict_assets.automation.dagster_history import PurgedHistory, location_of, purge_dagster
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB
from conflict_assets.running.home import instance_yaml
from conflict_assets.settings import read_settings
from conflict_assets_tests.automation import small_nights
from conflict_assets_tests.automation.small_nights import (
    CHECKS,
    CONFLICTS,
    PREFIXES,
    days_pass,
    execute,
    night,
    row_counts,
    run,
    shown,
)
from conflict_assets_tests.pg import pg_server  # noqa: F401 - fixture

KEPT_DAYS = 2
MATERIALIZED, FAILED = AssetPartitionStatus.MATERIALIZED, AssetPartitionStatus.FAILED


class Home:
    """A Dagster home, and an engine on its database."""

    def __init__(self, folder: Path, storage: dict[str, object], url: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}, **storage}))
        self.instance = DagsterInstance.from_config(str(folder))
        self.engine = db.create_engine(url, poolclass=db.NullPool)

    def purge(self, days: int = KEPT_DAYS, most: int = 1000) -> PurgedHistory:
        before = datetime.now(tz=UTC) - timedelta(days=days)
        return purge_dagster(self.instance, before=before, location=None, most=most)

    def runs(self) -> set[str]:
        return {each.run_id for each in self.instance.get_runs()}


@pytest.fixture
def home(pg_server, tmp_path):  # noqa: F811 - fixture
    """A home whose storage is PostgreSQL."""
    url = pg_server.make_database()
    made = Home(
        tmp_path / "home",
        {"storage": {"postgres": {"postgres_url": url}}},
        url.replace("postgresql://", "postgresql+psycopg://"),
    )
    yield made
    made.instance.dispose()
    made.engine.dispose()
    pg_server.drop(url)


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


def test_old_backfills_go_with_their_last_run(home):
    done = run(home.instance, "03", "03", **{"dagster/backfill": "shown"})
    run(home.instance, "04", "04", **{"dagster/backfill": "forgotten"})
    run(home.instance, "04", "04")
    for name, status, assets in (
        ("shown", BulkActionStatus.COMPLETED_SUCCESS, [CONFLICTS]),
        ("forgotten", BulkActionStatus.COMPLETED_FAILED, [CONFLICTS]),
        ("at work", BulkActionStatus.REQUESTED, [CONFLICTS]),
        ("theirs", BulkActionStatus.COMPLETED_SUCCESS, [AssetKey("theirs")]),
    ):
        home.instance.add_backfill(backfill(name, status, assets))
    assert home.purge().backfills == 0
    days_pass(home.engine, 100)
    assert (home.purge().backfills, row_counts(home.engine)["bulk_actions"]) == (1, 3)
    assert {each.backfill_id for each in home.instance.get_backfills()} == {"shown", "at work", "theirs"}
    assert done in home.runs()


def backfill(name: str, status: BulkActionStatus, assets: list[AssetKey]) -> PartitionBackfill:
    return PartitionBackfill(
        name,
        status=status,
        from_failure=False,
        tags={"kept": "by Dagster in a table of its own"},
        backfill_timestamp=datetime.now(tz=UTC).timestamp(),
        asset_selection=assets,
    )


def test_logs_go_with_their_runs_and_those_of_ticks_with_their_age(home):
    storage = home.folder / "storage"
    gone, kept = execute(home.instance, "retention"), run(home.instance)
    ticks = storage / "__repository__"
    for name, days in (("failed_prefixes/1.err", 8), ("failed_prefixes/2.err", 1), ("theirs/1.err", 100)):
        (ticks / name).parent.mkdir(parents=True, exist_ok=True)
        (ticks / name).touch()
        old = (datetime.now(tz=UTC) - timedelta(days=days)).timestamp()
        os.utime(ticks / name, (old, old))
    assert list((storage / gone).rglob("*.err"))
    days_pass(home.engine, 100)
    assert home.purge(days=7).tick_logs == 1
    assert not (storage / gone).exists()
    assert list((storage / kept).rglob("*.err"))
    assert {str(file.relative_to(ticks)) for file in ticks.rglob("*.err")} == {"failed_prefixes/2.err", "theirs/1.err"}


def test_old_changes_of_freshness_go_but_for_the_newest(home):
    for state in (FreshnessState.PASS, FreshnessState.FAIL, FreshnessState.PASS):
        home.instance._report_runless_asset_event(
            FreshnessStateChange(
                key=CONFLICTS, new_state=state, previous_state=FreshnessState.UNKNOWN, state_change_timestamp=1.0
            )
        )
    days_pass(home.engine, 100)
    home.purge()
    assert row_counts(home.engine)["event_logs"] == 1
    record = home.instance.get_freshness_state_records([CONFLICTS])[CONFLICTS]
    assert record.freshness_state == FreshnessState.PASS


def test_ticks_go_too_by_dagster_s_own_retention(tmp_path):
    wanted = yaml.safe_load(instance_yaml(read_settings(dagster_run_days=30), tmp_path))
    home = Home(tmp_path / "home", {"retention": wanted["retention"]}, "sqlite://")
    for kind in (InstigatorType.SCHEDULE, InstigatorType.SENSOR):
        days = dict(home.instance.get_tick_retention_settings(kind))
        nothing_started = days.pop(TickStatus.SKIPPED)
        assert nothing_started == (3 if kind == InstigatorType.SENSOR else 30)
        assert days == dict.fromkeys((TickStatus.STARTED, TickStatus.SUCCESS, TickStatus.FAILURE), 30)
    home.instance.dispose()


def test_a_home_on_sqlite_is_purged_too(tmp_path):
    home = Home(tmp_path / "home", {}, "sqlite://")
    old, newest = run(home.instance), night(home.instance)
    before = shown(home.instance)
    files = home.folder / "history" / "runs"
    assert (files / f"{old}.db").exists()
    assert home.purge(days=-1).runs == 2, "the first run, and that of retention"
    assert not (files / f"{old}.db").exists()
    assert (files / f"{newest}.db").exists()
    assert shown(home.instance) == before
    assert home.purge(days=-1).runs == 0
    home.instance.dispose()
