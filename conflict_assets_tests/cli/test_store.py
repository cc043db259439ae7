"""The commands about the store, as a person gives them."""

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from conflict_assets import settings
from conflict_assets.cli import app as cli
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

DECIDED = """SELECT DISTINCT ON (visit_id) visit_id, decision, reason, origin FROM conflict_decisions
    ORDER BY visit_id, decision_id DESC"""


@pytest.fixture
def given(monkeypatch):
    """Gives the process other settings, in the environment."""

    def give(**variables):
        monkeypatch.setattr(settings, "project_folder", lambda: Path("/nonexistent"))
        for name in ("CONFLICTS_POSTGRES_URL", "CONFLICTS_DATA_DIR", "SSN_PREFIX_LENGTH", "REPLACED_POSTGRES_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        settings.load_settings.cache_clear()

    yield give
    settings.load_settings.cache_clear()


@pytest.fixture
def store(store_url, given):
    given(CONFLICTS_POSTGRES_URL=store_url)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair(), Pair("c", "d"), Pair("e", "f")]))
    return store_url


def told(*arguments):
    """What a command that succeeds prints."""
    found = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout.strip()


def refused(*arguments):
    """What a command that is given wrong options prints."""
    found = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env={"COLUMNS": "300"})
    assert found.exit_code == 2, found.output
    return found.output


@pytest.mark.parametrize(
    ("option", "decision"), [("--whitelist", "whitelisted"), ("--ignore", "ignored"), ("--clear", "cleared")]
)
def test_a_pair_is_decided_by_its_name_or_by_its_visits(store, option, decision):
    told("decide", "a,b", Pair("c", "d").pair_id, "--ignore", "--reason", "first thought")
    told("decide", "b,a", Pair("c", "d").pair_id, option, "--reason", "same client")
    assert rows(store, "SELECT visit_id, decision, reason FROM conflict_decisions ORDER BY decision_id") == [
        ("a", "ignored", "first thought"),
        ("c", "ignored", "first thought"),
        ("a", decision, "same client"),
        ("c", decision, "same client"),
    ]
    assert rows(store, "SELECT count(*) FROM open_conflicts") == [(3 if option == "--clear" else 1,)]


def test_a_decision_is_by_whom_the_command_says_else_by_the_login(store, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    told("decide", "a,b", "--ignore", "--reason", "known")
    told("decide", "a,b", "--ignore", "--reason", "known", "--by", "Ann Lee")
    assert rows(store, "SELECT decided_by FROM conflict_decisions ORDER BY decision_id") == [("login",), ("Ann Lee",)]
    assert rows(store, "SELECT DISTINCT decided_by FROM conflict_visit_maps WHERE visit_id = 'a'") == [("Ann Lee",)]


def test_a_decision_says_what_it_did_and_again_that_it_was_so_already(store):
    decide = ("decide", "a,b", "--whitelist", "--reason", "same client")
    assert told(*decide) == "1 decisions given, 1 written, 0 were so already"
    assert told(*decide) == "1 decisions given, 0 written, 1 were so already"
    assert rows(store, DECIDED) == [("a", "whitelisted", "same client", "person")]
    assert rows(store, "SELECT decided_by <> '' FROM conflict_decisions") == [(True,)]


@pytest.mark.parametrize("option", ["--csv", "--file"])
def test_decisions_come_from_a_csv(store, tmp_path, option):
    file = tmp_path / "decisions.csv"
    file.write_text('\ufeffpair,decision,reason\n"a,b",ignore,too short\n"d,c",,\n', encoding="utf-8")
    assert told("decide", option, file, "--whitelist", "--reason", "checked").startswith("2 decisions given, 2 written")
    assert rows(store, DECIDED) == [("a", "ignored", "too short", "person"), ("c", "whitelisted", "checked", "person")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a,b", "--reason", "x"], "give one of --whitelist, --ignore and --clear"),
        (["a,b", "--ignore", "--clear", "--reason", "x"], "give one of --whitelist, --ignore and --clear"),
        (["a,b", "--ignore"], "and a --reason"),
        (["a,b", "--ignore", "--reason", "x", "--by", " "], "--by is empty"),
        (["a,b", "--ignore", "--reason", " "], "and a --reason"),
        (["--ignore", "--reason", "x"], "name at least one pair, or a file with --file"),
        (["ab", "--ignore", "--reason", "x"], "'ab' is neither a pair_id (32 hex digits) nor two visit ids"),
        (["a,a", "--ignore", "--reason", "x"], "two different visits; found 'a' and 'a'"),
    ],
)
def test_a_decision_that_can_t_be_understood_is_refused(store, arguments, message):
    assert message in refused("decide", *arguments)
    assert rows(store, DECIDED) == []


