"""The files of `deploy`, as far as they can be held without Docker."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.settings import Settings, read_settings
from conflict_assets_tests.deploy.files import DEPLOY, ROOT, compose, instructions, load, services

PLATFORM = ("migrate", "code", "webserver", "daemon")
OWN_VARIABLES = {"CODE_SERVER_HOST", "CODE_SERVER_PORT", "POSTGRES_PASSWORD_FILE"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def is_setting(name: str) -> bool:
    return name.removesuffix("_FILE").lower() in Settings.model_fields or name.lower() in Settings.model_fields


def test_every_service_that_stays_tells_whether_it_is_well():
    asked = {name: service["healthcheck"]["test"] for name, service in services().items() if "healthcheck" in service}
    assert set(services()) - set(asked) == {"migrate"}
    assert {test[0] for test in asked.values()} == {"CMD"}


@pytest.mark.parametrize("service", ["postgres", *PLATFORM])
def test_a_service_names_only_what_there_is(service):
    found = services()[service]
    assert set(found.get("depends_on", {})) <= set(services())
    assert set(found.get("secrets", [])) <= set(compose()["secrets"])
    volumes = [volume.split(":")[0] for volume in found.get("volumes", [])]
    assert all(volume in compose()["volumes"] or (DEPLOY / volume).is_file() for volume in volumes)


@pytest.mark.parametrize("service", ["postgres", *PLATFORM])
def test_a_service_is_given_settings_that_exist_and_no_secret_but_by_file(service):
    environment = services()[service].get("environment", {})
    assert {name for name in environment if not is_setting(name)} <= OWN_VARIABLES
    files = {value for name, value in environment.items() if name.endswith("_FILE")}
    assert files <= {f"/run/secrets/{secret}" for secret in services()[service]["secrets"]}
    assert "://" not in str(environment)


def test_only_the_code_server_is_given_the_store_and_only_this_machine_the_ui():
    holders = {name for name, service in services().items() if "conflicts_postgres_url" in service.get("secrets", [])}
    assert holders == {"code"}
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"]}


def test_the_storage_is_there_before_anybody_uses_it():
    waits = {name: dict(services()[name]["depends_on"]) for name in PLATFORM}
    assert waits["migrate"] == {"postgres": {"condition": "service_healthy"}}
    assert waits["code"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert waits["webserver"] == waits["daemon"] == {"code": {"condition": "service_healthy"}}


def test_every_image_has_a_version():
    images = {service["image"] for service in services().values()} | {
        rest.split()[0] for name, rest in instructions() if name == "FROM"
    }
    assert images == {f"conflict_assets:{PROJECT['version']}", "postgres:17-bookworm", "python:3.11-slim-bookworm"}


def test_snowflake_s_key_is_added_to_the_code_server():
    added = load("docker-compose.snowflake.yml")
    (service,) = added["services"].items()
    assert service[0] == "code"
    assert all(is_setting(name) for name in service[1]["environment"])
    assert set(service[1]["secrets"]) == set(added["secrets"])


@pytest.mark.parametrize("line", (DEPLOY / "platform.env.example").read_text(encoding="utf-8").splitlines())
def test_the_example_of_settings_names_settings_that_exist(line):
    found = re.match(r"(?:# )?([A-Z_]+)=", line)
    assert is_setting(found[1]) if found else line.startswith("#")


def test_the_instance_is_the_one_that_the_command_line_would_make():
    limits = {name: Settings.model_fields[name].default for name in ("max_runs", "max_workers_all_runs")}
    defaults = read_settings(dagster_postgres_url="postgresql://h/d", **limits)
    wanted = yaml.safe_load(instance_yaml(defaults, DEPLOY))
    wanted["compute_logs"]["config"]["home"] = {"env": "DAGSTER_HOME"}
    assert load("dagster.yaml") == wanted


def test_the_image_does_not_run_as_root():
    *_, user = [rest for name, rest in instructions() if name == "USER"]
    assert user == "conflicts"


def test_the_image_is_made_of_files_that_there_are_and_that_docker_is_let_see():
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    copied = [rest.split()[:-1] for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    sources = {source for each in copied for source in each if not source.startswith("--")}
    assert sources == set(allowed)
    assert all((ROOT / source).exists() for source in sources)


def test_everything_that_is_installed_from_elsewhere_is_held_by_a_hash():
    commands = [part for name, rest in instructions() if name == "RUN" for part in re.split(r"&&", rest)]
    installs = [part for part in commands if re.search(r"pip (install|wheel)", part)]
    assert len(installs) == 4
    assert all("--require-hashes" in part or ("--no-index" in part and "--no-deps" in part) for part in installs)


def test_the_tools_of_the_build_are_taken_out_of_the_lock_with_their_hashes():
    (command,) = [rest.split("&&")[0] for name, rest in instructions() if name == "RUN" and "sed" in rest]
    said = command.replace("> tools.lock", "")
    tools = subprocess.run(["sh", "-c", said], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = tools.splitlines()
    assert [line.split("==")[0] for line in lines if not line.startswith(" ")] == ["setuptools", "uv"]
    assert all(line.strip().startswith("--hash=sha256:") for line in lines if line.startswith(" "))
    assert not lines[-1].endswith("\\")


def test_the_wheel_of_the_image_holds_every_file_of_the_package(tmp_path):
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "conflict_assets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for source in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / source, tmp_path)
    for name in wanted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (command,) = [
        part for name, rest in instructions() if name == "RUN" for part in rest.split("&&") if "wheel --" in part
    ]
    arguments = command.split()[2:]
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", *arguments], cwd=tmp_path, check=True, timeout=120)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert wanted - set(packed.namelist()) == set()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_takes_the_units(tmp_path):
    programs = tmp_path / "opt" / ".venv" / "bin"
    programs.mkdir(parents=True)
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text(encoding="utf-8").replace("/opt/conflict_assets", str(tmp_path / "opt"))
        (tmp_path / unit.name).write_text(text)
    units = [str(path) for path in tmp_path.glob("*.service")]
    assert len(units) == 2
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.stem)
def test_a_unit_starts_a_program_that_there_is_by_the_entrypoint(unit):
    (start,) = re.findall(r"(?m)^ExecStart=(.*)$", unit.read_text(encoding="utf-8"))
    shell, entrypoint, program, *arguments = start.split()
    assert (shell, entrypoint) == ("/bin/sh", "deploy/entrypoint.sh")
    assert Path(sys.executable).with_name(Path(program).name).exists()
    assert (ROOT / arguments[arguments.index("--workspace") + 1]).is_file()
