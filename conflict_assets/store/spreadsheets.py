"""Reads tables that people edit in a spreadsheet, a row at a time.

A table is a CSV as any program saves it, or an Excel workbook.
"""

import codecs
import csv
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from conflict_assets.store.errors import StoreError

WORKBOOK = b"PK\x03\x04"
"""The first bytes of a workbook, which is a zip file."""

SEPARATORS = ",;\t"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LONGEST_CELL = 1 << 27
PART_BYTES = 1 << 20

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
Record = tuple[int, Sequence[str]]


@dataclass(frozen=True)
class Row:
    """A row of a table, with the name under which people find it.

    The name is such as `row 5`. The texts are by their column, with their number.

    Cells at the end of a sheet's row that were never filled in count as empty ones.
    """

    place: str
    cells: Mapping[str, str]
    width: int


@dataclass(frozen=True)
class Table:
    """A CSV, or a sheet of a workbook.

    `columns` holds the names of the columns in small letters. `rows` can be read once.
    """

    header: tuple[str, ...]
    rows: Iterator[Row]

    @property
    def columns(self) -> frozenset[str]:
        """The names, whatever their order."""
        return frozenset(self.header)


def read_tables(path: Path) -> Iterator[Table]:
    """Read a CSV, or each sheet of an Excel workbook.

    The CSV is separated by comma, semicolon or tab, and encoded in UTF-8, UTF-16 or Windows-1252.

    Raises:
        StoreError: the file can't be read as one of them.
    """
    try:
        with path.open("rb") as file:
            is_workbook = file.read(len(WORKBOOK)) == WORKBOOK
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror or error}") from None
    yield from _sheets(path) if is_workbook else _csv(path)


def _csv(path: Path) -> Iterator[Table]:
    csv.field_size_limit(LONGEST_CELL)
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            yield from _table(_records(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise StoreError(
            f"{path} can't be read as a table: {error}; allowed: a CSV in UTF-8, in UTF-16 with its byte order mark or "
            "in Windows-1252, or an Excel workbook (.xlsx)"
        ) from None


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in UTF_16:
            return "utf-16"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while part := file.read(PART_BYTES):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _records(lines: Iterable[str]) -> Iterator[Record]:
    """Return the records of a CSV with their numbers.

    They are the numbers of the rows that a spreadsheet shows.
    """
    lines = iter(lines)
    first = next(lines, "")
    named = _SEPARATOR_LINE.match(first.strip())
    if named:
        first = "\n"
    separator = named[1] if named else max(SEPARATORS, key=first.count)
    return enumerate(csv.reader(chain([first], lines), delimiter=separator), 1)


def _sheets(path: Path) -> Iterator[Table]:
    # openpyxl is imported here, since the import takes a while and a CSV does not need it.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            # openpyxl warns of parts of a workbook that it does not read. Only the cells are needed.
            warnings.simplefilter("ignore")
            book = load_workbook(path, read_only=True, data_only=True)
            several = len(book.worksheets) > 1
            for sheet in book.worksheets:
                records = enumerate(map(_filled, sheet.iter_rows(values_only=True)), 1)
                yield from _table(records, f"sheet {sheet.title}, " if several else "", is_sheet=True)
            book.close()
    except (OSError, ValueError, KeyError, BadZipFile, InvalidFileException) as error:
        raise StoreError(f"{path} can't be read as an Excel workbook: {error}; save it as .xlsx or CSV") from None


def _filled(row: Iterable[Any]) -> list[str]:
    """Return the texts of a sheet's row, without empty cells at its end.

    A sheet is as wide as its widest row.
    """
    texts = list(map(_text, row))
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(value: Any) -> str:
    """Return a cell's text as a person reads it.

    A spreadsheet may have taken an id for a number.
    """
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _table(records: Iterable[Record], sheet: str = "", *, is_sheet: bool = False) -> Iterator[Table]:
    """Yield one table, unless there are no rows.

    Its header is the first row that is not blank.
    """
    filled = ((number, record) for number, record in records if any(cell.strip() for cell in record))
    _, header = next(filled, (0, ()))
    if header:
        names = tuple(name.strip().lstrip("'").strip().lower() for name in header)
        least = len(names) if is_sheet else 0
        rows = (
            Row(f"{sheet}row {number}", dict(zip(names, record, strict=False)), max(len(record), least))
            for number, record in filled
        )
        yield Table(names, rows)
