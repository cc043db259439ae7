"""Snowflake over the wire: the real connector, through Dagster's resource, against a served emulator."""

import base64
import traceback
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import jwt
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conflict_assets.domain.window import window_at
from conflict_assets.partitions import all_prefixes
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.protocol import SourceError, TransientSourceError, VisitQuery
from conflict_assets.source.snapshot_writer import SnapshotContent
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource
from conflict_assets.source.synthetic import generate
from conflict_assets_tests.source.emulator import BUSY, QUOTED, REFUSED, CuttingProxy, serve
from conflict_assets_tests.source.reading import read_all, read_with
from conflict_assets_tests.source.warehouse import Warehouse, all_of, at

pytestmark = pytest.mark.snowflake

NEW_YORK = ZoneInfo("America/New_York")
NOON = at("2026-03-15T12:00:00+00:00")
WINDOW = window_at(NOON, "America/New_York")
FACT = "FACTVISITCALLPERFORMANCE_CR"


def every_prefix(**changes):
    return VisitQuery(
        **{
            "prefixes": tuple(all_prefixes(2)),
            "prefix_length": 2,
            "first_date": WINDOW.first,
            "last_date": WINDOW.last,
            **changes,
        }
    )


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("generated") / "visits.duckdb", visits=30_000, as_of=NOON.date()).path


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    """One visit a case: its instants as they are written, in many zones, round both changes of the clock."""
    warehouse = Warehouse(tmp_path_factory.mktemp("zones") / "zones.duckdb")
    warehouse.caregiver()
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    for visit_id, day, start, end in ZONES:
        for agency in ("P", "Q"):
            warehouse.visit(
                f"{visit_id} {agency}",
                **{
                    "Provider Id": agency,
                    "Visit Date": day,
                    "Scheduled Start Time": start,
                    "Scheduled End Time": end,
                    "Visit Updated Timestamp": end,
                },
            )
    return warehouse.close()


ZONES = (
    ("india", "2025-06-02 09:30:00+05:30", "2025-06-02 18:30:00+05:30", "2025-06-02 21:30:00+05:30"),
    ("pacific", "2025-06-02 20:00:00-08:00", "2025-06-03 05:00:00-08:00", "2025-06-03 08:00:00-08:00"),
    ("spring forward", "2025-03-09 00:00:00-05:00", "2025-03-09 01:30:00-05:00", "2025-03-09 03:30:00-04:00"),
    ("fall back", "2024-11-03 00:00:00-04:00", "2024-11-03 01:30:00-04:00", "2024-11-03 01:30:00-05:00"),
    ("leap day", "2024-02-29 00:00:00-05:00", "2024-02-29 23:30:00-05:00", "2024-03-01 00:30:00-05:00"),
)
"""Visit id, `Visit Date` (a midnight in New York), start and end, as a warehouse may have stored them."""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory, generated, zones):
    with serve(tmp_path_factory.mktemp("emulator"), {"BI": generated, "ZONES": zones}) as running:
        running.execute('CREATE SCHEMA ANALYTICS."EMPTY"')
        yield running


def snowflake_source(emulator, *, login=None, **options):
    given = {"account": "acme", "user": "READER", "password": "secret", "url": emulator.url} | (login or {})
    return SnowflakeVisitSource(SnowflakeLogin(**given), network_seconds=options.pop("network_seconds", 30), **options)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prefixes": ("04", "17", "05", "21", "55")},
        {"cross_midnight": False, "excluded_ssns": ("041-23-4567",), "excluded_agencies": ("A000001",)},
    ],
    ids=["all prefixes", "five prefixes", "another policy, with exclusions"],
)
def test_rows_and_counts_equal_those_of_duckdb(emulator, generated, changes):
    query = every_prefix(**changes)
    counts, rows = read_all(snowflake_source(emulator), query, "equal")
    expected_counts, expected = read_all(DuckDBVisitSource(generated), query, "equal")
    assert counts == expected_counts
    assert rows.equals(expected)
    assert rows.num_rows > 5


