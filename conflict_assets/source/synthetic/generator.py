"""Write the invented warehouse, chunk by chunk.

It is put in its place whole or not at all.
"""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from conflict_assets.source.synthetic.paths import planted_path_of
from conflict_assets.source.synthetic.plan import FIRST_OF_CROWDS, VISITS_PER_CAREGIVER, Plan

MEMORY_LIMIT = "3GB"
CAREGIVERS_PER_CHUNK = 4_000

WORLD = ("macros", "days", "places", "tables", "agencies", "codes", "odd_caregivers", "traits")
SCENARIOS = ("scenarios", "scenario_pairs", "decks")


@dataclass(frozen=True)
class GeneratedSource:
    """What was generated: the files and how much they hold.

    The counts are of visits (rows), caregivers, and planted conflicts, all and by rule.
    """

    path: Path
    planted_path: Path
    visits: int
    caregivers: int
    planted: int
    planted_by_rule: dict[str, int]


def generate(
    path: Path,
    *,
    visits: int = 300_000,
    seed: int = 1,
    as_of: date,
    conflict_share: float = 0.02,
    overwrite: bool = False,
) -> GeneratedSource:
    """Write an invented source and the list of its planted conflicts.

    The source goes to `path`, and the list to `<stem>.planted.parquet` beside it. The same arguments give the same
    rows. `conflict_share` is the share of visits that are in a planted conflict. The list stays true for runs from
    `as_of` to about four months later.

    Raises:
        ValueError: an argument is out of its range.
        FileExistsError: one of the files is there already, and `overwrite` is off.
    """
    plan = Plan(visits=visits, seed=seed, as_of=as_of, conflict_share=conflict_share)
    path = Path(path)
    planted_path = planted_path_of(path)
    if not overwrite:
        _refuse_existing(path, planted_path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", dir=path.parent))
    try:
        made = _Writer(plan, workshop).write(path, planted_path)
        _put_in_place(workshop, path, planted_path)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return made


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} exists; choose another file, or allow it to be overwritten")


def _put_in_place(workshop: Path, path: Path, planted_path: Path) -> None:
    """Move both files to their names, the list first.

    The list is removed again when the source can't follow.
    """
    source, planted = workshop / "source.duckdb", workshop / "planted.parquet"
    source.chmod(0o600)
    planted.chmod(0o600)
    # A log left beside an older file of this name would be replayed into the new one.
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    planted.replace(planted_path)
    try:
        source.replace(path)
    except OSError:
        planted_path.unlink(missing_ok=True)
        raise


@cache
def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


class _Writer:
    """One generation, over one connection to the file that is being made."""

    def __init__(self, plan: Plan, workshop: Path) -> None:
        self.plan = plan
        self.workshop = workshop
        self.visits = 0
        self.caregivers = 0

    def write(self, path: Path, planted_path: Path) -> GeneratedSource:
        """Fill the workshop's two files, and return what they hold.

        The result has the names that the files will have.
        """
        spill = self.workshop / "spill"
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(str(self.workshop / "source.duckdb"), config=config) as self.connection:
            self.connection.execute("SET enable_progress_bar = false")
            self._make_world()
            self._make_crowds()
            self._make_persons()
            by_rule = self._write_planted()
        return GeneratedSource(
            path=path,
            planted_path=planted_path,
            visits=self.visits,
            caregivers=self.caregivers,
            planted=sum(by_rule.values()),
            planted_by_rule=by_rule,
        )

    def _make_world(self) -> None:
        self.connection.execute('CREATE SCHEMA "BI"')
        for name, value in self.plan.variables().items():
            self._set(name, value)
        self._run(*WORLD, *SCENARIOS)
        self._set("block_share", self.plan.block_share(self._number("conflict_visits")))

    def _make_crowds(self) -> None:
        self._set_persons(FIRST_OF_CROWDS, FIRST_OF_CROWDS + self.plan.crowds)
        self._run("persons", "crowds")
        self._store_chunk()

    def _make_persons(self) -> None:
        """Make caregivers until there are enough visits.

        Caregivers of several agencies come first, and the last chunk is cut.
        """
        first = 0
        while self.visits < self.plan.visits:
            room = self.plan.visits - self.visits
            last = first + min(CAREGIVERS_PER_CHUNK, room // VISITS_PER_CAREGIVER + 2)
            last = min(last, self.plan.several) if first < self.plan.several else last
            self._set_persons(first, last)
            self._set("room", room)
            self._run("persons", "episodes", "shifts")
            if self._number("shift_count") > room:
                self._run("trim")
            self.caregivers += int(self._number("person_count"))
            self._store_chunk()
            self._run("planted")
            first = last

    def _store_chunk(self) -> None:
        self.visits += int(self._number("shift_count"))
        self._run("caregivers", "patients", "fact")

    def _write_planted(self) -> dict[str, int]:
        self.connection.execute(_sql("write_planted"), [str(self.workshop / "planted.parquet")])
        return dict(self.connection.execute(_sql("planted_by_rule")).fetchall())

    def _set_persons(self, first: int, end: int) -> None:
        self._set("first_person", first)
        self._set("end_person", end)

    def _set(self, name: str, value: object) -> None:
        self.connection.execute(f"SET VARIABLE {name} = $1", [value])

    def _run(self, *names: str) -> None:
        for name in names:
            self.connection.execute(_sql(name))

    def _number(self, name: str) -> float:
        row = self.connection.execute(_sql(name)).fetchone()
        if row is None:
            raise RuntimeError(f"{name}.sql gave no row")
        return float(row[0])
