"""`conflict-assets dev`: where the UI listens, and what is said when it can't."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conflict_assets.cli import app as cli
from conflict_assets.running.ports import PortError, require_free_port
from conflict_assets_tests.cli.test_store import given
from conflict_assets_tests.dagster_stack import ROOT, bare_environment

__all__ = ["given"]

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))


@pytest.fixture
def taken():
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free():
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("by", ["option", "short option", "environment"])
def test_a_taken_port_is_refused_before_anything_is_made(taken, tmp_path, by):
    options = {"option": ["--port", str(taken)], "short option": ["-p", str(taken)]}.get(by, [])
    variables = {"DAGSTER_WEBSERVER_PORT": str(taken)} if by == "environment" else {}
    refused = subprocess.run(
        [COMMAND, "dev", *options],
        env=bare_environment() | {"CONFLICTS_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "300"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert f"Port {taken} of 127.0.0.1 is taken by another program" in refused.stderr
    assert f"--port {taken + 1}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("listens_on", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - a port of a test
def test_a_port_is_taken_by_whoever_listens_on_an_address_of_it(listens_on):
    with socket.create_server((listens_on, 0)) as server, pytest.raises(PortError, match="is taken by another program"):
        require_free_port("127.0.0.1", server.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(free, host):
    with pytest.raises(PortError, match=f"Port {free} of {host} can't be listened on: .* Allowed is a port"):
        require_free_port(host, free)


def test_dagster_gets_the_port_and_every_option_that_is_its_own(free, given, pg_server, tmp_path, monkeypatch):
    storage = pg_server.make_database()
    given(CONFLICTS_DATA_DIR=tmp_path / "data", DAGSTER_POSTGRES_URL=storage)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("conflict_assets.cli.dev.project_folder", lambda: tmp_path)
    started = []
    monkeypatch.setattr(os, "execve", lambda *arguments: started.append(arguments))
    options = ["--port", str(free), "--host", "localhost", "--log-level", "debug", "--verbose"]
    done = CliRunner().invoke(cli.app, ["dev", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    ((program, arguments, environment),) = started
    assert Path(program).name == "dagster"
    served_at = ["--host", "localhost", "--port", str(free)]
    workspace = str(tmp_path / "workspace.yaml")
    assert arguments[1:] == ["dev", "-w", workspace, *served_at, "--log-level", "debug", "--verbose"]
    assert environment["DAGSTER_HOME"] == str(tmp_path / "data" / "dagster_home") == str(Path.cwd())
    pg_server.drop(storage)


def test_make_hands_the_port_on():
    asked = subprocess.run(
        ["make", "--dry-run", "dev", "PORT=3400"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "conflict-assets dev --port 3400\n" in asked.stdout
