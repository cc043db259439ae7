"""Looks for known SSNs in whatever a platform leaves behind: texts, databases of Dagster, exports of each format."""

import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

LIKE_AN_SSN = re.compile(rb"(?<![0-9])([0-9]{3})[- ]?([0-9]{2})[- ]?([0-9]{4})(?![0-9])")
SQLITE = b"SQLite format 3\x00"


def ssns_of(source: Path) -> set[str]:
    """Every SSN of nine digits in a DuckDB source."""
    with duckdb.connect(str(source), read_only=True) as connection:
        found = connection.execute('SELECT DISTINCT "SSN" FROM "BI"."DIMCAREGIVER"').fetchall()
    plain = {re.sub("[- ]", "", row[0]) for row in found if row[0]}
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

    def file(self, path: Path) -> None:
        """Look into a file by what it is: as bytes, and where its texts lie hidden also as a table or an archive."""
        content = path.read_bytes()
        self.text(str(path), content)
        for part in _parts(path, content):
            self.text(str(path), part)


def _parts(path: Path, content: bytes) -> Iterator[str | bytes]:
    if content.startswith(SQLITE):
        yield from _sqlite_texts(path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif content.startswith(b"PAR1"):
        for column in pq.read_table(path).columns:
            yield "\n".join(str(value) for value in column.to_pylist())


def _sqlite_texts(path: Path) -> Iterator[str | bytes]:
    """Every value: in the file's pages they may touch each other, so that a number is not seen to be nine digits."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        connection.text_factory = bytes
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table.decode()}"'):  # noqa: S608 - its own names
                yield b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    connection.close()
