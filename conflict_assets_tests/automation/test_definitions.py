"""The code location as Dagster sees it."""

import importlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance, Definitions, build_schedule_context

from conflict_assets.automation.step_imports import STEP_IMPORTS
from conflict_assets.automation.warm_steps import preloaded
from conflict_assets.dagster_private.names import EXECUTOR_MODULE
from conflict_assets.definitions import defs
from conflict_assets.partitions import all_prefixes
from conflict_assets.running import forkserver
from conflict_assets.settings import Settings

NIGHT = datetime(2026, 11, 23, 7, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


def test_the_definitions_load_and_agree():
    Definitions.validate_loadable(defs)


def test_the_graph_runs_from_active_visits_over_conflicts_to_the_summary():
    graph = defs.resolve_asset_graph()
    assert graph.get(AssetKey("visit_conflicts")).parent_keys == {AssetKey("active_visits")}
    assert graph.get(AssetKey("conflict_summary")).parent_keys == {AssetKey("visit_conflicts")}


@pytest.mark.parametrize("asset", ["active_visits", "visit_conflicts"])
def test_assets_are_partitioned_by_ssn_prefix(asset):
    partitions = defs.resolve_asset_graph().get(AssetKey(asset)).partitions_def
    assert partitions is not None
    assert tuple(partitions.get_partition_keys()) == all_prefixes(2)


@pytest.mark.parametrize(
    ("asset", "check"),
    [
        ("active_visits", "dtypes"),
        ("active_visits", "counts"),
        ("active_visits", "rows_belong_to_prefix"),
        ("active_visits", "no_inactive_status"),
        ("visit_conflicts", "dtypes"),
        ("visit_conflicts", "counts"),
        ("visit_conflicts", "rows_belong_to_prefix"),
        ("visit_conflicts", "no_pair_within_one_agency"),
    ],
)
def test_each_prefix_is_checked(asset, check):
    assert AssetCheckKey(AssetKey(asset), check) in defs.resolve_asset_graph().asset_check_keys


def test_the_night_is_one_run_over_all_prefixes_at_two_in_the_schedule_s_zone():
    schedule = defs.resolve_schedule_def("nightly_conflicts")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "America/New_York")
    with DagsterInstance.ephemeral() as instance:
        night = schedule.evaluate_tick(
            build_schedule_context(
                instance=instance, repository_def=defs.get_repository_def(), scheduled_execution_time=NIGHT
            )
        )
    assert night.run_requests is not None
    (request,) = night.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "00"
    assert request.tags["dagster/asset_partition_range_end"] == "99"
    assert request.tags["conflict_assets/prefixes"] == "00-99"


@pytest.mark.parametrize("module", STEP_IMPORTS)
def test_every_preloaded_module_is_still_where_it_was(module):
    importlib.import_module(module)


def test_steps_of_the_ui_s_runs_find_the_definitions_imported():
    mapped = defs.executor.apply_config_mapping({"config": {"max_concurrent": 2}}).value["config"]
    assert mapped["max_concurrent"] == 2
    assert mapped["start_method"] == {
        "forkserver": {"preload_modules": preloaded(EXECUTOR_MODULE, "conflict_assets.definitions")}
    }


@pytest.mark.parametrize(
    ("modules", "needless"),
    [
        (preloaded("conflict_assets.definitions"), {"matplotlib"}),
        (preloaded(forkserver.NIGHT), {"matplotlib"}),
        (["conflict_assets.cli.app"], {"pandas", "matplotlib", "dagster", "pyarrow", "psycopg"}),
        (["conflict_assets.cli.run"], {"dagster", "duckdb", "pyarrow", "psycopg"}),
        (["conflict_assets.report.html_report"], {"matplotlib"}),
        (["conflict_assets.cli.entry"], {"conflict_assets.cli.app", "typer", "pyarrow"}),
    ],
    ids=[
        "steps of the UI's runs",
        "steps of a command's run",
        "commands",
        "a night's start",
        "report",
        "what each step runs of the command",
    ],
)
def test_nothing_waits_for_modules_that_it_does_not_need(modules, needless):
    loaded = f"import {', '.join(modules)}, sys; sys.exit(not {needless}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, timeout=120, check=False).returncode == 0


def test_the_location_validates_with_no_variable_set():
    bare = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    done = subprocess.run(
        [Path(sys.executable).with_name("dagster"), "definitions", "validate", "-w", "workspace.yaml"],
        cwd=ROOT,
        env=bare,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All code locations passed validation" in done.stdout + done.stderr
