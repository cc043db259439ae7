"""An export goes out, is filled in with a spreadsheet, and comes back as decisions."""

import csv
import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.cli.test_store import given, told
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

__all__ = ["given"]

NIGHT = (
    Pair("a", "b", agency="-P", visit={"aide_name": "=1+1", "provider_name": "Zoë, Söhne; Co"}),
    Pair("c", "d", rule=7, agency="R", day=date(2026, 1, 20)),
    Pair("007", "1e5", rule=1, agency="S", day=date(2026, 1, 21)),
)
SAVED = Path(__file__).parent / "saved_by_libreoffice"
"""Exports of the night above, filled in, opened and saved by LibreOffice."""

FILLED = {"a": ("Whitelisted ", "geprüft: “ok”, 5 €"), "c": ("'ignore", "=not worth it")}
DECIDED = [("a", "whitelisted", "geprüft: “ok”, 5 €"), ("c", "ignored", "=not worth it")]
LOG = "SELECT visit_id, decision, reason FROM decision_log ORDER BY visit_id, decision_id"


@pytest.fixture
def store(store_url, given):
    given(CONFLICTS_POSTGRES_URL=store_url)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night(NIGHT))
    return store_url


def exported(path, *options):
    told("export", "--out", path, *options)
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def edited(found):
    """What a person makes of an export: filled in, columns in another order, one more, a date written their way."""
    for row in found:
        decision, reason = FILLED.get(row["visit_id"], ("", ""))
        row |= {"decision": decision, "decision_reason": f"'{reason}" if reason.startswith("=") else reason}
        row |= {"visit_date": "05.01.26", "my notes": "a; b, c", "pair_id": f"{row['pair_id']} "}
    return [dict(reversed(row.items())) for row in found]


def saved(path, found, *, encoding, separator):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(found[0]), delimiter=separator)
        writer.writeheader()
        for row in found:
            writer.writerow(row)
            file.write("\r\n" + separator * len(row) + "\r\n")
    return path


def filled_in(path):
    """Fill in a workbook as a person does: by typing into its cells."""
    book = openpyxl.load_workbook(path)
    sheet = book["conflicts"]
    at = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        filled = FILLED.get(sheet.cell(row, at["visit_id"]).value, (None, None))
        for name, value in zip(("decision", "decision_reason"), filled, strict=True):
            sheet.cell(row, at[name]).value = value
            sheet.cell(row, at[name]).data_type = "s"
    book.create_sheet("my notes").append(["anything", "else"])
    book.save(path)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_comes_back_as_decisions(store, tmp_path, encoding, separator):
    found = edited(exported(tmp_path / "out.csv"))
    file = saved(tmp_path / "back.csv", found, encoding=encoding, separator=separator)
    said = told("decide", "--file", file)
    assert said == "2 decisions given, 2 written, 0 were so already; 1 rows without a decision left out"
    assert rows(store, LOG) == DECIDED
    assert rows(store, "SELECT visit_id FROM open_conflicts") == [("007",)]


def test_a_workbook_comes_back_as_decisions(store, tmp_path):
    told("export", "--out", tmp_path / "a.xlsx")
    said = told("decide", "--file", filled_in(tmp_path / "a.xlsx"))
    assert said == "2 decisions given, 2 written, 0 were so already; 1 rows without a decision left out"
    assert rows(store, LOG) == DECIDED


@pytest.mark.parametrize("ending", [".xlsx", ".csv"])
def test_what_libreoffice_saved_comes_back_as_decisions(store, ending):
    said = told("decide", "--file", SAVED.with_suffix(ending))
    assert said == "2 decisions given, 2 written, 0 were so already; 1 rows without a decision left out"
    assert rows(store, LOG) == DECIDED


def test_the_same_file_again_changes_nothing_whoever_gives_it(store, tmp_path):
    file = saved(tmp_path / "b.csv", edited(exported(tmp_path / "a.csv")), encoding="utf-8", separator=",")
    told("decide", "--file", file, "--by", "Ann Lee")
    execute(store, "UPDATE visit_conflicts SET overlap_minutes = 7")
    assert told("decide", "--file", file, "--by", "Bob Ray").startswith("2 decisions given, 0 written, 2 were so")
    again = exported(tmp_path / "c.csv", "--status", "all")
    assert [row["decision"] for row in again] == ["whitelisted", "ignored", ""]
    assert told("decide", "--file", tmp_path / "c.csv", "--by", "Bob Ray").startswith("2 decisions given, 0 written")
    assert rows(store, "SELECT DISTINCT decided_by FROM decision_log") == [("Ann Lee",)]


