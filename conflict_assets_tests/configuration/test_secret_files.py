"""Secrets that lie in files."""

import pytest

from conflict_assets.settings import Settings, SettingsError, read_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("conflict_assets.settings.project_folder", lambda: tmp_path)


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_secret_is_read_from_the_file_that_is_named(monkeypatch, tmp_path, place):
    (tmp_path / "url").write_text("postgresql://h/d\n")
    if place == ".env":
        (tmp_path / ".env").write_text(f"CONFLICTS_POSTGRES_URL_FILE={tmp_path / 'url'}\n")
    else:
        monkeypatch.setenv("CONFLICTS_POSTGRES_URL_FILE", str(tmp_path / "url"))
    settings = read_settings()
    assert settings.conflicts_postgres_url.get_secret_value() == "postgresql://h/d"
    assert not settings.may_generate


def test_a_relative_path_counts_from_the_project_s_folder(monkeypatch, tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "url").write_text("postgresql://h/d\n")
    (tmp_path / ".env").write_text("CONFLICTS_POSTGRES_URL_FILE=secrets/url\n")
    monkeypatch.chdir("/")
    assert read_settings().conflicts_postgres_url.get_secret_value() == "postgresql://h/d"


def test_a_variable_beside_its_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("SNOWFLAKE_PASSWORD_FILE", str(tmp_path / "one"))
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "hunter2")
    with pytest.raises(SettingsError, match="SNOWFLAKE_PASSWORD and SNOWFLAKE_PASSWORD_FILE are both set"):
        read_settings()


@pytest.mark.parametrize("written", ["hunter2", "postgresql://u:hunter2@h/d", "~hunter2"])
def test_a_secret_in_the_place_of_its_file_is_not_shown(monkeypatch, written):
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL_FILE", written)
    with pytest.raises(SettingsError, match="CONFLICTS_POSTGRES_URL_FILE names no file that can be read") as error:
        read_settings()
    assert "hunter2" not in str(error.value)


def test_a_file_that_is_missing_or_empty_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SNOWFLAKE_PASSWORD_FILE", str(tmp_path / "one"))
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        read_settings()
    (tmp_path / "one").write_text("\n")
    with pytest.raises(SettingsError, match="which is empty"):
        read_settings()
