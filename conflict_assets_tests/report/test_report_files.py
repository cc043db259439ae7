import os
from datetime import date

import pytest

from conflict_assets.output.whole_files import FileError
from conflict_assets.report.report_files import KEPT, report_folder, save_report
from conflict_assets.settings import read_settings

DAY = date(2026, 1, 5)


@pytest.fixture
def settings(tmp_path):
    return read_settings(conflicts_data_dir=tmp_path / "data")


@pytest.fixture
def folder(settings):
    return report_folder(settings)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_report_is_kept_by_day_and_run_and_as_the_latest_for_its_owner_only(settings, tmp_path):
    file = save_report(settings, "<p>é</p>", day=DAY, run="0123456789abcdef")
    assert file == tmp_path / "data" / "reports" / "2026-01-05-01234567.html"
    assert names(file.parent) == ["2026-01-05-01234567.html", "latest.html"]
    assert {path.read_text(encoding="utf-8") for path in file.parent.iterdir()} == {"<p>é</p>"}
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_run_that_is_repeated_replaces_its_report(settings, folder):
    save_report(settings, "first", day=DAY, run="run")
    assert save_report(settings, "second", day=DAY, run="run").read_text() == "second"
    assert (folder / "latest.html").read_text() == "second"
    assert len(names(folder)) == 2


def test_the_last_thirty_stay_and_what_is_no_report_too(settings, folder):
    folder.mkdir(parents=True)
    (folder / "mine.html").write_text("mine")
    for number in range(KEPT + 3):
        file = save_report(settings, str(number), day=DAY, run=f"r{number}")
        os.utime(file, (number, number))
    save_report(settings, "new", day=DAY, run="new")
    kept = names(folder)
    assert kept == sorted(
        ["latest.html", "mine.html", "2026-01-05-new.html", *(f"2026-01-05-r{n}.html" for n in range(4, KEPT + 3))]
    )
    assert len(kept) == KEPT + 2


def test_a_folder_that_cannot_be_written_is_said(settings, folder):
    (folder / "latest.html").mkdir(parents=True)
    with pytest.raises(FileError, match=r"latest\.html can't be written"):
        save_report(settings, "text", day=DAY, run="run")
