"""Excel workbooks, written a row at a time: the rows before it are on the disk already."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

SHEET_ROWS = 1_048_576
"""The most rows of an Excel sheet, its header among them."""

LONGEST_TEXT = 32_767
"""Excel counts a character beyond U+FFFF as two."""

CUT = " [cut]"
"""How a text ends that is too long for a cell."""

BIG_CELLS = 10_000_000
"""From so many cells on, a sheet's part may pass 4 GB, which needs the larger kind of zip file."""

FIRST_SERIAL, LAST_SERIAL = 61.0, 2_958_465.999_99
"""From 1 March 1900, before which Excel counts a day that never was, to the year 9999."""

DAYS_TO_1970 = 25_569
MICROSECONDS_A_DAY = 86_400_000_000

Cells = tuple[list[Any], Callable[[int, int, Any, Any], Any], Any]
"""A column's values, how one is written, and its format."""


@contextmanager
def excel_writer(
    path: Path, schema: pa.Schema, *, formula: str, time_zone: str
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Give a function that writes batches; a sheet that is full is followed by another one.

    Texts stay as they are; those that match `formula` are marked as texts, so that they don't become formulas when
    somebody edits them. Instants are shown in `time_zone`, which the header names.
    """
    # The sheets wait here until the workbook is put together: rows, for their owner only.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".parts", dir=path.parent) as parts:
        workbook = Workbook(str(path), {"constant_memory": True, "tmpdir": parts, "strings_to_urls": False})
        writer = _ExcelWriter(workbook, schema, formula, time_zone)
        try:
            yield writer.write
        except BaseException:
            for sheet in workbook.worksheets():
                sheet.row_data_fh.close()
            raise
        if writer.rows * len(schema) > BIG_CELLS:
            workbook.use_zip64()
        workbook.close()


@dataclass
class _ExcelWriter:
    workbook: Workbook
    schema: pa.Schema
    formula: str
    time_zone: str
    rows: int = 0
    _formats: dict[str, Format] = field(init=False)
    _sheet: Worksheet = field(init=False)
    _next_row: int = field(init=False)

    def __post_init__(self) -> None:
        add = self.workbook.add_format
        self._formats = {
            "header": add({"bold": True}),
            "date": add({"num_format": "yyyy-mm-dd"}),
            "instant": add({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "text": add({"quote_prefix": True}),
        }
        self._add_sheet()

    def write(self, batch: pa.RecordBatch) -> None:
        while batch.num_rows:
            part = batch.slice(0, SHEET_ROWS - self._next_row)
            if part.num_rows:
                self._write_rows(part)
            else:
                self._add_sheet()
            batch = batch.slice(part.num_rows)

    def _add_sheet(self) -> None:
        number = len(self.workbook.worksheets()) + 1
        self._sheet = self.workbook.add_worksheet("conflicts" if number == 1 else f"conflicts {number}")
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(self.schema) - 1, 16)
        for at, name in enumerate(self.schema):
            zoned = f"{name.name} ({self.time_zone})" if pa.types.is_timestamp(name.type) else name.name
            self._sheet.write_string(0, at, zoned, self._formats["header"])
        self._next_row = 1

    def _write_rows(self, batch: pa.RecordBatch) -> None:
        columns = [self._cells(column) for column in batch.columns]
        for at in range(batch.num_rows):
            row = self._next_row + at
            for column, (values, write, shown) in enumerate(columns):
                value = values[at]
                if value is not None:
                    write(row, column, value, shown)
        self._next_row += batch.num_rows
        self.rows += batch.num_rows

    def _cells(self, column: pa.Array) -> Cells:
        kind = column.type
        if pa.types.is_string(kind):
            return self._texts(column)
        if pa.types.is_boolean(kind):
            return column.to_pylist(), self._sheet.write_boolean, None
        if pa.types.is_date(kind):
            days = pc.add(column.cast(pa.int32()).cast(pa.float64()), float(DAYS_TO_1970))
            return self._serials(days, column, self._formats["date"])
        if pa.types.is_timestamp(kind):
            local = pc.local_timestamp(column.cast(pa.timestamp("us", tz=self.time_zone)))
            days = pc.divide(local.cast(pa.int64()).cast(pa.float64(), safe=False), float(MICROSECONDS_A_DAY))
            return self._serials(pc.add(days, float(DAYS_TO_1970)), local, self._formats["instant"])
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        return column.to_pylist(), self._sheet.write_number, None

    def _serials(self, days: pa.Array, column: pa.Array, shown: Format) -> Cells:
        """Excel's own dates are numbers of days; those that it can't show become texts."""
        fits = pc.and_(pc.greater_equal(days, FIRST_SERIAL), pc.less_equal(days, LAST_SERIAL))
        if pc.all(fits, min_count=0).as_py():
            return days.to_pylist(), self._sheet.write_number, shown
        texts = column.cast(pa.string()).to_pylist()
        known = zip(days.to_pylist(), fits.to_pylist(), texts, strict=True)
        return [(day if fit else text) for day, fit, text in known], self._write_either, shown

    def _texts(self, column: pa.Array) -> Cells:
        too_long = pc.greater(pc.utf8_length(column), LONGEST_TEXT // 2)
        if pc.any(too_long).as_py():
            start = pc.utf8_slice_codeunits(column, 0, LONGEST_TEXT // 2 - len(CUT))
            column = pc.if_else(too_long, pc.binary_join_element_wise(start, CUT, ""), column)
        risky = pc.fill_null(pc.match_substring_regex(column, self.formula), False).to_pylist()
        # XlsxWriter takes a text between these two marks for its own, and writes it as it is.
        column = pc.replace_substring_regex(column, r"(?s)\A(<r>.*</r>)\z", r"\1 ")
        if any(risky):
            values: Sequence[Any] = [
                (text, self._formats["text"]) if each else (text, None)
                for text, each in zip(column.to_pylist(), risky, strict=True)
            ]
            return [None if text is None else (text, shown) for text, shown in values], self._write_marked, None
        return column.to_pylist(), self._sheet.write_string, None

    def _write_marked(self, row: int, column: int, value: tuple[str, Format | None], _shown: None) -> None:
        self._sheet.write_string(row, column, *value)

    def _write_either(self, row: int, column: int, value: float | str, shown: Format) -> None:
        if isinstance(value, str):
            self._sheet.write_string(row, column, value)
        else:
            self._sheet.write_number(row, column, value, shown)
