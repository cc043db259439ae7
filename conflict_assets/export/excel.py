"""Excel workbooks, written a row at a time.

Earlier rows are on the disk already.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from conflict_assets.domain.formulas import FORMULA

SHEET_ROWS = 1_048_576
"""The most rows of an Excel sheet, including its header."""

LONGEST_TEXT = 32_767
"""The most characters of a cell.

Excel counts a character beyond U+FFFF as two.
"""

CUT = " [cut]"
"""The end of a text that was too long for a cell."""

BIG_CELLS = 10_000_000
"""The number of cells from which a sheet's part may exceed 4 GB.

It then needs the larger kind of zip file.
"""

FIRST_SERIAL, LAST_SERIAL = 61.0, 2_958_465.999_99
"""The first and the last date that Excel can show, as its numbers.

They are 1 March 1900, before which Excel counts a day that never was, and the end of the year 9999.
"""

NARROWEST, WIDEST, BUTTON = 8, 40, 3
"""The narrowest and the widest column and the filter's button, in characters.

The button takes a part of the header's width.
"""

IDS = "_id"
"""The end of the names of columns that hold ids.

Ids stay texts when somebody types over them.
"""

DAYS_TO_1970 = 25_569
MICROSECONDS_A_DAY = 86_400_000_000

Cells = tuple[list[Any], Callable[[int, int, Any, Any], Any], Any]
"""A column's values, the function that writes one, and its format."""


@contextmanager
def excel_writer(
    path: Path, schema: pa.Schema, *, money: str, time_zone: str, choices: Mapping[str, Sequence[str]]
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Open a workbook and return a function that writes batches.

    A sheet that is full is followed by another one. Texts stay as they are. Those that look like formulas are marked as
    texts, so that they don't become formulas when somebody edits them. Instants are shown in `time_zone`, which the
    header names. Columns whose names end in `money` are shown with two digits. Columns of `choices` offer these values
    to whoever fills them in.
    """
    # The sheets wait here until the workbook is put together: rows, for their owner only.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".parts", dir=path.parent) as parts:
        workbook = Workbook(str(path), {"constant_memory": True, "tmpdir": parts, "strings_to_urls": False})
        writer = _ExcelWriter(workbook, schema, money, time_zone, choices)
        try:
            yield writer.write
        except BaseException:
            for sheet in workbook.worksheets():
                sheet.row_data_fh.close()
            raise
        writer.finish_sheet()
        if writer.rows * len(schema) > BIG_CELLS:
            workbook.use_zip64()
        workbook.close()


@dataclass
class _ExcelWriter:
    workbook: Workbook
    schema: pa.Schema
    money: str
    time_zone: str
    choices: Mapping[str, Sequence[str]]
    rows: int = 0
    _formats: dict[str, Format] = field(init=False)
    _headers: list[str] = field(init=False)
    _widths: list[int] = field(init=False)
    _sheet: Worksheet = field(init=False)
    _next_row: int = field(init=False)

    def __post_init__(self) -> None:
        add = self.workbook.add_format
        self._formats = {
            "header": add({"bold": True}),
            "date": add({"num_format": "yyyy-mm-dd"}),
            "instant": add({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "text": add({"quote_prefix": True}),
            "id": add({"num_format": "@"}),
            "money": add({"num_format": "#,##0.00"}),
        }
        self._headers = [self._header(each) for each in self.schema]
        self._widths = [len(header) + BUTTON for header in self._headers]
        self._add_sheet()

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch.

        The rows of the first batch set the width of the columns.
        """
        if not self.rows:
            self._widths = [max(each) for each in zip(self._widths, map(_width, batch.columns), strict=True)]
        while batch.num_rows:
            part = batch.slice(0, SHEET_ROWS - self._next_row)
            if part.num_rows:
                self._write_rows(part)
            else:
                self.finish_sheet()
                self._add_sheet()
            batch = batch.slice(part.num_rows)

    def _add_sheet(self) -> None:
        number = len(self.workbook.worksheets()) + 1
        self._sheet = self.workbook.add_worksheet("conflicts" if number == 1 else f"conflicts {number}")
        self._sheet.freeze_panes(1, 0)
        self._set_columns()
        for at, header in enumerate(self._headers):
            self._sheet.write_string(0, at, header, self._formats["header"])
        self._next_row = 1

    def finish_sheet(self) -> None:
        """Set what belongs to a whole sheet, now that its rows are known."""
        self._set_columns()
        self._sheet.autofilter(0, 0, self._next_row - 1, len(self.schema) - 1)
        for name, values in self.choices.items():
            at = self.schema.get_field_index(name)
            offered = {"validate": "list", "source": list(values), "show_error": False}
            self._sheet.data_validation(1, at, max(self._next_row - 1, 1), at, offered)

    def _set_columns(self) -> None:
        for at, (each, width) in enumerate(zip(self.schema, self._widths, strict=True)):
            self._sheet.set_column(at, at, min(max(width, NARROWEST), WIDEST), self._format_of_ids(each.name))

    def _format_of_ids(self, name: str) -> Format | None:
        return self._formats["id"] if name.endswith(IDS) else None

    def _header(self, column: pa.Field) -> str:
        return f"{column.name} ({self.time_zone})" if pa.types.is_timestamp(column.type) else str(column.name)

    def _write_rows(self, batch: pa.RecordBatch) -> None:
        columns = [self._cells(*each) for each in zip(batch.schema.names, batch.columns, strict=True)]
        for at in range(batch.num_rows):
            row = self._next_row + at
            for column, (values, write, shown) in enumerate(columns):
                value = values[at]
                if value is not None:
                    write(row, column, value, shown)
        self._next_row += batch.num_rows
        self.rows += batch.num_rows

    def _cells(self, name: str, column: pa.Array) -> Cells:
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
        return (
            column.to_pylist(),
            self._sheet.write_number,
            self._formats["money"] if name.endswith(self.money) else None,
        )

    def _serials(self, days: pa.Array, column: pa.Array, shown: Format) -> Cells:
        """Turn days into Excel's own dates, which are numbers of days.

        Dates that Excel can't show become texts.
        """
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
        risky = pc.fill_null(pc.match_substring_regex(column, FORMULA), False).to_pylist()
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


def _width(column: pa.Array) -> int:
    """Return how many characters a column's values take.

    Instants are shown to the second.
    """
    if pa.types.is_string(column.type):
        return pc.max(pc.utf8_length(column)).as_py() or 0
    return 19 if pa.types.is_timestamp(column.type) else 10
