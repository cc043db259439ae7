import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from conflict_assets.assets.source_and_store import where
from conflict_assets.domain import masking
from conflict_assets.domain.masking import masked
from conflict_assets.settings import Settings, SettingsError, read_settings
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.source_factory import visit_source


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("conflict_assets.settings.project_folder", lambda: tmp_path)


def test_nothing_needs_to_be_set(tmp_path):
    settings = read_settings()
    assert settings.source_kind == "duckdb"
    assert settings.max_workers == 4
    assert settings.may_generate
    assert settings.source_path == tmp_path / "data" / "visits.duckdb"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MAX_WORKERS", "eleven", "a whole number from 1 to 64"),
        ("MAX_WORKERS", "0", "a whole number from 1 to 64"),
        ("MAX_WORKERS", "65", "a whole number from 1 to 64"),
        ("SSN_PREFIX_LENGTH", "4", "1, 2 or 3"),
        ("SOURCE", "oracle", "duckdb or snowflake"),
        ("SOURCE_TIME_ZONE", "Mars/Olympus", "an IANA time zone such as America/New_York"),
        ("SCHEDULE_TIME_ZONE", "EST5", "an IANA time zone such as America/New_York"),
        ("EXTRA_DISTANCE_FACTOR", "0", "a number above 0, at most 100"),
        ("INCOMPLETE_ACTUALS", "maybe", "scheduled or ignore"),
        ("CROSS_MIDNIGHT", "perhaps", "true or false"),
        ("INCREMENTAL", "mostly", "true or false"),
        ("FULL_NIGHT_EVERY", "0", "days, a whole number from 1 to 365"),
        ("FULL_NIGHT_EVERY", "366", "days, a whole number from 1 to 365"),
        ("FULL_NIGHT_EVERY", "weekly", "days, a whole number from 1 to 365"),
        ("SNAPSHOTS_KEPT", "0", "a whole number from 1 to 36500"),
        ("DAGSTER_RUN_DAYS", "6", "days, a whole number from 7 to 36500"),
    ],
)
def test_a_wrong_value_is_one_line_with_name_finding_and_choice(monkeypatch, name, value, allowed):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == f"{name} is '{value}'; allowed: {allowed}. Change it in the environment or in .env."


def test_nights_are_incremental_and_full_once_a_week_unless_set():
    settings = read_settings()
    assert (settings.incremental, settings.full_night_every) == (True, 7)


@pytest.mark.parametrize("days", [1, 365])
def test_full_nights_may_be_each_night_or_a_year_apart(monkeypatch, days):
    monkeypatch.setenv("INCREMENTAL", "false")
    monkeypatch.setenv("FULL_NIGHT_EVERY", str(days))
    settings = read_settings()
    assert (settings.incremental, settings.full_night_every) == (False, days)


@pytest.mark.parametrize(
    "address",
    [
        "reports.example",
        "ftp://reports.example",
        "https://",
        "https://reader:hunter2@reports.example",
        "https://reports.example?key=hunter2",
        "https://reports.example#top",
        "https://reports.example/a b",
        "https://reports.example:99999",
        "https://[reports.example",
    ],
)
def test_an_address_that_a_report_s_name_can_not_follow_is_refused_and_not_repeated(monkeypatch, address):
    monkeypatch.setenv("REPORT_URL", address)
    with pytest.raises(SettingsError, match="REPORT_URL is a value that can't be used; allowed: an address") as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


def test_a_slash_at_the_end_of_the_reports_address_is_one_too_many(monkeypatch):
    monkeypatch.setenv("REPORT_URL", "https://reports.example/conflicts/")
    assert read_settings().report_url == "https://reports.example/conflicts"


def test_every_wrong_value_is_named_at_once(monkeypatch):
    monkeypatch.setenv("MAX_WORKERS", "x")
    monkeypatch.setenv("SOURCE", "y")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert len(str(caught.value).splitlines()) == 2


