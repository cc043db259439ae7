"""What a night accepts, every reader can read: exports, explain, show, the report, its pictures and a dry run."""

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow.parquet as pq
import pytest

from conflict_assets_tests.cli.test_store import given
from conflict_assets_tests.every_reader import read_everything, whole_night
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.source.warehouse import Warehouse
from conflict_assets_tests.ssn_scan import Scan, ssns_of

__all__ = ["given"]

DAY = datetime.now(tz=ZoneInfo("America/New_York")).date() - timedelta(days=10)
LONG = "x" * 6_000_000
PLANTED = {
    "first": {"Invoice Date": "0001-01-02 12:00:00+00"},
    "last": {"Invoice Date": "9999-12-30 12:00:00+00"},
    "year 1": {"Invoice Date": "0001-01-01 05:00:00+00"},
    "year 20251": {"Invoice Date": "20251-01-01 05:00:00+00"},
    "infinite": {"Invoice Date": "infinity", "Call In Time": "-infinity", "Visit Updated Timestamp": "infinity"},
    "long": {"Missed Visit Reason": LONG, "Call Out Device Type": "\u2028\r\n=\x01\x1f\ufffe\uffff\U0001f600"},
    "year 2925": {"Scheduled End Time": "2925-06-02 16:00:00+00"},
    "for ever": {
        "Scheduled Start Time": "0001-01-02 00:00:00+00",
        "Scheduled End Time": "9999-12-30 23:59:59.999999+00",
    },
    "worked in 2925": {"Visit Start Time": "2925-06-02 13:00:00+00", "Visit End Time": "2925-06-02 16:00:00+00"},
    "infinite money": {"Billed": "yes", "Billed Rate": "inf", "Bill Type": "Hourly", "Total Billed Amount": "nan"},
    "much money": {"Bill Rate Non-Billed": "1e308", "Bill Type": "Hourly"},
    "very much money": {"Bill Rate Non-Billed": "1.7e308", "Bill Type": "Daily"},
}
"""Odd visits by their names; beside each there is a plain one at another agency that it is in conflict with."""


ODD_NAME = "$x$ and $\\frac{ [/] \u65e5\u672c\x01\ufffe\n" + "Care " * 9_000


def moment(hour):
    return f"{DAY} {hour:02}:00:00-05:00"


@pytest.fixture
def planted(tmp_path, make_store, given):
    """A store in which a night has left a conflict for each planted visit; ten prefixes are enough for them."""
    store = make_store(prefix_length=1)
    warehouse = Warehouse(tmp_path / "visits.duckdb")
    warehouse.agency("P", **{"Provider Name": ODD_NAME})
    warehouse.agency("Q")
    for number, (name, odd) in enumerate(PLANTED.items()):
        warehouse.caregiver(name, f"{number:02}1234567")
        plain = {"Visit Date": moment(0), "Caregiver Id": name}
        plain |= {"Scheduled Start Time": moment(9), "Scheduled End Time": moment(12)}
        other = {"Visit Start Time": odd.get("Visit Start Time"), "Visit End Time": odd.get("Visit End Time")}
        warehouse.visit(f"{name} odd", **{**plain, **odd})
        warehouse.visit(f"{name} plain", **{**plain, **other, "Provider Id": "Q"})
    given(
        CONFLICTS_POSTGRES_URL=store,
        SSN_PREFIX_LENGTH=1,
        SOURCE_FILE=warehouse.close(),
        CONFLICTS_DATA_DIR=tmp_path / "data",
        COLUMNS="200",
    )
    whole_night(tmp_path / "snapshots")
    return store