def test_a_pair_that_is_not_stored_refuses_all_and_is_named_as_it_was_given(store):
    with pytest.raises(StoreError, match=r"1 of 2 conflicts are not in the store: x,y\. Nothing is written"):
        told("decide", "a,b", "y,x", "--ignore", "--reason", "x")
    assert rows(store, DECIDED) == []


def test_old_decisions_come_from_a_csv_as_often_as_one_likes(store, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("VisitID,ConVisitID,StatusFlag\na,b,W\nb,a,W\nd,c,I\ne,f,U\n,f,W\n")
    once = told("import-decisions", "--csv", file).splitlines()[0]
    assert once == ("2 decisions found, 2 written, 0 were so already; 1 rows undecided, 1 without two visit ids")
    told("decide", "a,b", "--clear", "--reason", "looked again")
    assert told("import-decisions", "--csv", file).startswith("2 decisions found, 0 written, 2 were so already")
    assert [row[:2] for row in rows(store, DECIDED)] == [("a", "cleared"), ("c", "ignored")]


@pytest.mark.usefixtures("store")
def test_an_import_tells_which_pairs_the_store_has_never_seen(tmp_path):
    file = tmp_path / "old.csv"
    unseen = [f"{number},x" for number in range(7)]
    file.write_text("VisitID,ConVisitID,StatusFlag\n" + "".join(f"{pair},W\n" for pair in ["a,b", *unseen]))
    for written in (8, 0):
        first, second = told("import-decisions", "--csv", file).splitlines()
        assert first.startswith(f"8 decisions found, {written} written")
        assert second == (
            "Not in the store: 7 of these pairs (0,x; 1,x; 2,x; 3,x; 4,x; and 2 more). "
            "Their decisions are kept, and hold as soon as a night finds such a conflict"
        )


@pytest.mark.usefixtures("store")
def test_an_import_tells_what_it_left_out_and_where(tmp_path):
    file = tmp_path / "old.csv"
    others = "".join(f"{number},x,U\n" for number in range(7))
    file.write_text(f"VisitID,ConVisitID,StatusFlag\na,b,W\n{others}c,d,\nc,,I\ne,f,111-22-3333 and more\n")
    places = "row 3, row 4, row 5, row 6, row 7 and 2 more"
    assert told("import-decisions", "--csv", file).splitlines()[1:] == [
        f"Left out: 7 rows with StatusFlag 'U', which is no decision (W and I are): {places}",
        "Left out: 1 row without two different visit ids: row 11",
        "Left out: 1 row with StatusFlag '***-**-3333 ...', which is no decision (W and I are): row 12",
    ]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column VisitID, among 0 in its first line"),
        ("VisitID,ConVisitID,Status Flag\n", "has no column StatusFlag, but 'status flag', among 3"),
        ("VisitID,ConVisitID,StatusFlag,visitid\n", "has more than one column VisitID"),
        ("VisitID,ConVisitID,StatusFlag\na,b,W\nc,d\ne,f,W,x\n", "2 wrong rows: row 3: 2 values.*row 4: 4 values"),
    ],
    ids=["empty", "misspelt", "twice", "uneven"],
)
def test_a_file_of_other_columns_is_refused_and_nothing_of_it_is_imported(tmp_path, text, message):
    file = tmp_path / "old.csv"
    file.write_text(text)
    with pytest.raises(StoreError, match=message):
        told("import-decisions", "--csv", file)


REPLACED = [["VisitID", "ConVisitID", "StatusFlag", "Note"], ["a", "b", "W", "Zoë"], ["d", "c", "I", "\u2013"]]
"""A replaced table with letters of which Windows-1252 makes other bytes than UTF-8."""


