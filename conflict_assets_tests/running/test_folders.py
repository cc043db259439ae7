"""The folders that a night needs: how much room there is, and a home of Dagster that can't be made."""

import os
import shutil
from types import SimpleNamespace

import pytest

from conflict_assets.running import folders
from conflict_assets.running.dagster_home import make_dagster_home
from conflict_assets.settings import SettingsError, read_settings


@pytest.mark.parametrize("given", [True, False])
def test_a_home_that_can_t_be_made_is_refused_by_the_variable_that_names_it(monkeypatch, given):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    if given:
        monkeypatch.setenv("DAGSTER_HOME", "/proc/home")
    with pytest.raises(SettingsError, match=r"Dagster's home is /proc/.*, which can't be used: No such file") as error:
        make_dagster_home(read_settings(conflicts_data_dir="/proc/x"))
    assert str(error.value).endswith("Change DAGSTER_HOME." if given else "Change CONFLICTS_DATA_DIR.")
    assert os.environ.get("DAGSTER_HOME") == ("/proc/home" if given else None)


def test_a_data_folder_without_room_for_a_night_is_refused(monkeypatch, tmp_path):
    settings = read_settings(conflicts_data_dir=tmp_path)
    free = folders.check_room(settings)
    monkeypatch.setattr(folders, "LEAST_ROOM", 2 * free)
    with pytest.raises(SettingsError, match=rf"is {tmp_path}, with [\d,]+ MiB free; allowed: at least [\d,]+ MiB"):
        folders.check_room(settings)


@pytest.mark.parametrize(("free", "enough"), [((1 << 30) - 1, False), (1 << 30, True)])
def test_a_night_needs_a_gibibyte_of_room(monkeypatch, tmp_path, free, enough):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
    settings = read_settings(conflicts_data_dir=tmp_path)
    if enough:
        assert folders.check_room(settings) == free
    else:
        with pytest.raises(SettingsError, match=r"with 1,023 MiB free; allowed: at least 1,024 MiB"):
            folders.check_room(settings)