def test_dates_and_instants_are_those_of_duckdb_whatever_the_offset(emulator, zones):
    query = all_of()
    _, rows = read_all(snowflake_source(emulator, schema="ZONES"), query, "zones")
    _, expected = read_all(DuckDBVisitSource(zones), query, "zones")
    assert rows.equals(expected)
    found = {row["visit_id"]: row for row in rows.to_pylist()}
    for visit_id, day, start, end in ZONES:
        row = found[f"{visit_id} P"]
        assert row["visit_date"] == at(day).astimezone(NEW_YORK).date()
        assert (row["sch_start_time"], row["sch_end_time"]) == (at(start), at(end))


def test_no_session_zone_moves_a_date(emulator, monkeypatch):
    _, expected = read_all(snowflake_source(emulator, schema="ZONES"), all_of(), "utc")
    monkeypatch.setattr("conflict_assets.source.snowflake.SESSION_ZONE", "Asia/Tokyo")
    source = snowflake_source(emulator, schema="ZONES")
    _, rows = read_all(source, all_of(), "tokyo")
    assert rows.equals(expected)
    assert emulator.requests("login", run_id="tokyo")[0]["body"]["data"]["SESSION_PARAMETERS"]["TIMEZONE"] == (
        "Asia/Tokyo"
    )


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles"])
def test_no_session_zone_moves_a_date_in_duckdb(zones, monkeypatch, zone):
    expected = read_all(DuckDBVisitSource(zones), all_of(), "utc")
    monkeypatch.setattr("conflict_assets.source.duckdb.SESSION_ZONE", zone)
    found = read_all(DuckDBVisitSource(zones), all_of(), zone)
    assert found[0] == expected[0]
    assert found[1].equals(expected[1])


@pytest.mark.parametrize("prefixes", [("04",), tuple(all_prefixes(2))], ids=["one prefix", "100 prefixes"])
def test_the_fact_view_is_read_by_two_statements_and_nothing_is_written(emulator, prefixes):
    run_id = f"reads-{len(prefixes)}"
    with snowflake_source(emulator).open(run_id=run_id) as reader:
        reader.check_contract()
        reader.dimension_duplicates()
        query = every_prefix(prefixes=prefixes)
        read_with(reader, query)
    statements = emulator.statements(run_id)
    assert [text.count(f'"{FACT}"') for text in statements if FACT in text] == [1, 1]
    assert {text.split()[0] for text in statements} <= {"SELECT", "WITH"}


def test_values_are_bound_never_pasted(emulator):
    ssns = tuple(f"9{number:08d}" for number in range(20_000))
    counts, _ = read_all(snowflake_source(emulator), every_prefix(excluded_ssns=ssns), "bound")
    assert len(counts) > 50
    for request in emulator.requests("query", run_id="bound"):
        assert ssns[7] not in request["body"]["sqlText"]
    assert any(ssns[7] in str(request["body"]["bindings"]) for request in emulator.requests("query", run_id="bound"))


def test_the_session_says_who_asks_and_how_long_it_may_take(emulator):
    source = snowflake_source(emulator, login={"role": "READS", "warehouse": "SMALL"}, statement_seconds=77)
    with source.open(run_id="session"):
        pass
    (login,) = emulator.requests("login", run_id="session")
    parameters = login["body"]["data"]["SESSION_PARAMETERS"]
    assert parameters["QUERY_TAG"] == "conflict_assets session"
    assert parameters["TIMEZONE"] == "UTC"
    assert parameters["STATEMENT_TIMEOUT_IN_SECONDS"] == 77
    assert len(emulator.requests("logout", run_id="session")) == 1


