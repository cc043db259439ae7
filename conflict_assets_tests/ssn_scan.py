"""Looks for known SSNs in whatever a platform leaves behind: texts, databases of Dagster, exports of each format."""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import psycopg
import pyarrow.parquet as pq
from psycopg import sql

LIKE_AN_SSN = re.compile(rb"(?<![0-9])([0-9]{3})[- ]?([0-9]{2})[- ]?([0-9]{4})(?![0-9])")


def ssns_of(source: Path) -> set[str]:
    """Every SSN of nine digits in a DuckDB source, where a number has lost the zeros that it begins with."""
    with duckdb.connect(str(source), read_only=True) as connection:
        found = connection.execute('SELECT DISTINCT "SSN" FROM "BI"."DIMCAREGIVER"').fetchall()
    plain = {re.sub("[- ]", "", ssn) if isinstance(ssn, str) else f"{ssn:09}" for (ssn,) in found if ssn}
    return {ssn for ssn in plain if re.fullmatch("[0-9]{9}", ssn)}


@dataclass
class Scan:
    """What was looked at, and where an SSN was found."""

    ssns: set[str]
    looked_at: list[str] = field(default_factory=list)
    found: dict[str, set[str]] = field(default_factory=dict)

    def text(self, where: str, content: bytes | str) -> None:
        """Look at a text, or at bytes that may hold texts."""
        raw = content.encode() if isinstance(content, str) else content
        self.looked_at.append(where)
        hits = {b"".join(match).decode() for match in LIKE_AN_SSN.findall(raw)} & self.ssns
        if hits:
            self.found.setdefault(where, set()).update(hits)

    def folder(self, folder: Path, *, without: Callable[[Path], bool] = lambda _path: False) -> None:
        """Look at every file's name, and into every file but those that `without` tells, by its path in the folder."""
        for path in sorted(folder.rglob("*")):
            self.text(f"name of {path}", str(path.relative_to(folder)))
            if path.is_file() and not without(path.relative_to(folder)):
                self.file(path)

    def database(self, url: str) -> None:
        """Look at every value of every table of a PostgreSQL database."""
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                rows = connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
                self.text(f"table {table}", "\n".join(row for (row,) in rows))

    def file(self, path: Path) -> None:
        """Look into a file by what it is: as bytes, and where its texts lie hidden also as a table or an archive."""
        content = path.read_bytes()
        self.text(str(path), content)
        for part in _parts(path, content):
            self.text(str(path), part)


def _parts(path: Path, content: bytes) -> Iterator[str | bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif content.startswith(b"PAR1"):
        for column in pq.read_table(path).columns:
            yield "\n".join(str(value) for value in column.to_pylist())
