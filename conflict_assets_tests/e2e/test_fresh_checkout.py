"""A fresh checkout with a small .env, and `conflict-assets dev` in it, as `make dev` starts it.

Dagster and the store lie in one embedded server, the source is generated, and nobody is alerted.
"""

import shutil
from pathlib import Path

import pytest

from conflict_assets.settings import read_settings
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, bare_environment
from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import REFUSE, held, inject, mend
from conflict_assets_tests.e2e.platform import PREFIXES, ZONE, Platform
from conflict_assets_tests.e2e.servers import Servers, write_instance

DOT_ENV = f"SSN_PREFIX_LENGTH=3\nGENERATED_VISITS=40000\nMAX_WORKERS=2\nVISITS_PER_STEP=1\nSCHEDULE_TIME_ZONE={ZONE}\n"
ENVIRONMENT = {"SSN_PREFIX_LENGTH": "1"}
"""What wins over the file."""


def copy_checkout(folder: Path) -> None:
    shutil.copytree(ROOT / "conflict_assets", folder / "conflict_assets", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".env").write_text(DOT_ENV)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder, logs = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("logs")
    copy_checkout(folder)
    home = folder / "data" / "dagster_home"
    write_instance(home, read_settings(conflicts_data_dir=folder / "data"))
    environment = bare_environment() | ENVIRONMENT | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(folder)}
    servers = Servers(folder, environment, logs)
    try:
        store = embedded_url(folder / "data" / "postgres", stay=True)
        with ConflictStore(url=store, prefix_length=1) as made:
            made.administration.prepare()
        servers.start_dev()
        yield Platform(servers, store)
    finally:
        servers.stop()
        stop_embedded(folder / "data" / "postgres")


def test_the_environment_wins_over_the_dot_env_file(checkout):
    """Dagster's own programs let the file win: `dev` keeps it from them."""
    partitions = checkout.dagster.partitions()
    assert set().union(*partitions.values()) == set(PREFIXES)


def test_nobody_is_alerted_unless_it_is_asked_for(checkout):
    sensors = checkout.dagster.sensors()
    assert set(sensors.values()) == {"RUNNING"}
    assert not {name for name in sensors if "webhook" in name or "email" in name}


def test_one_partition_is_materialized(checkout):
    assert checkout.dagster.await_run(checkout.dagster.materialize("4")) == "SUCCESS"
    assert checkout.committed() == {"4"}
    checkout.agree()


def test_a_night_that_fails_in_one_prefix_is_repeated_there_and_summed_up(checkout):
    dagster = checkout.dagster
    inject(checkout.store, REFUSE, "4")
    night = dagster.launch_range("0", "9")
    assert dagster.await_run(night) == "FAILURE"
    checkout.agree(failed={"4"})
    mend(checkout.store)
    repeated = dagster.reexecute(night)
    assert dagster.await_run(repeated) == "SUCCESS"
    assert checkout.committed() == set(PREFIXES)
    checkout.agree()


def test_max_workers_of_the_dot_env_file_is_how_many_steps_run_at_once(checkout):
    with held(checkout.store, *PREFIXES):
        run = checkout.dagster.launch_range("0", "4", asked_by="a test")
        checkout.await_stopped(2)
        assert checkout.most_stopped() == 2
    assert checkout.dagster.await_run(run) == "SUCCESS"
    checkout.agree()
    ((counted,),) = checkout.rows("SELECT count(*) FROM open_conflicts")
    wait(
        lambda: [each["open_conflicts"] for each in checkout.dagster.materializations("conflict_summary", 1)],
        lambda found: found == [counted],
    )
