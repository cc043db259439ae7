"""The contenders, and one run of each.

A run has a fresh database, a fresh folder and a fresh process.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.night.command import told
from benchmarks.night.edits import EDITS, edit
from benchmarks.night.measurement import Measurement
from benchmarks.night.phases import profile
from benchmarks.night.prefill import prefill
from benchmarks.night.sampling import Command, Usage, measure
from benchmarks.night.server import MeasuredServer
from benchmarks.night.sources import Source
from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import Settings
from conflict_assets.source.snapshot_files import MANIFEST
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets.store.conflict_store import ConflictStore

NAMES = {
    "a": "a replaced pipeline",
    "b": "b bare engine",
    "c1": "c ours, 1 worker",
    "c2": "c ours, 2 workers",
    "c4": "c ours, 4 workers",
    "f": "c ours, 2 workers, everything read again",
    "u": "c ours, 2 workers, nothing changed",
    "n": "c ours, 2 workers, nothing changed, next date",
    "k": "c ours, 2 workers, 1 % changed",
    "p": "c ours, 2 workers, as in production",
    "m": "c ours, 2 workers, 5 % of every tenth caregiver",
    "d": "d floor",
}
"""The name of each contender.

Those of `LATER` are nights after `c2`, one after the other, over the same store.
"""

OURS = ("c1", "c2", "c4")
LATER = ("f", "u", "n", "k", "p", "m")
DATE, NEXT_DATE = "Etc/GMT+12", "Pacific/Kiritimati"
"""Time zones between which there are 26 hours: where the first has a date, the other has a later one."""
OF_NEXT_DATE = ("n", "k", "p", "m")

DATABASE, DAGSTER, TEMPLATE = "night", "dagster", "prefilled"
PREFIX_LENGTH = 2


@dataclass(frozen=True)
class Arena:
    """The data that the runs over one file share."""

    source: Source
    server: MeasuredServer
    folder: Path

    def prepare(self, contenders: set[str]) -> None:
        """Make the replaced pipeline's table, and read the file into memory."""
        if "a" in contenders:
            rows = prefill(self.source.path, self.server.create(TEMPLATE))
            print(f"{rows:,} rows in the replaced pipeline's table", flush=True)
        self.source.warm()

    def run(self, contender: str, later: Sequence[str] = ()) -> Iterator[Measurement]:
        """Run a contender once, and after `c2` those later nights.

        In the nights from the first with edits on, the source is a copy of the file that is edited before each.
        """
        with self._fresh_folder() as folder:
            visits = folder / "visits.duckdb"
            visits.symlink_to(self.source.path)
            template = TEMPLATE if contender == "a" else "template1"
            self.server.create(DATABASE, template=template)
            self.server.create(DAGSTER)
            yield self._night(contender, folder) if contender in OURS else self._command(contender, folder)
            for night in later if contender == "c2" else ():
                if night in EDITS:
                    edit(self.source.path, visits, night)
                self.server.settle(DATABASE)
                self.server.settle(DAGSTER)
                yield self._night(night, folder)
            self.server.drop(DATABASE)
            self.server.drop(DAGSTER)

    def _command(self, contender: str, folder: Path) -> Measurement:
        module = {"a": "replaced", "b": "bare", "d": "floor"}[contender]
        places = {"source": folder / "visits.duckdb", "store": self.server.url(DATABASE), "folder": folder}
        options = [text for name, place in places.items() for text in (f"--{name}", str(place))]
        arguments = (sys.executable, "-m", f"benchmarks.night.{module}", *options)
        command = Command(arguments, self._environment(folder, DATE))
        before = self.server.written(DATABASE)
        usage = measure(command, self.server.process)
        figures = told(usage.output)
        phases = {name: value for name, value in figures.items() if name.endswith("_seconds")}
        return self._measurement(contender, usage, before, figures | {"phases": phases})

    def _night(self, contender: str, folder: Path) -> Measurement:
        workers = int(contender[1:]) if contender in OURS else 2
        snapshots = folder / "snapshots"
        earlier = _children(snapshots)
        program = str(Path(sys.executable).with_name("conflict-assets"))
        awaited = {
            "surveyed": lambda: bool(_children(snapshots) - earlier),
            "read": lambda: any((each / MANIFEST).exists() for each in _children(snapshots) - earlier),
        }
        arguments = (program, "run", "--workers", str(workers), *["--full"] * (contender == "f"))
        zone = NEXT_DATE if contender in OF_NEXT_DATE else DATE
        command = Command(arguments, self._environment(folder, zone), awaited)
        before = self.server.written(DATABASE)
        usage = measure(command, self.server.process)
        snapshot = SnapshotStore(snapshots).newest(all_prefixes(PREFIX_LENGTH))
        if snapshot is None:
            raise RuntimeError("the night has left no snapshot")
        with ConflictStore(url=self.server.url(DATABASE), prefix_length=PREFIX_LENGTH) as store:
            runs = store.runs.summary(snapshot.root_run_id)
        os.environ["DAGSTER_POSTGRES_URL"] = self.server.url(DAGSTER)  # profile() reads the events there
        figures = {
            "fetched": snapshot.reading.rows_read,
            "conflicts": sum(run.conflicts for run in runs),
            "phases": profile(folder / "dagster_home", usage, runs, workers),
            "detect_and_write": sum(run.detect_seconds + run.write_seconds for run in runs),
        }
        return self._measurement(contender, usage, before, figures)

    def _measurement(self, contender: str, usage: Usage, before: int, figures: Mapping) -> Measurement:
        return Measurement(
            visits=self.source.visits,
            contender=contender,
            wall=usage.wall,
            cpu=usage.cpu,
            server_cpu=usage.server_cpu,
            largest=usage.largest,
            together=usage.together,
            server_memory=usage.server_memory,
            fetched=int(figures["fetched"]),
            written=self.server.written(DATABASE) - before,
            conflicts=int(figures["conflicts"]),
            detect_and_write=figures.get("detect_and_write", 0.0),
            phases=figures["phases"],
        )

    def _environment(self, folder: Path, zone: str) -> dict[str, str]:
        """Return this process's environment without settings of the product.

        Only the source, the store, the folder and the schedule's time zone are set.
        """
        settings = {name.upper() for name in Settings.model_fields}
        taken = settings | {f"{name}_FILE" for name in settings} - {"SOURCE_FILE"}
        kept = {name: value for name, value in os.environ.items() if name not in taken and "DAGSTER" not in name}
        return kept | {
            "SOURCE": "duckdb",
            "SOURCE_FILE": str(folder / "visits.duckdb"),
            "SCHEDULE_TIME_ZONE": zone,
            "CONFLICTS_POSTGRES_URL": self.server.url(DATABASE),
            "DAGSTER_POSTGRES_URL": self.server.url(DAGSTER),
            "CONFLICTS_DATA_DIR": str(folder),
        }

    @contextmanager
    def _fresh_folder(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _children(folder: Path) -> set[Path]:
    return set(folder.iterdir()) if folder.is_dir() else set()
