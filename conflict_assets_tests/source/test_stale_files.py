"""Working files that a killed process has left behind."""

import os
import time

from conflict_assets.settings import Settings
from conflict_assets.source.stale_files import purge_stale_files, spill_folder

DAY = 24 * 60 * 60


def aged(path, days):
    then = time.time() - days * DAY
    for each in (*(path.rglob("*") if path.is_dir() else ()), path):
        os.utime(each, (then, then))


def test_what_nobody_touches_goes_and_what_is_in_use_stays(tmp_path):
    settings = Settings(conflicts_data_dir=tmp_path)
    spill = spill_folder(settings)
    assert spill.stat().st_mode & 0o077 == 0
    for name in ("left", "used"):
        (spill / name).mkdir()
        (spill / name / "rows.tmp").touch()
    aged(spill / "left", 2)
    assert purge_stale_files(settings) == [spill / "left"]
    assert {path.name for path in spill.iterdir()} == {"used"}
