"""The generated files: made once, kept in a folder, and used again while what is said to be planted in them is true.

The generator lays visits down caregiver by caregiver, in the order that suits who looks for conflicts: DuckDB skips all
but the blocks of a few caregivers. A warehouse is loaded day by day, so here the visits are laid down by their dates.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from conflict_assets.domain.window import Window
from conflict_assets.source.synthetic import generate
from conflict_assets.source.synthetic.paths import planted_path_of

TRUE_FOR = timedelta(days=100)
CHUNK = 1 << 24


BEGINNING = "by-date-"
FACT = "FACTVISITCALLPERFORMANCE_CR"


@dataclass(frozen=True)
class Source:
    """One file of visits."""

    path: Path
    visits: int
    as_of: date

    def planted(self, window: Window) -> int:
        """How many planted conflicts lie in a window, both dates of them."""
        counted = duckdb.execute(
            "SELECT count(*) FROM read_parquet($1) "
            "WHERE visit_date BETWEEN $2 AND $3 AND con_visit_date BETWEEN $2 AND $3",
            [str(planted_path_of(self.path)), window.first, window.last],
        ).fetchone()
        return int(counted[0]) if counted else 0

    def warm(self) -> None:
        """Read the file once, so that no contender is the one that finds it cold."""
        with self.path.open("rb") as file:
            while file.read(CHUNK):
                pass


@dataclass(frozen=True)
class Cache:
    """The folder with the files, `by-date-<how many>-<as of>.duckdb`, the list of planted conflicts beside each."""

    folder: Path
    today: date
    as_of: date | None = None
    """Only files of this day; unset: the newest that holds today, else one that is made today."""

    def source(self, visits: int) -> Source:
        """Find the file with so many visits, or make it."""
        wanted = self.as_of or max((day for day in self._days(visits) if self._holds(day)), default=self.today)
        path = self.folder / f"{BEGINNING}{visits}-{wanted.isoformat()}.duckdb"
        if not path.exists():
            print(f"making {path.name}", flush=True)
            _make(path, visits, wanted)
        return Source(path, visits, wanted)

    def _days(self, visits: int) -> list[date]:
        beginning = f"{BEGINNING}{visits}-"
        found = self.folder.glob(f"{beginning}????-??-??.duckdb")
        return [date.fromisoformat(path.stem.removeprefix(beginning)) for path in found]

    def _holds(self, day: date) -> bool:
        return day <= self.today <= day + TRUE_FOR


def _make(path: Path, visits: int, as_of: date) -> None:
    """Generate a file, and copy it with its visits in order of their dates."""
    generated = path.with_name(f"generated-{path.name}")
    generate(generated, visits=visits, as_of=as_of, overwrite=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with duckdb.connect(str(partial)) as connection:
        connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = true")
        connection.execute(f"ATTACH '{generated}' AS generated (READ_ONLY)")
        connection.execute('CREATE SCHEMA "BI"')
        for (table,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'generated'"
        ).fetchall():
            order = 'ORDER BY "Visit Date"' if table == FACT else ""
            connection.execute(f'CREATE TABLE "BI"."{table}" AS SELECT * FROM generated."BI"."{table}" {order}')
    planted_path_of(generated).replace(planted_path_of(path))
    generated.unlink()
    partial.replace(path)