@pytest.mark.usefixtures("planted")
def test_every_reader_reads_what_a_night_accepts(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()

    said = read_everything(folder, [(f"{name} odd", f"{name} plain") for name in PLANTED])

    exported = {row["visit_id"]: row for row in pq.read_table(folder / "all.parquet").to_pylist()}
    assert set(exported) == {f"{name} {which}" for name in PLANTED for which in ("odd", "plain")}
    csv.field_size_limit(10 * len(LONG))
    text = (folder / "all.csv").read_text(encoding="utf-8")
    in_csv = {row["visit_id"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert set(in_csv) == set(exported)
    header, *sheet = openpyxl.load_workbook(folder / "all.xlsx")["conflicts"].iter_rows(values_only=True)
    in_excel = {row[header.index("visit_id")]: dict(zip(header, row, strict=True)) for row in sheet}
    assert set(in_excel) == set(exported)

    assert exported["long odd"]["missed_visit_reason"] == in_csv["long odd"]["missed_visit_reason"] == LONG
    assert in_excel["long odd"]["missed_visit_reason"].startswith("xxx")
    assert in_excel["long odd"]["missed_visit_reason"].endswith("x [cut]")
    assert len(in_excel["long odd"]["missed_visit_reason"]) <= 32_767
    for name in ("year 1", "year 20251", "infinite"):
        assert exported[f"{name} odd"]["billed_date"] is None
    assert in_excel["first odd"]["billed_date"] == in_csv["first odd"]["billed_date"] == "0001-01-02"
    assert in_csv["last odd"]["billed_date"] == "9999-12-30"
    assert in_excel["last odd"]["billed_date"] == datetime(9999, 12, 30)  # noqa: DTZ001 - Excel knows no zones
    assert in_excel["for ever odd"]["sch_start_time (America/New_York)"].startswith("0001-01-01 19:03:58")
    assert "2925-06-02" in "\n".join(said)
    assert (folder / "0.png").read_bytes().startswith(b"\x89PNG")
    scan = Scan(ssns_of(tmp_path / "visits.duckdb"))
    scan.text("said", "\n".join(said))
    scan.folder(folder)
    assert len(scan.looked_at) > 3 * len(PLANTED)
    assert not scan.found


def test_what_somebody_has_written_into_the_store_costs_its_own_value(planted, tmp_path):
    execute(
        planted,
        """UPDATE conflict_visits SET billed_date = '20251-01-01', sch_start_time = 'infinity'
           WHERE visit_id = 'first odd';
           UPDATE conflict_visits SET visit_start_time = '-infinity', visit_end_time = '0044-03-15 00:00:00+00 BC',
               evv_start_time = '99999-01-01' WHERE visit_id = 'last odd'""",
    )
    folder = tmp_path / "out"
    folder.mkdir()

    said = "\n".join(read_everything(folder, [(f"{name} odd", f"{name} plain") for name in ("first", "last", "long")]))

    table = pq.read_table(folder / "all.parquet").to_pylist()
    assert len(table) == 2 * len(PLANTED)
    (first,) = rows(planted, "SELECT DISTINCT pair_id FROM visit_conflicts WHERE visit_id = 'first odd'")[0]
    assert f"pair {first}: sch_start_time of the store can't be read, and is left out" in said
    found = run_export(folder / "again.csv")
    for column in ("billed_date", "sch_start_time"):
        assert f"again.csv: pair {first}: {column} can't be read, and is left empty" in found
    assert "20251" not in found


def run_export(path):
    from typer.testing import CliRunner

    from conflict_assets.cli import app as cli

    export = ["export", "--out", str(path), "--status", "all", "--columns", "all"]
    found = CliRunner().invoke(cli.app, export, catch_exceptions=False)
    assert found.exit_code == 0
    return found.stderr


def test_the_next_night_mends_it(planted, tmp_path):
    told_of = "SELECT billed_date::text FROM conflict_visits WHERE visit_id = 'first odd'"
    execute(planted, "UPDATE conflict_visits SET billed_date = '20251-01-01' WHERE visit_id = 'first odd'")

    whole_night(tmp_path / "snapshots", "second-night")

    assert rows(planted, told_of) == [("0001-01-02",)]