def workbook(file, *sheets):
    book = openpyxl.Workbook()
    for title, rows_of_sheet in sheets:
        sheet = book.create_sheet(title)
        for row in rows_of_sheet:
            sheet.append(row)
    book.remove(book.active)
    book.save(file)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_old_decisions_come_from_a_csv_as_any_program_saves_it(store, tmp_path, separator, encoding):
    file = tmp_path / "old.csv"
    file.write_text("".join(separator.join(row) + "\r\n" for row in REPLACED), encoding=encoding, newline="")
    assert told("import-decisions", "--csv", file) == (
        "2 decisions found, 2 written, 0 were so already; 0 rows undecided, 0 without two visit ids"
    )
    assert [row[:2] for row in rows(store, DECIDED)] == [("a", "whitelisted"), ("c", "ignored")]


def test_old_decisions_come_from_a_workbook_whose_other_sheets_do_not_count(store, tmp_path):
    file = tmp_path / "old.xlsx"
    replaced = [*REPLACED, [7, 40, "W"], ["e", "f", None], ["a", None, "W"]]
    workbook(file, ("Notes", [["what", "who"], ["x", "y"]]), ("Old", replaced))
    assert told("import-decisions", "--file", file).splitlines()[:2] == [
        "3 decisions found, 3 written, 0 were so already; 1 rows undecided, 1 without two visit ids",
        "Left out: 1 row without two different visit ids: sheet Old, row 6",
    ]
    assert [row[:2] for row in rows(store, DECIDED)] == [("40", "whitelisted"), ("a", "whitelisted"), ("c", "ignored")]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ([["what", "who"], ["x", "y"]], "has no column VisitID, among 2 in its first line"),
        ([["VisitID", "ConVisitID", "StatusFlag"], ["a", "b", "W", "x"]], "row 2: 4 values, and the header has 3"),
    ],
    ids=["other columns", "uneven"],
)
def test_a_workbook_of_other_columns_is_refused(tmp_path, sheet, message):
    workbook(tmp_path / "old.xlsx", ("Old", sheet))
    with pytest.raises(StoreError, match=message):
        told("import-decisions", "--csv", tmp_path / "old.xlsx")


def test_a_decision_that_the_newest_report_does_not_know_is_said_to_be_so(store, given, tmp_path):
    given(CONFLICTS_POSTGRES_URL=store, CONFLICTS_DATA_DIR=tmp_path)
    decide = ("decide", "a,b", "--ignore", "--reason", "known")
    assert len(told(*decide).splitlines()) == 1
    told("report")
    made = datetime(2026, 1, 6, 7, 30, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "reports" / "latest.html", (made, made))
    assert len(told(*decide).splitlines()) == 1  # it was so already
    older = "The report of 2026-01-06 02:30 is older than this; make it anew with: conflict-assets report"
    assert told("decide", "c,d", "--ignore", "--reason", "known").splitlines()[1] == older
    file = tmp_path / "old.csv"
    file.write_text("VisitID,ConVisitID,StatusFlag\ne,f,W\n")
    assert told("import-decisions", "--csv", file).splitlines()[-1] == older


@pytest.mark.parametrize("by", ["option", "environment"])
def test_old_decisions_come_from_the_replaced_database(store, pg_server, monkeypatch, by):
    replaced = pg_server.make_database()
    execute(replaced, 'CREATE TABLE conflictvisitmaps ("VisitID" text, "ConVisitID" text, "StatusFlag" char(5))')
    execute(replaced, "INSERT INTO conflictvisitmaps VALUES ('a', 'b', 'W'), ('d', 'c', 'I'), ('e', 'f', NULL)")
    if by == "environment":
        monkeypatch.setenv("REPLACED_POSTGRES_URL", replaced)
    given = ["--database", replaced] if by == "option" else []
    assert told("import-decisions", *given).startswith("2 decisions found, 2 written")
    assert [row[:2] for row in rows(store, DECIDED)] == [("a", "whitelisted"), ("c", "ignored")]
    pg_server.drop(replaced)


@pytest.mark.usefixtures("store")
def test_an_import_needs_one_source_and_speaks_of_it_when_it_can_t_be_read(tmp_path):
    assert "give one of --csv and --database" in refused("import-decisions")
    with pytest.raises(
        StoreError, match=r"Check that it runs, and host and port of --database \(or REPLACED_"
    ) as error:
        told("import-decisions", "--database", "postgresql://u:s3cret@127.0.0.1:1/old")
    assert "s3cret" not in str(error.value)
    (tmp_path / "old.csv").write_text("VisitID,ConVisitID\na,b\n")
    with pytest.raises(StoreError, match="has no column StatusFlag"):
        told("import-decisions", "--csv", tmp_path / "old.csv")


