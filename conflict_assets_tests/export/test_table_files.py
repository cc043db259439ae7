"""Files of tables: typed, whole, and harmless to a spreadsheet."""

import csv
from datetime import UTC, date, datetime
from itertools import count

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conflict_assets.export import excel, table_files
from conflict_assets.export.table_files import TableFormat, format_of, table_writer
from conflict_assets.output.whole_files import FileError, check_target, whole_file

SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("rule", pa.int16()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("miles", pa.float64()),
        ("start", pa.timestamp("us", tz="UTC")),
    ]
)
NEW_YORK = "America/New_York"
START = datetime(2026, 7, 1, 3, 30, 15, tzinfo=UTC)
RISKY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]
HARMLESS = ["", " =1", "a=1", "'=1", "Ann", "***-**-0001", 'O\'Hara, "Ann"', "two\nlines", "<r>&</r>", "x" * 40_000]


def one_row(**changes):
    row = {"name": "Ann", "rule": 5, "flag": True, "day": date(2026, 7, 1), "miles": -1.25, "start": START} | changes
    return pa.RecordBatch.from_pylist([row], SCHEMA)


def write(path, *batches):
    with table_writer(path, format_of(path), SCHEMA, time_zone=NEW_YORK) as write_batch:
        for batch in batches:
            write_batch(batch)
    return path


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def cells(path):
    return [list(row) for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows(min_row=2)]


def test_csv_holds_utc_and_plain_values(tmp_path):
    missing = pa.RecordBatch.from_pylist([dict.fromkeys(SCHEMA.names)], SCHEMA)
    rows = read_csv(write(tmp_path / "a.csv", one_row(), missing))
    assert rows == [
        SCHEMA.names,
        ["Ann", "5", "true", "2026-07-01", "-1.25", "2026-07-01 03:30:15.000000Z"],
        [""] * len(SCHEMA),
    ]


def test_parquet_holds_the_types_and_the_texts_as_they_are(tmp_path):
    found = pq.read_table(write(tmp_path / "a.parquet", one_row(), one_row(name="=1+1", miles=None)))
    assert found.schema.equals(SCHEMA)
    assert found.to_pylist() == pa.Table.from_batches([one_row(), one_row(name="=1+1", miles=None)]).to_pylist()


