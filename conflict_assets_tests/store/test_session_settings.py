"""A database with settings of its own changes nothing that the store reads or writes; another encoding is refused."""

import re
from dataclasses import asdict
from urllib.parse import urlsplit

import psycopg
import pytest

from conflict_assets.store.address import REPLACED
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.connection import connect
from conflict_assets.store.decision_files import read_replaced_database
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets.store.session_settings import Timeouts
from conflict_assets.store.trend import trend
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import WINDOW, Pair, night
from conflict_assets_tests.store.store_totals import totals

ODD = {
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "extra_float_digits": "0",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "xmloption": "document",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "client_encoding": "LATIN1",
    "idle_session_timeout": "5s",
    "transaction_timeout": "5s",
    "statement_timeout": "1s",
}
_CLOCK = re.compile(r"(made_at|committed_at)=datetime\.datetime\([^)]*\)|\w+_seconds=[\d.e-]+")
NAME = "Łódź “Home” Care"


@pytest.fixture
def odd_url(pg_server):
    url = pg_server.make_database()
    name = urlsplit(url).path.removeprefix("/")
    for setting, value in ODD.items():
        execute(pg_server.url, f"ALTER DATABASE {name} SET {setting} = '{value}'")
    yield url
    pg_server.drop(url)


def told(url):
    """All that a store of two nights tells; times of the clock are left out."""
    third = Pair("e", "f", overlap=0.1 + 0.2, shift_amount=1 / 3, visit={"provider_name": NAME})
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.prepare()
        first = store.conflicts.replace_prefix(night([Pair(), Pair("c", "d"), third], number=1))
        store.decisions.decide(
            [Decision(parse_pair("c,d"), DecisionValue.IGNORED, "same 'client' \\ here")], decided_by="me"
        )
        second = store.conflicts.replace_prefix(night([Pair(overlap=5.25), Pair("c", "d"), third], number=2))
        with store.conflicts.export(ExportQuery(both_sides=True)) as export:
            exported = [row for batch in export.batches() for row in batch.to_pylist()]
        zones = {"time_zone": "America/New_York", "agency_time_zone": "America/Chicago"}
        return {
            "outcomes": [{**asdict(each), "write_seconds": 0} for each in (first, second)],
            "exported": exported,
            "looked up": [asdict(each) | {"decided_at": None} for each in store.conflicts.of_pair(third.pair_id)],
            "decided": [
                asdict(each) | {"decided_at": None} for each in store.conflicts.of_pair(Pair("c", "d").pair_id)
            ],
            "morning": _rounded(_CLOCK.sub("", repr(store.runs.report_data(**zones)))),
            "trend": store.session.run(trend, "America/New_York", 30),
            "totals": _rounded(repr(store.session.run(totals))),
            "snapshots": store.runs.snapshot_times(["04"]),
            "pairs": sorted(store.conflicts.held_pairs(*WINDOW)),
        }


def _rounded(text: str) -> str:
    """Sums as they are whatever the order in which PostgreSQL has added them up."""
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.6g}", text)


def test_a_database_with_odd_settings_holds_the_same_as_an_ordinary_one(odd_url, store_url):
    assert rows(odd_url, "SHOW datestyle") == [("German, DMY",)]
    odd, ordinary = told(odd_url), told(store_url)
    assert NAME in repr(odd["exported"])
    for part, found in ordinary.items():
        assert odd[part] == found, part


def test_every_odd_setting_is_set_right(odd_url):
    with connect(odd_url) as connection:
        found = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ODD}
    assert {name for name in ODD if found[name] == ODD[name]} == set()
    assert found["datestyle"] == "ISO, MDY"
    assert found["transaction_timeout"] == found["idle_session_timeout"] == "0"
    assert found["client_encoding"] == "UTF8"


def test_search_path_and_read_only_stay_the_user_s(odd_url, pg_server):
    name = urlsplit(odd_url).path.removeprefix("/")
    execute(pg_server.url, f"ALTER DATABASE {name} SET search_path = mine, public")
    execute(pg_server.url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with connect(odd_url) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("mine, public",)
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def other_encoding(request, pg_server):
    execute(pg_server.url, f"CREATE DATABASE other ENCODING '{request.param}' TEMPLATE template0 LOCALE 'C'")
    yield request.param, pg_server.database_url("other")
    execute(pg_server.url, "DROP DATABASE other WITH (FORCE)")


def test_a_database_that_is_not_in_utf_8_is_refused_with_the_way_out(other_encoding):
    encoding, url = other_encoding
    with pytest.raises(StoreError, match=f"other is in {encoding}; allowed: UTF8.*CREATE DATABASE") as error:
        ConflictStore(url=url, prefix_length=2).__enter__()
    assert not isinstance(error.value, TransientStoreError)


def test_the_replaced_database_may_be_in_any_encoding(other_encoding):
    _, url = other_encoding
    execute(url, 'CREATE TABLE conflictvisitmaps ("VisitID" text, "ConVisitID" text, "StatusFlag" text)')
    execute(url, "INSERT INTO conflictvisitmaps VALUES ('a', 'b', 'W')")
    assert len(read_replaced_database(url).decisions) == 1


@pytest.mark.parametrize(("version", "server"), [(130009, None), (90400, REPLACED)])
def test_settings_that_an_old_server_lacks_are_left_out(store_url, monkeypatch, version, server):
    monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", version)
    if server is None:
        with pytest.raises(StoreError, match="allowed: 14 or newer"):
            connect(store_url)
    else:
        with connect(store_url, Timeouts(), server=server) as connection:
            assert connection.execute("SHOW datestyle").fetchone() == ("ISO, MDY",)
            assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("0",)