def test_the_session_ends_also_when_the_work_fails(emulator):
    def fail_half_way():
        with snowflake_source(emulator).open(run_id="fails") as reader:
            next(reader.read_visits(every_prefix(), reader.survey(every_prefix())))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert len(emulator.requests("logout", run_id="fails")) == 1


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, passphrase=None):
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize("passphrase", [None, "open sesame"], ids=["plain", "encrypted"])
@pytest.mark.parametrize("kind", ["file", "text", "base64"])
def test_a_private_key_signs_the_login(emulator, key, tmp_path, kind, passphrase):
    text = pem(key, passphrase)
    login = {"password": None, "private_key_password": passphrase}
    if kind == "file":
        path = tmp_path / "key.p8"
        path.write_bytes(text)
        login["private_key_path"] = path
    else:
        login["private_key"] = (base64.b64encode(text) if kind == "base64" else text).decode()
    run_id = f"key-{kind}-{bool(passphrase)}"
    with snowflake_source(emulator, login=login).open(run_id=run_id) as reader:
        reader.check_contract()
    (request,) = emulator.requests("login", run_id=run_id)
    data = request["body"]["data"]
    assert data["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    # The emulator takes any login: the signature is looked at here.
    claims = jwt.decode(data["TOKEN"], key.public_key(), algorithms=["RS256"])
    assert claims["sub"] == "ACME.READER"
    assert "PASSWORD" not in data


def test_an_oauth_token_logs_in(emulator):
    login = {"password": None, "authenticator": "oauth", "token": "granted"}
    with snowflake_source(emulator, login=login).open(run_id="oauth"):
        pass
    data = emulator.requests("login", run_id="oauth")[0]["body"]["data"]
    assert (data["AUTHENTICATOR"], data["TOKEN"]) == ("OAUTH", "granted")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({"private_key": "no key", "password": None}, "no PEM key"),
        ({"private_key_path": Path("/nowhere/key.p8"), "password": None}, "No such file"),
    ],
    ids=["not a key", "no file"],
)
def test_a_key_that_cannot_be_read_is_named_by_its_settings(emulator, login, words):
    with (
        pytest.raises(SourceError, match=f"(?s){words}.*SNOWFLAKE_PRIVATE_KEY_PATH"),
        snowflake_source(emulator, login=login).open(run_id="bad-key"),
    ):
        pass


def test_a_wrong_passphrase_is_said_and_not_shown(emulator, key):
    login = {"password": None, "private_key": pem(key, "open sesame").decode(), "private_key_password": "hunter2"}
    with (
        pytest.raises(SourceError, match="passphrase") as caught,
        snowflake_source(emulator, login=login).open(run_id="bad-passphrase"),
    ):
        pass
    assert "hunter2" not in str(caught.value)


def test_a_refused_login_is_permanent_and_names_no_secret(emulator):
    with (
        pytest.raises(SourceError, match=r"Incorrect username or password.*SNOWFLAKE_USER") as caught,
        snowflake_source(emulator, login={"user": REFUSED}).open(run_id="refused"),
    ):
        pass
    assert not isinstance(caught.value, TransientSourceError)
    assert "secret" not in str(caught.value).replace("its secret", "")
    assert len(emulator.requests("login", run_id="refused")) == 1


def test_a_statement_that_takes_too_long_may_pass(emulator):
    with (
        snowflake_source(emulator, login={"user": BUSY}).open(run_id="busy") as reader,
        pytest.raises(TransientSourceError, match="SNOWFLAKE_STATEMENT_TIMEOUT"),
    ):
        reader.survey(every_prefix())


@pytest.mark.parametrize("ask", ["check_contract", "dimension_duplicates", "survey", "look_up"])
def test_what_snowflake_quotes_is_told_masked(emulator, ask):
    given = {"survey": [every_prefix()], "look_up": [every_prefix(), ["V1"]]}.get(ask, [])
    with (
        snowflake_source(emulator, login={"user": QUOTED}).open(run_id="quoted") as reader,
        pytest.raises(SourceError, match=r"Numeric value '\*\*\*-\*\*-5569x' of \*\*\*-\*\*-5569 is") as error,
    ):
        getattr(reader, ask)(*given)
    told = "".join(traceback.format_exception(error.value))
    assert "66511" not in told.replace("-", "")
    assert "S3creT" not in told


