"""The generated files, made once and stored in a folder.

A file is used again while the list of what is planted in it is true. The generator lays visits down caregiver by
caregiver, in the order that suits a search for conflicts: DuckDB skips all but the blocks of a few caregivers. A
warehouse is loaded day by day, so here the visits are laid down by their dates.
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
        """Count the planted conflicts whose dates both lie in a window."""
        counted = duckdb.execute(
            "SELECT count(*) FROM read_parquet($1) "
            "WHERE visit_date BETWEEN $2 AND $3 AND con_visit_date BETWEEN $2 AND $3",
            [str(planted_path_of(self.path)), window.first, window.last],
        ).fetchone()
        return int(counted[0]) if counted else 0

    def warm(self) -> None:
        """Read the file once, so that no contender finds it cold."""
        with self.path.open("rb") as file:
            while file.read(CHUNK):
                pass


@dataclass(frozen=True)
class Cache:
    """The folder with the files and the lists of planted conflicts.

    Files are named `by-date-<how many>-<as of>.duckdb`, and the list is beside each of them.
    """

    folder: Path
    today: date
    as_of: date | None = None
    """The day to which files are restricted.

    Unset, the newest file that holds today is used, or else one that is made today.
    """

    def source(self, visits: int) -> Source:
        """Return the file with so many visits, and make it if need be."""
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