def test_an_empty_value_is_unset_but_an_empty_status_column_means_none(monkeypatch):
    monkeypatch.setenv("MAX_WORKERS", "")
    monkeypatch.setenv("VISIT_STATUS_COLUMN", "")
    settings = read_settings()
    assert settings.max_workers == 4
    assert settings.visit_status_column is None


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("MAX_WORKERS=2\nSSN_PREFIX_LENGTH=1\n")
    monkeypatch.setenv("MAX_WORKERS", "8")
    settings = read_settings()
    assert (settings.max_workers, settings.ssn_prefix_length) == (8, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("SNOWFLAKE_ACCOUNT", "acme"), ("CONFLICTS_POSTGRES_URL", "postgresql://h/d"), ("SOURCE_FILE", "/tmp/x.duckdb")],  # noqa: S108 - never opened
)
def test_visits_are_never_invented_beside_anything_real(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    if name == "SNOWFLAKE_ACCOUNT":
        monkeypatch.setenv("SNOWFLAKE_USER", "reader")
        monkeypatch.setenv("SNOWFLAKE_PASSWORD", "secret")
    assert not read_settings().may_generate


def test_snowflake_is_chosen_by_its_account_and_needs_one(monkeypatch):
    monkeypatch.setenv("SOURCE", "snowflake")
    with pytest.raises(SettingsError, match="SNOWFLAKE_ACCOUNT or SNOWFLAKE_USER is not set"):
        read_settings()
    monkeypatch.delenv("SOURCE")
    for name in ("ACCOUNT", "USER", "PASSWORD"):
        monkeypatch.setenv(f"SNOWFLAKE_{name}", "acme")
    assert read_settings().source_kind == "snowflake"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing logs in to it; set SNOWFLAKE_PASSWORD"),
        ({"PASSWORD": "p", "PRIVATE_KEY": "k"}, "SNOWFLAKE_PASSWORD and SNOWFLAKE_PRIVATE_KEY are set; allowed: one"),
        ({"AUTHENTICATOR": "oauth"}, "SNOWFLAKE_TOKEN and SNOWFLAKE_AUTHENTICATOR=oauth go together"),
        ({"PASSWORD": "p", "TOKEN": "t"}, "SNOWFLAKE_TOKEN and SNOWFLAKE_AUTHENTICATOR=oauth go together"),
        ({"PASSWORD": "p", "URL": "acme.example"}, "allowed: https://host or https://host:port"),
    ],
)
def test_there_is_one_way_to_log_in_to_snowflake(monkeypatch, given, message):
    for name, value in ({"ACCOUNT": "acme", "USER": "reader"} | given).items():
        monkeypatch.setenv(f"SNOWFLAKE_{name}", value)
    with pytest.raises(SettingsError, match=message):
        read_settings()


def test_secrets_do_not_show(monkeypatch):
    monkeypatch.setenv("SOURCE", "duckdb")
    for name in ("SNOWFLAKE_PASSWORD", "SNOWFLAKE_TOKEN", "SNOWFLAKE_PRIVATE_KEY"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(read_settings()) + str(read_settings().model_dump())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SNOWFLAKE_PASSWORD", "Hunter-22", "no Hunter-22 here"),
        ("SNOWFLAKE_TOKEN", "Hunter-22", "no Hunter-22 here"),
        ("SNOWFLAKE_PRIVATE_KEY", "Hunter-22", "no Hunter-22 here"),
        ("ALERT_SMTP_PASSWORD", "Hunter-22", "no Hunter-22 here"),
        ("ALERT_WEBHOOK_URL", "https://h/services/Hunter-22", "POST services/Hunter-22"),
        ("CONFLICTS_POSTGRES_URL", "postgresql://u:a%40Hunter-22@h/d", "no a@Hunter-22 here"),
        ("DAGSTER_POSTGRES_URL", "host=h dbname=d password='a Hunter-22'", "no a Hunter-22 here"),
    ],
)
def test_what_is_read_as_a_secret_is_masked_from_then_on(monkeypatch, name, value, said):
    monkeypatch.setattr(masking, "_known", set())
    monkeypatch.setenv(name, value)
    assert masked(said) == said
    monkeypatch.setenv("SOURCE", "duckdb")
    if name == "ALERT_SMTP_PASSWORD":
        for variable, needed in (("EMAIL_TO", "a@h.example"), ("EMAIL_FROM", "b@h.example"), ("SMTP_HOST", "h")):
            monkeypatch.setenv(f"ALERT_{variable}", needed)
    read_settings()
    assert "Hunter" not in masked(said)
    assert "***" in masked(said)