def test_a_host_that_is_not_there_may_be_there_later(emulator):
    source = snowflake_source(emulator, login={"url": "http://127.0.0.1:9"}, network_seconds=2)
    with pytest.raises(TransientSourceError, match="SNOWFLAKE_ACCOUNT"), source.open(run_id="nobody"):
        pass


def test_what_a_schema_lacks_is_listed_at_once(emulator):
    with (
        snowflake_source(emulator, schema="EMPTY").open(run_id="lacks") as reader,
        pytest.raises(SourceError, match=f"(?s){FACT} is missing.*DIMUSER is missing.*") as caught,
    ):
        reader.check_contract()
    assert "SNOWFLAKE_SCHEMA" in str(caught.value)


def test_a_status_column_that_the_view_lacks_is_named_with_its_setting(emulator):
    with (
        snowflake_source(emulator, status_column="State of Visit").open(run_id="status") as reader,
        pytest.raises(SourceError, match=r'(?s)"State of Visit".*VISIT_STATUS_COLUMN'),
    ):
        reader.check_contract()


@pytest.mark.parametrize(
    "options",
    [
        {"schema": 'BI"; DROP TABLE ANALYTICS.BI.DIMUSER; --'},
        {"database": "ANALYTICS.BI; DROP DATABASE ANALYTICS"},
        {"status_column": 'Visit Status" OR 1=1 --'},
        {"time_zone": "UTC') OR ('1'='1"},
    ],
    ids=["schema", "database", "status column", "time zone"],
)
def test_a_setting_can_not_smuggle_sql_in(emulator, generated, options):
    source = snowflake_source(emulator, **options)
    with pytest.raises(SourceError):
        read_all(source, every_prefix(), "smuggled")
    counts, _ = read_all(snowflake_source(emulator), every_prefix(), "unharmed")
    assert counts == read_all(DuckDBVisitSource(generated), every_prefix(), "unharmed")[0]


def test_exclusions_and_prefixes_can_not_smuggle_sql_in(emulator, generated):
    evil = "') OR 1=1; DROP TABLE ANALYTICS.BI.DIMUSER; --"
    query = every_prefix(prefixes=("04", evil), excluded_agencies=(evil,), excluded_ssns=(evil,))
    counts, rows = read_all(snowflake_source(emulator), query, "evil")
    expected_counts, expected = read_all(DuckDBVisitSource(generated), every_prefix(prefixes=("04",)), "evil")
    assert counts == expected_counts
    assert rows.equals(expected)
    assert not any("DROP" in text for text in emulator.statements("evil"))


def test_a_connection_cut_in_a_response_leaves_nothing_and_a_retry_succeeds(emulator, tmp_path):
    proxy = CuttingProxy(emulator.port)
    try:
        source = snowflake_source(emulator, login={"url": proxy.url}, network_seconds=3)
        store = SnapshotStore(tmp_path)
        query = every_prefix()
        with source.open(run_id="cut") as reader:
            survey = reader.survey(query)
            proxy.cut_after = 20_000
            with pytest.raises(TransientSourceError, match="may pass by itself"):
                store.write(
                    "cut",
                    SnapshotContent(query=query, as_of=NOON, batches=reader.read_visits(query, survey), survey=survey),
                )
            assert proxy.cuts > 0
            assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
            assert store.for_run("cut") is None
            proxy.cut_after = None
        with source.open(run_id="cut-again") as reader:
            snapshot = store.write(
                "cut",
                SnapshotContent(query=query, as_of=NOON, batches=reader.read_visits(query, survey), survey=survey),
            )
        assert snapshot.contested_prefixes
    finally:
        proxy.close()


def test_instants_are_read_as_utc(emulator):
    _, rows = read_all(snowflake_source(emulator), every_prefix(), "typed")
    assert rows.schema.field("sch_start_time").type == pa.timestamp("us", tz="UTC")
    assert isinstance(rows["sch_start_time"].drop_null()[0].as_py(), datetime)