def test_a_decision_is_changed_and_taken_back_by_file(store, tmp_path):
    told("decide", "a,b", "c,d", "--ignore", "--reason", "first thought")
    found = exported(tmp_path / "a.csv", "--status", "ignored")
    found[0] |= {"decision": "CLEAR", "decision_reason": "looked again"}
    file = saved(tmp_path / "b.csv", found, encoding="utf-8", separator=",")
    assert told("decide", "--file", file).startswith("2 decisions given, 1 written, 1 were so already")
    assert rows(store, "SELECT status FROM conflict_visit_maps WHERE visit_id IN ('a', 'c') ORDER BY visit_id") == [
        ("new",),
        ("ignored",),
    ]


def test_a_reason_is_needed_in_the_row_or_for_all(store, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(f"pair_id,decision\n{Pair().pair_id},ignored\n")
    with pytest.raises(StoreError, match=r"row 2: no reason; fill in the column decision_reason, or give one with"):
        told("decide", "--file", file)
    told("decide", "--file", file, "--reason", "checked")
    assert rows(store, LOG) == [("a", "ignored", "checked")]


def test_all_wrong_rows_are_told_at_once_and_nothing_is_written(store, tmp_path):
    file = tmp_path / "a.csv"
    wrong = "".join(f"{n},maybe{n},x\r\n" for n in range(20))
    file.write_text(f"pair_id;decision;decision_reason\r\n{Pair().pair_id};ignored;x\r\n\r\n" + wrong.replace(",", ";"))
    with pytest.raises(StoreError, match="20 wrong rows; nothing is written") as error:
        told("decide", "--file", file)
    lines = str(error.value).splitlines()[1:]
    allowed = "is unknown; allowed: whitelisted, ignored or cleared (also whitelist, ignore, clear), or nothing"
    assert lines == [f"  row {n + 4}: decision 'maybe{n}' {allowed}" for n in range(20)]
    assert rows(store, LOG) == []


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("ignored", "x"), ("cleared", "x"), "row 2 and row 5: one conflict is decided differently, ignored, cleared"),
        (("ignored", "x"), ("ignored", "y"), "row 2 and row 5: one conflict has different reasons"),
    ],
)
def test_two_rows_of_a_conflict_must_agree(store, tmp_path, first, second, message):
    found = exported(tmp_path / "a.csv", "--both-sides", "--agency", "R")
    for row, (decision, reason) in zip(found, (first, second), strict=True):
        row |= {"decision": decision, "decision_reason": reason}
    file = saved(tmp_path / "b.csv", found, encoding="utf-8", separator=",")
    with pytest.raises(StoreError, match=message):
        told("decide", "--file", file)
    assert rows(store, LOG) == []


def test_one_of_two_rows_of_a_conflict_may_be_empty(store, tmp_path):
    found = exported(tmp_path / "a.csv", "--both-sides", "--agency", "R")
    found[1] |= {"decision": "ignored", "decision_reason": "x"}
    file = saved(tmp_path / "b.csv", found, encoding="utf-8", separator=",")
    assert told("decide", "--file", file).endswith("1 rows without a decision left out")
    assert rows(store, LOG) == [("c", "ignored", "x")]


def test_a_conflict_that_is_not_stored_is_told(store, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(f"pair_id,decision,decision_reason\n{'0' * 32},ignored,x\n{Pair().pair_id},ignored,x\n")
    with pytest.raises(StoreError, match=f"1 of 2 conflicts are not in the store: {'0' * 32}"):
        told("decide", "--file", file)
    assert rows(store, LOG) == []


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"visit_id,decision\na,ignored\n", "has no header with the columns pair_id"),
        (b"pair_id\nabc\n", "has no header with the columns pair_id .* and decision"),
        (b"", "has no header with the columns"),
        (b"\x81\x8d\xff\n", "can't be read as a table"),
        (b"PK\x03\x04 no workbook", "can't be read as an Excel workbook"),
    ],
)
def test_a_file_that_is_no_table_of_decisions_is_refused(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(StoreError, match=message):
        told("decide", "--file", tmp_path / "a.csv")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("line", ["sep=;", '"sep=;"'])
def test_a_line_that_names_the_separator_is_no_header(tmp_path, line):
    (tmp_path / "a.csv").write_text(
        f"{line}\r\npair_id;decision;decision_reason\r\n{Pair().pair_id};clear;a, b, c, d\r\n"
    )
    assert told("decide", "--file", tmp_path / "a.csv").startswith("1 decisions given")
