"""What `conflict-assets run` makes of its options."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from conflict_assets import settings
from conflict_assets.cli import app as cli
from conflict_assets.running import dry_run as dry_run_module
from conflict_assets.running.dry_run import DryRunOptions, DryRunOutcome

PREFIXES = ("04", "07")


@pytest.fixture
def dry_runs(monkeypatch, tmp_path):
    """The options of each dry run that a command would make."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(settings, "project_folder", lambda: tmp_path)
    monkeypatch.setenv("SOURCE_FILE", str(tmp_path / "visits.duckdb"))
    settings.load_settings.cache_clear()
    asked = []

    def noted(_settings, options, _watcher):
        asked.append(options)
        return DryRunOutcome({}, (), Path("sample.csv"))

    monkeypatch.setattr(dry_run_module, "dry_run", noted)
    yield asked
    settings.load_settings.cache_clear()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], {}),
        (["--full"], {"full": True}),
        (["--allow-visit-drop"], {"allow_visit_drop": True}),
        (["--sample", "few.csv", "--sample-rows", "3"], {"sample": Path("few.csv"), "sample_rows": 3}),
    ],
    ids=["none", "full", "allow-visit-drop", "sample"],
)
def test_each_option_of_a_dry_run_is_what_it_goes_by(dry_runs, given, meant):
    prefixes = [word for prefix in PREFIXES for word in ("--prefix", prefix)]
    done = CliRunner().invoke(cli.app, ["run", "--dry-run", *prefixes, *given], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert dry_runs == [DryRunOptions(PREFIXES, **meant)]