def test_a_wrong_value_that_quotes_is_told_masked(monkeypatch):
    monkeypatch.setenv("MAX_WORKERS", "665-11-5569")
    with pytest.raises(SettingsError, match=r"MAX_WORKERS is '\*\*\*-\*\*-5569'"):
        read_settings()


@pytest.mark.parametrize("quote", ["", "'"])
@pytest.mark.parametrize("password", ["pa$word", "a${HOME}b", "$HOME", "a$$b", r"a\nb", 'the "w" word', "a#b", "%40"])
def test_a_password_in_the_file_stays_as_it_is(monkeypatch, tmp_path, password, quote):
    monkeypatch.setenv("SOURCE", "duckdb")
    (tmp_path / ".env").write_text(f"SNOWFLAKE_PASSWORD={quote}{password}{quote}\n")
    assert read_settings().snowflake_password.get_secret_value() == password


def test_what_dagster_s_ui_has_put_into_the_environment_is_still_the_file_s(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCE", "duckdb")
    (tmp_path / ".env").write_text("SNOWFLAKE_PASSWORD=a${HOME}b\n")
    for name, value in dotenv_values(tmp_path / ".env").items():
        monkeypatch.setenv(name, value)
    assert read_settings().snowflake_password.get_secret_value() == "a${HOME}b"
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "another one")
    assert read_settings().snowflake_password.get_secret_value() == "another one"


def test_a_key_of_several_lines_may_stand_in_quotes(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCE", "duckdb")
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----"
    (tmp_path / ".env").write_text(f"SNOWFLAKE_PRIVATE_KEY='{key}'\nMAX_WORKERS=2 # so few\nexport MAX_RUNS = 3\n")
    settings = read_settings()
    assert settings.snowflake_private_key.get_secret_value() == key
    assert (settings.max_workers, settings.max_runs) == (2, 3)


def test_the_example_file_reads_as_what_is_set_by_default_whatever_is_uncommented(tmp_path):
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    uncommented = re.sub(r"(?m)^# (?=[A-Z_]+=)", "", example)
    (tmp_path / ".env").write_text(uncommented, encoding="utf-8")
    written, bare = read_settings().model_dump(), Settings.model_construct().model_dump()
    assert {name for name in bare if written[name] != bare[name]} == {"source"}


def test_generated_visits_are_not_read_beside_a_real_store(monkeypatch, tmp_path):
    visit_source(read_settings().model_copy(update={"generated_visits": 5_000}))
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", "postgresql://h/d")
    with pytest.raises(SourceError, match="no generated visits are read beside CONFLICTS_POSTGRES_URL"):
        visit_source(read_settings())
    monkeypatch.setenv("SOURCE_FILE", str(tmp_path / "data" / "visits.duckdb"))
    assert "visits.duckdb" in visit_source(read_settings()).description


def test_source_and_store_are_told_without_a_password(monkeypatch):
    assert where(read_settings()) == (
        "Source: generated visits in data/visits.duckdb · store: embedded PostgreSQL in data/postgres"
    )
    monkeypatch.setenv("SOURCE_FILE", "/srv/visits.duckdb")
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", "postgresql://u:hunter2@db.example/d")
    assert where(read_settings()) == (
        "Source: DuckDB file /srv/visits.duckdb, schema BI · store: PostgreSQL u@db.example:5432/d"
    )
    monkeypatch.setenv("SOURCE", "snowflake")
    for name in ("ACCOUNT", "USER", "PASSWORD"):
        monkeypatch.setenv(f"SNOWFLAKE_{name}", "acme")
    assert where(read_settings()).startswith("Source: Snowflake account acme, schema ANALYTICS.BI · store: ")
