"""The shell scripts of `deploy`."""

import stat
import subprocess
from urllib.parse import urlsplit

import pytest

from conflict_assets_tests.deploy.files import DEPLOY, compose

SHOW = ["sh", "-c", "echo $DAGSTER_POSTGRES_URL; echo ${DAGSTER_POSTGRES_URL_FILE-unset}"]


def run(*command, **environment) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", *command], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=False
    )


def test_the_entrypoint_gives_dagster_the_address_that_lies_in_a_file(tmp_path):
    (tmp_path / "url").write_text("postgresql://somewhere/d\n")
    done = run(DEPLOY / "entrypoint.sh", *SHOW, DAGSTER_POSTGRES_URL_FILE=str(tmp_path / "url"))
    assert done.stdout.split() == ["postgresql://somewhere/d", "unset"]


def test_the_entrypoint_leaves_an_address_in_the_variable_alone():
    done = run(DEPLOY / "entrypoint.sh", *SHOW, DAGSTER_POSTGRES_URL="postgresql://here/d")
    assert done.stdout.split() == ["postgresql://here/d", "unset"]


def test_the_entrypoint_starts_nothing_without_the_file(tmp_path):
    done = run(DEPLOY / "entrypoint.sh", "echo", "started", DAGSTER_POSTGRES_URL_FILE=str(tmp_path / "none"))
    assert done.returncode != 0
    assert done.stdout == ""


def test_the_secrets_are_those_that_the_services_want_and_fit_together(tmp_path):
    assert run(DEPLOY / "make-secrets.sh", tmp_path).returncode == 0
    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}
    assert {f"secrets/{name}" for name in made} == {secret["file"] for secret in compose()["secrets"].values()}
    for name in ("dagster", "conflicts"):
        url = urlsplit(made[f"{name}_postgres_url"].read_text())
        password = made[f"{name}_password"].read_text()
        assert len(password) == 32
        assert (url.username, url.password, url.hostname, url.path) == (name, password, "postgres", f"/{name}")
    assert len({path.read_text() for path in made.values()}) == len(made)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_secrets_that_exist_are_never_written_over(tmp_path):
    run(DEPLOY / "make-secrets.sh", tmp_path)
    before = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    again = run(DEPLOY / "make-secrets.sh", tmp_path)
    assert (again.returncode, "exists" in again.stderr) == (1, True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == before


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_understood_and_stops_at_its_first_error(script):
    assert run("-n", script).returncode == 0
    assert "set -eu" in script.read_text(encoding="utf-8")
