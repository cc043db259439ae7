"""The deployment without Docker: the commands, settings and health checks of docker-compose.yml, on this machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from conflict_assets.settings import Settings
from conflict_assets.store.embedded.cluster import programs_folder
from conflict_assets.store.embedded.server_user import server_user
from conflict_assets_tests.deploy.files import DEPLOY, services

PROGRAMS = Path(sys.executable).parent


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@dataclass
class Deployment:
    """A folder that stands for the containers' files, and what runs from it. Nothing listens beyond the loopback."""

    folder: Path
    settings: dict[str, str]
    ports: dict[str, str] = field(default_factory=lambda: {"3000": free_port(), "4000": free_port()})
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def lay_out(self) -> None:
        """What the image holds."""
        home = self.folder / "home"
        home.mkdir()
        shutil.copy(DEPLOY / "dagster.yaml", home)
        for name in ("entrypoint.sh", "workspace.yaml"):
            shutil.copy(DEPLOY / name, self.folder)

    def environment(self, service: str) -> dict[str, str]:
        """The variables of a service: those of the compose file, with this folder's paths and this machine's ports."""
        inherited = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        given = {name: self._here(value) for name, value in services()[service].get("environment", {}).items()}
        own = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "DAGSTER_HOME": str(self.folder / "home"),
            "CONFLICTS_DATA_DIR": str(self.folder / "data"),
        }
        settings = self.settings if "env_file" in services()[service] else {}
        return inherited | own | given | {"CODE_SERVER_HOST": "127.0.0.1"} | settings

    def _here(self, value: str) -> str:
        value = value.replace("/run/secrets", str(self.folder / "secrets")).replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - replaced
        for port, ours in self.ports.items():
            value = value.replace(port, ours)
        return value

    def command(self, words: list[str]) -> list[str]:
        return ["/bin/sh", "entrypoint.sh", *map(self._here, words)]

    def run(self, service: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in a service's surroundings, to its end."""
        return subprocess.run(
            self.command(list(words)),
            cwd=self.folder,
            env=self.environment(service),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, service: str) -> None:
        with (self.folder / f"{service}.log").open("wb") as log:
            self.processes[service] = subprocess.Popen(
                self.command(services()[service]["command"]),
                cwd=self.folder,
                env=self.environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_healthy(self, service: str) -> bool:
        """What the service's health check says."""
        return self.run(service, *services()[service]["healthcheck"]["test"][1:]).returncode == 0

    def wait_until_healthy(self, service: str, seconds: float = 150) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_healthy(service):
            log = (self.folder / f"{service}.log").read_text()[-3000:]
            assert self.processes[service].poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(1)

    def stop(self, service: str) -> None:
        process = self.processes.pop(service)
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A fresh server as the image makes one, with the databases and logins of the deployment; its `host:port`."""
    user, home, port = server_user(), folder / "postgres", free_port()
    home.mkdir(mode=0o700)
    if not user.is_me:
        os.chown(home, user.uid, user.gid)
    identity = {} if user.is_me else {"user": user.uid, "group": user.gid, "extra_groups": []}

    def program(name: str, *arguments: str) -> None:
        subprocess.run([programs_folder() / name, *arguments], cwd=home, check=True, capture_output=True, **identity)

    program("initdb", "-D", "data", "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8")
    with (home / "data" / "postgresql.conf").open("a") as file:
        file.write(f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{home}'\nfsync = off\n")
    program("pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-s")
    try:
        subprocess.run(["/bin/sh", DEPLOY / "make-secrets.sh", folder, f"127.0.0.1:{port}"], check=True)
        environment = {
            "PATH": f"{programs_folder()}:/usr/bin:/bin",
            "PGHOST": str(home),
            "PGPORT": port,
            "POSTGRES_USER": "postgres",
            "SECRETS": str(folder / "secrets"),
        }
        subprocess.run(["/bin/sh", DEPLOY / "postgres" / "databases.sh"], env=environment, check=True)
        yield f"127.0.0.1:{port}"
    finally:
        program("pg_ctl", "stop", "-D", "data", "-m", "fast", "-w", "-s")
