"""`conflict-assets export`, as a person gives it."""

import csv
import io
from datetime import date

import openpyxl
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from conflict_assets.cli import app as cli
from conflict_assets.cli import export as export_module
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.cli.test_store import given, refused, told
from conflict_assets_tests.pg import execute
from conflict_assets_tests.store.nights import SSN, Pair, night
from conflict_assets_tests.store.test_roles import login

__all__ = ["given"]

FORMULA = "=HYPERLINK(A1)"
VISIT = {"aide_name": FORMULA, "payer_id": "M", "contract": "Medicaid", "provider_name": "Good Care"}


@pytest.fixture
def store(store_url, given):
    given(CONFLICTS_POSTGRES_URL=store_url)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
        later = Pair("c", "d", rule=7, agency="R", day=date(2026, 1, 20))
        store.conflicts.replace_prefix(night([Pair(visit=VISIT), later]))
    return store_url


def rows_of(path):
    """The rows of a file as texts, by its header."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    header, *rows = openpyxl.load_workbook(path)["conflicts"].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("name", "aide"), [("a.csv", f"'{FORMULA}"), ("a.parquet", FORMULA), ("a.xlsx", FORMULA), ("A.CSV", f"'{FORMULA}")]
)
def test_open_conflicts_are_written_masked_for_the_owner_only(tmp_path, name, aide):
    path = tmp_path / name
    assert told("export", "--out", path) == f"{path}: 2 conflicts, SSNs masked"
    found = rows_of(path.rename(tmp_path / name.lower()))
    assert [row["visit_id"] for row in found] == ["a", "c"]
    assert {row["ssn"] for row in found} == {"***-**-0001"}
    assert found[0]["aide_name"] == aide
    assert (tmp_path / name.lower()).stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "brief"),
    [
        (["a.csv"], True),
        (["a.xlsx"], True),
        (["a.parquet"], False),
        (["a.parquet", "--columns", "brief"], True),
        (["a.csv", "--columns", "all"], False),
        (["a.csv", "--prefix", "04"], True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_reviewer_gets_what_to_decide_on_and_a_program_everything(tmp_path, options, brief):
    path = tmp_path / options[0]
    told("export", "--out", path, *options[1:])
    found = rows_of(path)[1]
    if not brief:
        assert len(found) == 147
        assert "p_last_name" in found
        return
    assert next(iter(found)) == "pair_id"
    assert list(found)[-2:] == ["decision", "decision_reason"]
    assert not [name for name in found if name.removeprefix("con_").startswith(("p_", "patient"))]
    assert not found["decision"]
    assert not found["decision_reason"]
    assert (found["ssn"], found["rule"]) == ("***-**-0001", "7 No time for the trip")
    assert float(found["overlap_amount"]) == 30
    assert (found["provider_id"], found["con_provider_id"], found["status"]) == ("R", "Q", "new")


def test_the_brief_form_has_the_times_that_count(store, tmp_path):
    worked = "visit_start_time = '2026-01-05 14:00Z', visit_end_time = '2026-01-05 15:00Z'"
    planned = "sch_start_time = '2026-01-05 13:00Z', sch_end_time = '2026-01-05 16:00Z'"
    execute(store, f"UPDATE conflict_visits SET {worked}, {planned} WHERE visit_id = 'a'")  # noqa: S608 - constants
    execute(store, f"UPDATE conflict_visits SET {planned}, visit_start_time = now() WHERE visit_id = 'b'")  # noqa: S608 - constants
    told("export", "--out", tmp_path / "a.csv")
    row = rows_of(tmp_path / "a.csv")[0]
    assert (row["basis"], row["con_basis"]) == ("actual", "scheduled")
    times = [row[name][11:16] for name in ("starts_at", "ends_at", "con_starts_at", "con_ends_at")]
    assert times == ["14:00", "15:00", "13:00", "16:00"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--agency", "Q", "--agency", "good cara"],
            r"'good cara' is no agency of .*; near: Good Care \(P\)\. Allowed",
        ),
        (["--payer", "Medicare"], r"'Medicare' is no payer of a stored conflict; near: Medicaid \(M\)"),
        (["--payer", "good care"], r"'good care' is no payer of a stored conflict\. Allowed: an id, or a whole name"),
        (["--agency", "x'; --"], "is no agency of a stored conflict. Allowed"),
    ],
)
def test_an_agency_or_payer_that_nobody_knows_is_told_with_near_names(tmp_path, options, message):
    with pytest.raises(StoreError, match=message):
        told("export", "--out", tmp_path / "a.csv", *options)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("store")
def test_a_name_is_known_whatever_the_status_of_its_conflicts(tmp_path):
    told("decide", "c,d", "--ignore", "--reason", "x")
    assert told("export", "--out", tmp_path / "a.csv", "--agency", "R").startswith(f"{tmp_path}/a.csv: 0 conflicts")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--agency", "R"], "c"),
        (["--payer", "M"], "a"),
        (["--rule", "7"], "c"),
        (["--rule", "visit_time_over_another_visit_time", "--rule", "1"], "a"),
        (["--from", "2026-01-06"], "c"),
        (["--to", "2026-01-19"], "a"),
        (["--status", "resolved"], ""),
        (["--status", "all", "--prefix", "00-10"], "ac"),
        (["--prefix", "05"], ""),
        (["--both-sides", "--agency", "R"], "cd"),
    ],
)
def test_options_choose_conflicts(tmp_path, options, found):
    told("export", "--out", tmp_path / "a.csv", *options)
    assert "".join(sorted(row["visit_id"] for row in rows_of(tmp_path / "a.csv"))) == found


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "{}/a.xls"], "ends in '.xls'; allowed: .csv, .parquet, .xlsx"),
        (["--out", "{}/none/a.csv"], "there is no folder"),
        (["--out", "{}/old.csv"], "exists; name another file, or replace it with --overwrite"),
        (["--out", "{}/a.csv", "--rule", "8"], "--rule 8 is no rule; allowed: 1 (same_sch_time), 2 (same_visit_time)"),
        (["--out", "{}/a.csv", "--status", "closed"], "--status closed is no status; allowed: new, open, resolved"),
        (["--out", "{}/a.csv", "--prefix", "4"], "allowed: 2 digit(s), 00 to 99"),
        (["--out", "{}/a.csv", "--from", "2026-01-02", "--to", "2026-01-01"], "is after --to 2026-01-01"),
        (["--out", "{}/a.csv", "--from", "yesterday"], "'yesterday' does not match"),
        (["--rule", "1"], "Missing option '--out'"),
    ],
)
def test_what_can_t_be_meant_is_refused_and_nothing_is_written(tmp_path, options, message):
    (tmp_path / "old.csv").write_text("old")
    assert message in refused("export", *(option.format(tmp_path) for option in options))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.csv", "old")]


@pytest.mark.usefixtures("store")
def test_an_old_file_is_replaced_when_asked(tmp_path):
    (tmp_path / "old.csv").write_text("old")
    told("export", "--out", tmp_path / "old.csv", "--overwrite")
    assert len(rows_of(tmp_path / "old.csv")) == 2


@pytest.mark.usefixtures("store")
def test_full_ssns_are_written_when_asked(tmp_path):
    path = tmp_path / "a.csv"
    assert told("export", "--out", path, "--full-ssn") == f"{path}: 2 conflicts, SSNs in full"
    assert {row["ssn"] for row in rows_of(path)} == {SSN}


def test_a_reader_exports_masked_rows_and_is_refused_full_ssns(store, given, tmp_path):
    given(CONFLICTS_POSTGRES_URL=login(store, "conflicts_reader"))
    told("export", "--out", tmp_path / "a.csv")
    with pytest.raises(StoreError, match=r"may not see full SSNs; allowed: .*Leave out --full-ssn"):
        told("export", "--out", tmp_path / "b.csv", "--full-ssn")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_store_without_tables_says_so(pg_server, given, tmp_path):
    given(CONFLICTS_POSTGRES_URL=(url := pg_server.make_database()))
    with pytest.raises(StoreError, match="The store's tables are not there: conflict-assets store migrate"):
        told("export", "--out", tmp_path / "a.csv")
    pg_server.drop(url)


@pytest.mark.usefixtures("store")
def test_progress_is_shown_on_a_terminal(tmp_path, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(export_module, "err", Console(file=screen, force_terminal=True, width=100))
    told("export", "--out", tmp_path / "a.csv")
    assert "2/2" in screen.getvalue()


@pytest.mark.usefixtures("store")
def test_elsewhere_nothing_but_the_result_is_said(tmp_path):
    found = CliRunner().invoke(cli.app, ["export", "--out", str(tmp_path / "a.csv")])
    assert found.stderr == ""
    assert len(found.stdout.splitlines()) == 1
