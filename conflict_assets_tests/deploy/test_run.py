"""The deployment at work: PostgreSQL, code server, webserver and daemon, started as docker-compose.yml says."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from conflict_assets.automation.jobs import range_tags
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.cluster import programs_folder
from conflict_assets_tests.deploy.deployment import Deployment, postgres
from conflict_assets_tests.e2e.client import Dagster, wait

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

VISITS = 10_000
HEALTH = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
              freshnessStatusInfo { freshnessStatus }
              internalFreshnessPolicy { ... on CronFreshnessPolicy { deadlineCron timezone } } } } }"""


@pytest.fixture(scope="module")
def deployment():
    folder = Path(tempfile.mkdtemp(prefix="conflicts-deploy-"))
    folder.chmod(0o711)  # PostgreSQL's user passes through
    settings = {
        "SSN_PREFIX_LENGTH": "1",
        "MAX_WORKERS": "2",
        "SOURCE_FILE": str(folder / "visits.duckdb"),
    }
    with postgres(folder):
        made = Deployment(folder, settings)
        made.lay_out()
        generated = made.run(
            "code", "conflict-assets", "generate", "--visits", str(VISITS), "--out", settings["SOURCE_FILE"]
        )
        assert generated.returncode == 0, generated.stderr
        os.environ["FRESHNESS_DAEMON_INTERVAL_SECONDS"] = "5"
        try:
            migrated = made.run("migrate", "dagster", "instance", "migrate")
            assert migrated.returncode == 0, migrated.stderr
            for service in ("code", "webserver", "daemon"):
                made.start(service)
                made.wait_until_healthy(service)
            yield made
        finally:
            del os.environ["FRESHNESS_DAEMON_INTERVAL_SECONDS"]
            for service in reversed(list(made.processes)):
                made.stop(service)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def dagster(deployment):
    return Dagster(f"http://127.0.0.1:{deployment.ports['3000']}")


def test_the_instance_is_in_postgresql_and_the_location_is_valid(deployment):
    info = deployment.run("daemon", "dagster", "instance", "info")
    for part in ("PooledRunStorage", "PooledEventLogStorage", "PooledScheduleStorage", "WatchedRunLauncher"):
        assert part in info.stdout, info.stdout + info.stderr
    password = (deployment.folder / "secrets" / "dagster_password").read_text()
    assert password not in info.stdout + info.stderr
    valid = deployment.run("daemon", "dagster", "definitions", "validate", "-w", "workspace.yaml")
    assert valid.returncode == 0, valid.stdout + valid.stderr


def test_a_night_goes_through_and_its_summary_follows_by_itself(deployment, dagster):
    run = dagster.launch(tags=range_tags("0", "9"))
    assert dagster.await_run(run, 500) == "SUCCESS", dagster.messages(run)
    assert len(dagster.partitions()["materialized"]) == 10
    wait(
        lambda: [each["status"] for each in dagster.runs("conflict_summary_job")],
        lambda found: found == ["SUCCESS"],
        400,
    )
    url = (deployment.folder / "secrets" / "conflicts_postgres_url").read_text()
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from open_conflicts").fetchone() != (0,)


@pytest.mark.parametrize("asset", ["visit_conflicts", "conflict_summary"])
def test_the_ui_shows_that_the_asset_is_fresh_and_when_it_is_due(dagster, asset):
    def look():
        return dagster.query(HEALTH, key={"path": [asset]})["assetNodeOrError"]

    found = wait(look, lambda node: node["freshnessStatusInfo"]["freshnessStatus"] == "HEALTHY", 60)
    assert found["internalFreshnessPolicy"] == {"deadlineCron": "30 3 * * *", "timezone": "America/New_York"}


def test_the_store_comes_back_from_a_dump(deployment):
    url = (deployment.folder / "secrets" / "conflicts_postgres_url").read_text()
    copy = url.removesuffix("/conflicts") + "/restored"
    superuser = {"PGHOST": str(deployment.folder / "postgres"), "PGPORT": url.rsplit(":", 1)[1].split("/")[0]}
    for command, environment in (
        (["createdb", "--username=postgres", "--owner=conflicts", "restored"], superuser),
        (["pg_dump", "--format=custom", "--file=conflicts.dump", url], {}),
        (["pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={copy}", "conflicts.dump"], {}),
    ):
        program = programs_folder() / command[0]
        subprocess.run([program, *command[1:]], cwd=deployment.folder, env=environment, check=True)
    assert content(copy) == content(url)
    with ConflictStore(url=copy, prefix_length=1) as store:
        store.administration.prepare()
        assert store.conflicts.count_open() > 0


def content(url: str) -> dict[str, tuple[object, ...]]:
    """How many rows each table and view has, and a digest of them."""
    with psycopg.connect(url) as connection:
        names = [
            row[0]
            for row in connection.execute(
                """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
                   AND relkind IN ('r', 'p', 'v') AND NOT relispartition ORDER BY relname"""
            )
        ]
        query = "SELECT count(*), md5(string_agg(x::text, '' ORDER BY x::text)) FROM {} AS x"
        found = {name: connection.execute(sql.SQL(query).format(sql.Identifier(name))).fetchone() for name in names}
    assert {"visit_conflicts", "conflict_visits", "conflict_decisions", "open_conflicts"} <= set(found)
    return found


def test_the_store_s_roles_can_be_made_by_its_own_login(deployment):
    done = deployment.run("code", "conflict-assets", "store", "roles")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_password_is_in_any_log(deployment):
    secrets = {path.read_text() for path in (deployment.folder / "secrets").iterdir()}
    logs = "".join(path.read_text() for path in deployment.folder.glob("*.log"))
    assert logs
    assert [secret for secret in secrets if secret in logs] == []


def test_a_code_server_that_is_down_is_not_healthy_and_comes_back(deployment, dagster):
    deployment.stop("code")
    assert not deployment.is_healthy("code")
    deployment.start("code")
    deployment.wait_until_healthy("code")
    run = dagster.materialize("4")
    assert dagster.await_run(run, 500) == "SUCCESS", dagster.messages(run)