@pytest.mark.usefixtures("store")
def test_a_replaced_table_that_may_not_be_read_is_said_to_be_so(pg_server):
    replaced = pg_server.make_database()
    execute(replaced, 'CREATE TABLE conflictvisitmaps ("VisitID" text, "ConVisitID" text, "StatusFlag" text)')
    execute(replaced, "CREATE ROLE stranger LOGIN PASSWORD 'of-a-test'")
    with pytest.raises(StoreError, match="The replaced system's database says: permission denied for table"):
        told("import-decisions", "--database", replaced.replace("conflicts@", "stranger:of-a-test@", 1))
    pg_server.drop(replaced)
    execute(pg_server.url, "DROP ROLE stranger")


def in_a_shell(line):
    """What the printed line prints, with an SQL command added to it."""
    command = f"{line} -XAtc 'SELECT count(*) FROM open_conflicts'"  # noqa: S608 - a constant
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.mark.usefixtures("store")
def test_the_line_for_psql_works_in_a_shell():
    assert in_a_shell(told("store", "url")) == "3"


@pytest.mark.parametrize("path", ["", "/nonexistent"])
@pytest.mark.usefixtures("store")
def test_the_line_for_psql_works_where_psql_is_not_installed(monkeypatch, path):
    monkeypatch.setenv("PATH", path)
    line = told("store", "url")
    assert line.startswith("/")
    monkeypatch.undo()
    assert in_a_shell(line) == "3"


def test_a_password_is_printed_only_when_it_is_asked_for(store, given):
    execute(store, "CREATE ROLE asked LOGIN SUPERUSER PASSWORD 'it''s $HOME `x`'")
    given(CONFLICTS_POSTGRES_URL=store.replace("conflicts@", "asked:it%27s%20%24HOME%20%60x%60@", 1))
    assert "HOME" not in told("store", "url")
    assert in_a_shell(told("store", "url", "--password")) == "3"
    execute(store, "DROP ROLE asked")


def test_roles_are_set_up_and_set_up_again(store):
    for _ in range(2):
        assert told("store", "roles").startswith("conflicts_writer and conflicts_reader are set up")
    assert rows(store, "SELECT has_table_privilege('conflicts_reader', 'open_conflicts', 'SELECT')") == [(True,)]
    assert rows(store, "SELECT has_table_privilege('conflicts_reader', 'visit_conflicts', 'SELECT')") == [(False,)]


def test_an_empty_database_gets_its_tables(pg_server, given):
    url = pg_server.make_database()
    given(CONFLICTS_POSTGRES_URL=url, SSN_PREFIX_LENGTH=1)
    for _ in range(2):
        assert told("store", "migrate").endswith("is up to date")
    assert rows(url, "SELECT prefix_length FROM conflict_store") == [(1,)]
    pg_server.drop(url)


def test_a_store_of_two_digits_refuses_three_and_says_the_way_out(store, given):
    given(CONFLICTS_POSTGRES_URL=store, SSN_PREFIX_LENGTH=3)
    with pytest.raises(StoreError, match="Set SSN_PREFIX_LENGTH=2, or start an empty store with 3"):
        told("decide", "a,b", "--ignore", "--reason", "x")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("command", ["start", "stop"])
def test_a_server_that_is_not_embedded_is_neither_started_nor_stopped(command):
    with pytest.raises(StoreError, match="CONFLICTS_POSTGRES_URL is set: the store is not the embedded one"):
        told("store", command)


def test_the_embedded_server_starts_stays_and_stops_by_command(given):
    with tempfile.TemporaryDirectory(prefix="conflicts-test-") as folder:
        given(CONFLICTS_DATA_DIR=folder, SSN_PREFIX_LENGTH=1)
        assert in_a_shell(told("store", "url")) == "0"
        assert told("store", "start").startswith("it runs, and stays")
        assert (Path(folder) / "postgres" / "stay").exists()
        assert told("store", "stop") == "stopped"
        assert told("store", "stop") == "it did not run"


def test_the_command_line_loads_where_no_server_can_be_embedded():
    """As on Windows, which has neither of these modules."""
    code = "import sys; sys.modules['fcntl'] = sys.modules['pwd'] = None; import conflict_assets.cli.app"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
