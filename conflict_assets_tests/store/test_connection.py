"""Sessions: what they are set to, what an error in them says, what a lost one is replaced by."""

import traceback
from urllib.parse import quote

import psycopg
import pytest
from psycopg import errors

from conflict_assets.store.address import describe_url
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.connection import connect, translated
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.nights import Pair, night


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch):
    monkeypatch.setattr("conflict_assets.store.session.ATTEMPTS", 1)


def test_a_url_is_described_without_its_password():
    assert describe_url(f"postgresql://u:{quote('p@ss')}@h:6000/d") == "u@h:6000/d"
    assert describe_url("=") == "a URL that can't be read"
    assert "s3c" not in describe_url("postgresql://u:s3c/ret@h/d")


@pytest.mark.parametrize(
    ("kind", "passing"),
    [
        (errors.SerializationFailure, True),
        (errors.DeadlockDetected, True),
        (errors.AdminShutdown, True),
        (errors.LockNotAvailable, True),
        (errors.QueryCanceled, False),
        (errors.UniqueViolation, False),
        (errors.InsufficientPrivilege, False),
        (errors.UndefinedTable, False),
    ],
)
def test_errors_that_may_pass_are_told_from_those_that_do_not(kind, passing):
    with pytest.raises(StoreError) as error, translated():
        raise kind("text")
    assert isinstance(error.value, TransientStoreError) == passing


def test_an_error_s_text_and_trace_hold_no_value_of_a_row(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        first = night([Pair()])
        twice = night([Pair()], conflicts=first.conflicts.slice(0, 1).take([0, 0]))
        with pytest.raises(StoreError) as error:
            store.conflicts.replace_prefix(twice)
    told = "".join(traceback.format_exception(error.value))
    assert "duplicate key value violates unique constraint" in told
    assert "040000001" not in told


def test_a_lost_connection_is_replaced_by_a_new_one(store_url, monkeypatch):
    monkeypatch.setattr("conflict_assets.store.session.ATTEMPTS", 3)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        ((pid,),) = store.session.rows("SELECT pg_backend_pid()")
        assert rows(store_url, "SELECT pg_terminate_backend(%s)", [pid]) == [(True,)]
        assert store.conflicts.count_open() == 0
        assert store.session.rows("SELECT pg_backend_pid()") != [(pid,)]


def test_what_does_not_pass_is_not_tried_again(store_url, monkeypatch):
    monkeypatch.setattr("conflict_assets.store.session.ATTEMPTS", 5)
    tried = []
    with ConflictStore(url=store_url, prefix_length=2) as store, pytest.raises(StoreError):
        store.session.run(lambda connection: tried.append(1) or connection.execute("SELECT * FROM nowhere"))
    assert len(tried) == 1


def test_every_connection_has_time_outs(store_url):
    with connect(store_url) as connection:
        found = [
            connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]
    assert found == ["10min", "2min", "10min"]


def test_a_prefix_s_rows_are_compared_in_memory(store_url):
    with connect(store_url) as connection:
        assert connection.execute("SHOW temp_buffers").fetchone() == ("64MB",)


def test_a_session_that_has_used_temporary_tables_is_taken_as_it_is(store_url, monkeypatch):
    def pooled(*args, **options):
        connection = psycopg_connect(*args, **options)
        connection.execute("CREATE TEMPORARY TABLE of_somebody_else AS SELECT 1 AS a")
        return connection

    psycopg_connect = psycopg.connect
    monkeypatch.setattr(psycopg, "connect", pooled)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        assert store.conflicts.replace_prefix(night([Pair()])).new == 1


def test_nothing_is_left_open_after_a_store_is_closed(store_url):
    store = ConflictStore(url=store_url, prefix_length=2)
    with store:
        connection = store.session._connection
    assert connection.closed
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
