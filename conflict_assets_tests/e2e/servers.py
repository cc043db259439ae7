"""A real webserver and a real daemon, started, killed and started again."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.scheduler.instigation import ScheduleInstigatorData

from conflict_assets.running.dagster_home import instance_yaml
from conflict_assets.running.instance import make_storage
from conflict_assets.settings import Settings
from conflict_assets_tests.e2e.client import Dagster, wait

BINARIES = Path(sys.executable).parent
WEBSERVER, DAEMON, COMMAND = "dagster-webserver", "dagster-daemon", "conflict-assets"
PROGRAMS = {
    WEBSERVER: [str(BINARIES / WEBSERVER)],
    COMMAND: [str(BINARIES / COMMAND)],
    DAEMON: [sys.executable, "-m", "conflict_assets_tests.e2e.quick_daemon"],
}
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
               loadStatus locationOrLoadError { __typename } } } } }"""
MONITORING = {"poll_interval_seconds": 2, "start_timeout_seconds": 500}
"""The product looks every 30 seconds; the start may take longer here, on a busy machine."""
RUN_QUEUE = {"dequeue_interval_seconds": 2}
"""The product looks every 5 seconds, Dagster's default."""

WORKSPACE = ("-w", "workspace.yaml")
PATIENCE = {"DAGSTER_GRPC_TIMEOUT_SECONDS": "300"}
"""Dagster gives up on a run whose process has not started in 60 seconds; a busy machine may need longer."""


def write_instance(home: Path, settings: Settings) -> None:
    """Write the product's own dagster.yaml, but for how often run monitoring and the run queue look."""
    found = yaml.safe_load(instance_yaml(settings, home))
    found["run_monitoring"] |= MONITORING
    found["run_queue"] = RUN_QUEUE
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(found))


@dataclass
class Servers:
    """Webserver and daemon over one environment; `logs` gets what they say."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    logs: Path
    dagster: Dagster = field(init=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = PATIENCE | self.environment

    def start(self) -> None:
        self._choose_port()
        with self.home() as home:
            make_storage(home)
        self._start(WEBSERVER, "-h", "127.0.0.1", "-p", str(self.port), *WORKSPACE)
        self.start_daemon()
        wait(self._loaded, bool, 300)

    def start_dev(self) -> None:
        """Start both by `conflict-assets dev`."""
        self._choose_port()
        self._start(COMMAND, "dev", "--port", str(self.port))
        wait(self._loaded, bool, 300)

    def _choose_port(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.dagster = Dagster(f"http://127.0.0.1:{self.port}")

    @contextmanager
    def home(self) -> Iterator[Path]:
        """Dagster's home, with the variable that its dagster.yaml asks for."""
        with pytest.MonkeyPatch.context() as patch:
            if "DAGSTER_POSTGRES_URL" in self.environment:
                patch.setenv("DAGSTER_POSTGRES_URL", self.environment["DAGSTER_POSTGRES_URL"])
            yield Path(self.environment["DAGSTER_HOME"])

    def set_schedule_back(self, name: str, *, days: float) -> None:
        """Let a schedule have been running for some days without a tick; the daemon must be down."""
        since = (datetime.now(tz=UTC) - timedelta(days=days)).timestamp()
        with self.home() as home, DagsterInstance.from_config(str(home)) as instance:
            (state,) = [each for each in instance.all_instigator_state() if each.name == name]
            data = ScheduleInstigatorData(state.instigator_data.cron_schedule, start_timestamp=since)
            instance.update_instigator_state(state.with_data(data))

    def start_daemon(self) -> None:
        self._start(DAEMON, "run", *WORKSPACE)

    def kill_daemon(self) -> None:
        """SIGKILL for the daemon alone: its code server and what that runs go on."""
        daemon = self.processes.pop(DAEMON)
        daemon.kill()
        daemon.wait()

    def kill_daemon_and_all_that_it_runs(self) -> None:
        """SIGKILL for the daemon, its code server, run workers and steps, as when a container is gone."""
        daemon = self.processes.pop(DAEMON)
        family = [*psutil.Process(daemon.pid).children(recursive=True), psutil.Process(daemon.pid)]
        for process in family:
            if process.is_running():
                process.kill()
        daemon.wait()
        psutil.wait_procs(family, timeout=20)

    def log(self, server: str) -> str:
        return (self.logs / f"{server}.log").read_text(errors="replace")

    def stop(self) -> None:
        """Stop both, and all that they have started."""
        families = [
            each for process in self.processes.values() for each in psutil.Process(process.pid).children(recursive=True)
        ]
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in psutil.wait_procs(families, timeout=5)[1]:
            process.kill()

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `conflict-assets` in the servers' environment."""
        return subprocess.run(
            [str(BINARIES / "conflict-assets"), *arguments],
            cwd=self.folder,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def begin(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        return subprocess.Popen(
            [str(BINARIES / "conflict-assets"), *arguments],
            cwd=self.folder,
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _start(self, program: str, *arguments: str) -> None:
        with (self.logs / f"{program}.log").open("ab") as output:
            self.processes[program] = subprocess.Popen(
                [*PROGRAMS[program], *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _loaded(self) -> bool:
        """Whether the webserver answers and has loaded the code location."""
        ended = {name: self.log(name)[-2000:] for name, process in self.processes.items() if process.poll() is not None}
        assert not ended, ended
        try:
            entries = self.dagster.query(LOADED)["workspaceOrError"]["locationEntries"]
        except OSError:
            return False
        if not entries or any(entry["loadStatus"] != "LOADED" for entry in entries):
            return False
        loaded = entries[0]["locationOrLoadError"]["__typename"] == "RepositoryLocation"
        assert loaded, [self.log(name)[-5000:] for name in self.processes]
        return True
