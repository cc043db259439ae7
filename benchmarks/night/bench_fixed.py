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
VISITS = "active_visits"
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
LAUNCH_PHASES = ("queue", "worker", "first step", "visits", "plan", "prefixes", "publish", "whole")
"""Of a launch: in the queue, until its worker works on the run, until its first step has started, and the steps."""


@dataclass
class Version:
    """One version of the project, with a data folder of its own and what was measured of it, in seconds."""

    name: str
    checkout: Path
    folder: Path
    source: Path
    port: int
    night: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})
    prefix: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})
    launched: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in LAUNCH_PHASES})
    server: list[tuple[float, float]] = field(default_factory=list)

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
        self._measure_run(self.night)

    def measure_prefix(self) -> None:
        """Run one prefix from the command line."""
        self._measure_run(self.prefix, "--prefix", PREFIX)

    def _measure_run(self, phases: Mapping[str, list[float]], *arguments: str) -> None:
        begun, ended = self.run("run", *arguments)
        with self.instance() as instance:
            night, summary = moments(instance, NIGHTLY_JOB), moments(instance, SUMMARY_JOB)
        end = summary[DagsterEventType.RUN_SUCCESS, None]
        bounds = [begun, night[DagsterEventType.STEP_START, VISITS], *_step_marks(night), end, ended]
        _append(phases, PHASES, bounds)

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
        launched, ended = webserver.launch(NIGHTLY_JOB, PREFIX)
        with self.instance() as instance:
            run = moments(instance, NIGHTLY_JOB)
        begun = [run[kind, None] for kind in (DagsterEventType.RUN_STARTING, DagsterEventType.RUN_START)]
        bounds = [launched, *begun, run[DagsterEventType.STEP_START, VISITS], *_step_marks(run)]
        _append(self.launched, LAUNCH_PHASES, [*bounds[:-1], ended])

    @contextmanager
    def instance(self) -> Iterator[DagsterInstance]:
        """Open the version's Dagster instance, whose storage both versions read alike."""
        with DagsterInstance.from_config(str(self.folder / "dagster_home")) as instance:
            yield instance


def _step_marks(run: Mapping[Moment, float]) -> list[float]:
    """Return when the visits were read, the plan was made, the last prefix was done, and the run had succeeded."""
    steps = [at for (kind, key), at in run.items() if kind is DagsterEventType.STEP_SUCCESS and DETECT in str(key)]
    ended = run[DagsterEventType.RUN_SUCCESS, None]
    return [*(run[DagsterEventType.STEP_SUCCESS, key] for key in (VISITS, PLAN)), max(steps), ended]


def _append(phases: Mapping[str, list[float]], names: Sequence[str], bounds: Sequence[float]) -> None:
    """Add the seconds between these moments to the phases, the last of which is the whole."""
    for name, start, end in zip(names, bounds, bounds[1:], strict=False):
        phases[name].append(end - start)
    phases[names[-1]].append(bounds[-1] - bounds[0])


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
    rows: list[tuple[str, Sequence[float], Sequence[float]]] = []
    for title, names, old, new in (
        ("a night over unchanged data", PHASES, before.night, now.night),
        ("one prefix, from the command line", PHASES, before.prefix, now.prefix),
        ("one prefix, from its launch in the UI to the run's end", LAUNCH_PHASES, before.launched, now.launched),
    ):
        rows.append((title, old["whole"], new["whole"]))
        rows += [(f"... {name}", old[name], new[name]) for name in names[:-1]]
    rows += [
        ("until the steps' server has imported all", _column(before.server, 0), _column(now.server, 0)),
        ("... its processor time", _column(before.server, 1), _column(now.server, 1)),
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
