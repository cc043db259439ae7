"""`conflict-assets report`, on the store's tests' database."""

import webbrowser

import pytest
from typer.testing import CliRunner

from conflict_assets.cli.app import app
from conflict_assets.settings import load_settings
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.store.nights import Pair, night


@pytest.fixture
def command(store_url, tmp_path, monkeypatch):
    """The command line over a store with one conflict, and what it opened."""
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair()]))
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", store_url)
    monkeypatch.setenv("CONFLICTS_DATA_DIR", str(tmp_path / "data"))
    load_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, ["report", *arguments])
    load_settings.cache_clear()


def test_the_report_is_written_to_the_data_folder(command, tmp_path):
    done = command()
    file = tmp_path / "data" / "reports" / "2026-01-06-by-hand.html"
    assert (done.exit_code, done.output.strip()) == (0, f"{file}: 1 open conflicts, SSNs masked")
    assert file.read_text() == (file.parent / "latest.html").read_text()
    assert "night of 6 Jan 2026" in file.read_text()


def test_the_report_has_a_link_where_a_web_server_shows_its_folder(command, monkeypatch, tmp_path):
    monkeypatch.setenv("REPORT_URL", "http://reports.example:8080/conflicts/")
    load_settings.cache_clear()
    assert command().output.splitlines()[1:] == ["http://reports.example:8080/conflicts/2026-01-06-by-hand.html"]
    assert "http" not in command("--out", str(tmp_path / "elsewhere.html")).output


def test_the_report_is_written_where_it_is_asked_for_and_opened(command, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    file = tmp_path / "a b.html"
    assert command("--out", str(file), "--open").exit_code == 0
    assert opened == [file.as_uri()]
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "data" / "reports").exists()


def test_a_file_that_cannot_be_written_is_refused_before_any_work(command, tmp_path):
    done = command("--out", str(tmp_path / "none" / "report.html"))
    assert done.exit_code == 2
    assert "there is no folder" in done.output.replace("\n", " ")


def test_a_file_that_exists_is_refused_as_by_the_other_commands_unless_it_may_go(command, tmp_path):
    file = tmp_path / "a.html"
    file.write_text("old")
    done = command("--out", str(file))
    said = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == 2
    assert "exists; name another file, or replace it with --overwrite" in said
    assert file.read_text() == "old"
    assert command("--out", str(file), "--overwrite").exit_code == 0
    assert "night of" in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["report", "--out", "a.pdf"], "ends in '.pdf'; allowed: .html, .htm"),
        (["show", "a,b", "--out", "a.bmp"], "ends in '.bmp'; allowed: .png, .svg"),
        (["export", "--out", "a.doc"], "ends in '.doc'; allowed: .csv, .parquet, .xlsx"),
        (["generate", "--out", "a.csv"], "ends in '.csv'; allowed: .duckdb, .db"),
        (["run", "--dry-run", "--sample", "a.xlsx"], "ends in '.xlsx'; allowed: .csv"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_file_that_can_t_be_written_is_refused_with_what_can(monkeypatch, tmp_path, arguments, allowed):
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("CONFLICTS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    load_settings.cache_clear()
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    load_settings.cache_clear()
    assert done.exit_code == 2, done.output
    assert allowed in done.output
    assert not list(tmp_path.glob("a.*"))