def test_parquet_groups_hold_many_rows_though_batches_hold_few(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS_A_GROUP", 30)
    file = pq.ParquetFile(write(tmp_path / "a.parquet", *[one_row()] * 100))
    groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert groups == [30, 30, 30, 10]


def test_excel_holds_numbers_dates_and_local_times_under_a_header_that_names_the_zone(tmp_path):
    path = write(tmp_path / "a.xlsx", one_row(), one_row(miles=None, start=None, name=None, flag=None, day=None))
    sheet = openpyxl.load_workbook(path)["conflicts"]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == ["name", "rule", "flag", "day", "miles", "start (America/New_York)"]
    assert rows[1] == ["Ann", 5, True, datetime(2026, 7, 1), -1.25, datetime(2026, 6, 30, 23, 30, 15)]  # noqa: DTZ001 - Excel has no zones
    assert rows[2] == [None, 5, None, None, None, None]
    assert sheet.freeze_panes == "A2"


@pytest.mark.parametrize("text", RISKY)
def test_a_text_like_a_formula_is_none_in_csv_and_excel(tmp_path, text):
    assert read_csv(write(tmp_path / "a.csv", one_row(name=text)))[1][0] == f"'{text}"
    cell = cells(write(tmp_path / "a.xlsx", one_row(name="Ann"), one_row(name=text)))[1][0]
    assert cell.value.replace("_x000D_", "\r") == text
    assert cell.data_type == "s"
    assert cell.quotePrefix


@pytest.mark.parametrize("text", HARMLESS, ids=lambda text: repr(text[:20]))
def test_any_other_text_stays_as_it_is(tmp_path, text):
    assert read_csv(write(tmp_path / "a.csv", one_row(name=text)))[1][0] == text
    cell = cells(write(tmp_path / "a.xlsx", one_row(name=text)))[0][0]
    shown = {"<r>&</r>": "<r>&</r> ", "x" * 40_000: "x" * (excel.LONGEST_TEXT // 2 - 6) + " [cut]"}
    assert cell.value == shown.get(text, text)
    assert not cell.quotePrefix


def test_a_sheet_that_is_full_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "SHEET_ROWS", 4)
    numbers = count(1)
    batches = [pa.concat_batches([one_row(rule=next(numbers)) for _ in range(5)]) for _ in range(2)]
    book = openpyxl.load_workbook(write(tmp_path / "a.xlsx", *batches))
    assert book.sheetnames == ["conflicts", "conflicts 2", "conflicts 3", "conflicts 4"]
    found = [[row[1] for row in sheet.iter_rows(values_only=True)] for sheet in book]
    assert found == [["rule", 1, 2, 3], ["rule", 4, 5, 6], ["rule", 7, 8, 9], ["rule", 10]]


MONEY = pa.schema([("pair_id", pa.string()), ("day", pa.date32()), ("paid_amount", pa.float64()), ("x", pa.string())])
AMOUNTS = [12.5, -0.005, 0.1 + 0.2, 1e306, None]


def money(path):
    rows = [{"pair_id": "0" * 32, "day": date(2026, 7, 1), "paid_amount": each, "x": ""} for each in AMOUNTS]
    choices = {"x": ("yes", "no")}
    with table_writer(path, format_of(path), MONEY, time_zone=NEW_YORK, choices=choices) as write_batch:
        write_batch(pa.RecordBatch.from_pylist(rows[:3], MONEY))
        write_batch(pa.RecordBatch.from_pylist(rows[3:], MONEY))
    return path


def test_money_has_two_decimals_in_csv(tmp_path):
    found = [row[2] for row in read_csv(money(tmp_path / "a.csv"))]
    assert found == ["paid_amount", "12.50", "-0.01", "0.30", f"{1e306:.2f}", ""]
    assert pq.read_table(money(tmp_path / "a.parquet"))["paid_amount"].to_pylist() == AMOUNTS


def test_a_sheet_is_ready_for_work(tmp_path):
    sheet = openpyxl.load_workbook(money(tmp_path / "a.xlsx"))["conflicts"]
    row = sheet[2]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D6")
    assert [cell.number_format for cell in row] == ["@", "yyyy-mm-dd", "#,##0.00", "General"]
    assert (row[0].value, row[0].data_type, row[1].is_date, row[2].value) == ("0" * 32, "s", True, 12.5)
    widths = [round(sheet.column_dimensions[letter].width) for letter in "ABCD"]
    assert widths[0] > widths[2] > widths[1] > widths[3]
    (offered,) = sheet.data_validations.dataValidation
    assert (offered.formula1, str(offered.sqref)) == ('"yes,no"', "D2:D6")


def test_every_sheet_has_a_filter(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "SHEET_ROWS", 4)
    book = openpyxl.load_workbook(money(tmp_path / "a.xlsx"))
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:D4", "A1:D3"]


def test_a_sheet_is_as_long_as_excel_allows():
    assert excel.SHEET_ROWS == 1_048_576


def test_what_excel_can_t_show_as_a_number_becomes_a_text_or_nothing(tmp_path):
    old = datetime(1800, 1, 1, 12, tzinfo=UTC)
    row = cells(write(tmp_path / "a.xlsx", one_row(day=date(1, 1, 1), start=old, miles=float("inf"))))[0]
    assert [cell.value for cell in row[3:]] == ["0001-01-01", None, "1800-01-01 07:03:58.000000"]


def test_a_whole_file_is_its_owner_s_only_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o644)
    with whole_file(path) as partial:
        write(partial.with_suffix(".csv"), one_row()).replace(partial)
        partial.chmod(0o600)
        assert path.read_text() == "old"
    assert path.read_text().startswith('"name"')
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def write_half(path, format_):
    with whole_file(path) as partial, table_writer(partial, format_, SCHEMA, time_zone=NEW_YORK) as write_batch:
        write_batch(one_row())
        assert partial.stat().st_mode & 0o777 == 0o600
        raise RuntimeError


@pytest.mark.parametrize("format_", list(TableFormat))
def test_a_file_that_fails_half_way_leaves_nothing_and_keeps_the_old_one(tmp_path, format_):
    path = tmp_path / f"a{format_}"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        write_half(path, format_)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_is_told_of(tmp_path):
    with (
        pytest.raises(FileError, match=r"a\.csv can't be written: No space left on device; nothing of it is left"),
        whole_file(tmp_path / "a.csv"),
    ):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/a.csv", "there is no folder"),
        ("folder.csv", "is a folder; name a file"),
        ("there.csv", "exists; name another file, or replace it with --overwrite"),
    ],
)
def test_a_file_that_can_t_be_written_is_refused_first(tmp_path, name, message):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "there.csv").touch()
    with pytest.raises(FileError, match=message):
        check_target(tmp_path / name, overwrite=False)
    check_target(tmp_path / "there.csv", overwrite=True)


def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path):
    assert format_of(tmp_path / "A.XLSX") is TableFormat.EXCEL
    with pytest.raises(FileError, match=r"ends in '\.xls'; allowed: \.csv, \.parquet, \.xlsx"):
        format_of(tmp_path / "a.xls")
