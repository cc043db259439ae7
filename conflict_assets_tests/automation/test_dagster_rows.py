"""What of Dagster goes by rows and files of its storages: backfills, logs, ticks, freshness, SQLite."""

import os
from datetime import UTC, datetime, timedelta

import yaml
from dagster import AssetKey
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.scheduler.instigation import TickStatus

from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.settings import read_settings
from conflict_assets_tests.automation.small_instance import Home, home
from conflict_assets_tests.automation.small_nights import (
    CONFLICTS,
    days_pass,
    execute,
    night,
    row_counts,
    run,
    shown,
)

__all__ = ["home"]


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
