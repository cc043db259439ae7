"""Measure what a night costs before it has looked at a visit, beside an earlier version of the project.

Run it with `make bench-fixed BEFORE=<checkout>`, where the checkout has its own .venv. Both versions take turns over
one small file: a night over unchanged data, one prefix from the command line, the imports of the steps' server, and one
prefix launched in the UI. Each keeps its own data folder, with the embedded server and Dagster's storage in it. The
phases are those of the event log.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance

from benchmarks.night.launch import Webserver
from benchmarks.night.machine import machine
from benchmarks.night.phases import DETECT, PLAN, Moment, moments
from benchmarks.night.report import Table, markdown, plain
from benchmarks.night.sources import Cache
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB
from conflict_assets.settings import Settings, load_settings, project_folder

PREFIX = "04"
PORTS = 34_710
SERVER = """
import multiprocessing, psutil, time
from multiprocessing import forkserver
from conflict_assets.running.forkserver import start_forkserver

begun = time.perf_counter()
start_forkserver()
first = multiprocessing.get_context("forkserver").Process(target=int)
first.start()
first.join()
waited = time.perf_counter() - begun
used = psutil.Process(forkserver._forkserver._forkserver_pid).cpu_times()
print(waited, used.user + used.system)
"""
"""Starts the server that steps are forked from, and tells when its first process has ended, and its processor time."""

PHASES = ("start", "visits", "plan", "prefixes", "publish", "summary", "exit", "whole")


@dataclass
class Version:
    """One version of the project, with a data folder of its own and what was measured of it, in seconds."""

    name: str
    checkout: Path
    folder: Path
    source: Path
    port: int
    night: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})
    one_prefix: list[float] = field(default_factory=list)
    server: list[tuple[float, float]] = field(default_factory=list)
    launched: list[float] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, without the product's settings but for the source and the folder."""
        settings = {name.upper() for name in Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name not in settings and "DAGSTER" not in name}
        return kept | {"SOURCE": "duckdb", "SOURCE_FILE": str(self.source), "CONFLICTS_DATA_DIR": str(self.folder)}

    def run(self, *arguments: str) -> tuple[float, float]:
        """Run the command to its end, and return when it began and ended."""
        begun = time.time()
        subprocess.run(  # noqa: S603 - our own command
            [self.checkout / ".venv" / "bin" / "conflict-assets", *arguments],
            cwd=self.checkout,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return begun, time.time()

    def measure_night(self) -> None:
        """Run a night over all prefixes, whose data has not changed."""
        begun, ended = self.run("run")
        with self.instance() as instance:
            night, summary = moments(instance, NIGHTLY_JOB), moments(instance, SUMMARY_JOB)
        marks = _marks(night, summary)
        bounds = [begun, *marks, ended]
        for phase, start, end in zip(PHASES, bounds, bounds[1:], strict=False):
            self.night[phase].append(end - start)
        self.night["whole"].append(ended - begun)

    def measure_prefix(self) -> None:
        """Run one prefix from the command line."""
        begun, ended = self.run("run", "--prefix", PREFIX)
        self.one_prefix.append(ended - begun)

    def measure_server(self) -> None:
        """Start the server that steps are forked from, which imports what they need."""
        python = self.checkout / ".venv" / "bin" / "python"
        home = {"DAGSTER_HOME": str(self.folder / "dagster_home")}
        printed = subprocess.run(  # noqa: S603 - our own code
            [python, "-c", SERVER], cwd=self.checkout, env=self.environment | home, stdout=subprocess.PIPE, check=True
        ).stdout
        waited, used = map(float, printed.split())
        self.server.append((waited, used))

    def measure_launch(self, webserver: Webserver) -> None:
        """Launch one prefix as the UI does, and wait for the run's end."""
        self.launched.append(webserver.launch(NIGHTLY_JOB, PREFIX))

    @contextmanager
    def instance(self) -> Iterator[DagsterInstance]:
        """Open the version's Dagster instance, whose storage both versions read alike."""
        with DagsterInstance.from_config(str(self.folder / "dagster_home")) as instance:
            yield instance


def _marks(night: Mapping[Moment, float], summary: Mapping[Moment, float]) -> list[float]:
    """Return when each phase ended, in their order."""
    begun = night[DagsterEventType.STEP_START, "active_visits"]
    read = night[DagsterEventType.STEP_SUCCESS, "active_visits"]
    planned = night[DagsterEventType.STEP_SUCCESS, PLAN]
    steps = [at for (kind, key), at in night.items() if kind is DagsterEventType.STEP_SUCCESS and DETECT in str(key)]
    ended = (night[DagsterEventType.RUN_SUCCESS, None], summary[DagsterEventType.RUN_SUCCESS, None])
    return [begun, read, planned, max(steps), *ended]


def main() -> int:
    """Measure both versions in turns and print, or write, the table."""
    arguments = _arguments()
    source = Cache(arguments.cache.absolute(), load_settings().today()).source(arguments.visits)
    with tempfile.TemporaryDirectory(prefix="fixed-") as temporary, ExitStack() as stack:
        versions = [
            Version(name, checkout.absolute(), Path(temporary) / name, source.path, PORTS + number)
            for number, (name, checkout) in enumerate([("before", arguments.before), ("now", project_folder())])
        ]
        for version in versions:
            stack.callback(version.run, "store", "stop")
            version.run("run")
        for _ in range(arguments.rounds):
            for version in versions:
                version.measure_night()
            for version in versions:
                version.measure_prefix()
            for version in versions:
                version.measure_server()
        webservers = [stack.enter_context(Webserver(each.checkout, each.environment, each.port)) for each in versions]
        for _ in range(arguments.rounds):
            for version, webserver in zip(versions, webservers, strict=True):
                version.measure_launch(webserver)
    found = _table(*versions)
    print(f"Machine: {machine()}. {arguments.visits:,} visits, medians of {arguments.rounds} rounds.\n")
    print(plain(found))
    if arguments.write:
        arguments.write.write_text(markdown(found) + "\n", encoding="utf-8")
    return 0


def _table(before: Version, now: Version) -> Table:
    names = {"whole": "a night over unchanged data"}
    rows: list[tuple[str, Sequence[float], Sequence[float]]] = [
        *((names.get(phase, phase), before.night[phase], now.night[phase]) for phase in PHASES),
        ("until the steps' server has imported all", _column(before.server, 0), _column(now.server, 0)),
        ("the same, processor time", _column(before.server, 1), _column(now.server, 1)),
        ("one prefix, from the command line", before.one_prefix, now.one_prefix),
        ("one prefix, from its launch in the UI to the run's end", before.launched, now.launched),
    ]
    return [("", "before, s", "now, s", "now / before"), *(_row(*row) for row in rows)]


def _column(pairs: Sequence[tuple[float, float]], place: int) -> list[float]:
    return [pair[place] for pair in pairs]


def _row(name: str, before: Sequence[float], now: Sequence[float]) -> tuple[str, ...]:
    old, new = statistics.median(before), statistics.median(now)
    return name, f"{old:.2f}", f"{new:.2f}", f"{new / old:.2f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="a checkout of the earlier version, with its .venv")
    parser.add_argument("--visits", type=int, default=1_000_000, help="how many visits")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument(
        "--cache", type=Path, default=project_folder() / "data" / "bench", help="where generated files are kept"
    )
    parser.add_argument("--write", type=Path, help="a file to write the table to, as markdown")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
