"""The session of a store: one connection, its transactions, and what is tried again."""

import psycopg
import pytest

from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets.store.row_types import Found
from conflict_assets.store.session import StoreSession
from conflict_assets_tests.pg import rows


@pytest.fixture
def session(store_url):
    session = StoreSession(store_url)
    yield session
    session.close()


def exclude(connection, agency, *, fail=None):
    connection.execute("INSERT INTO excluded_agencies (provider_id) VALUES (%s)", [agency])
    if fail:
        raise fail
    return agency


def excluded(url):
    return [agency for (agency,) in rows(url, "SELECT provider_id FROM excluded_agencies")]


def test_what_is_rolled_back_leaves_nothing_and_still_gives_its_result(session, store_url):
    assert session.roll_back(exclude, "P") == "P"
    assert excluded(store_url) == []


def test_a_transaction_is_kept_whole_or_not_at_all(session, store_url):
    assert session.transact(exclude, "P") == "P"
    with pytest.raises(StoreError):
        session.transact(exclude, "Q", fail=StoreError("no more"))
    assert excluded(store_url) == ["P"]


def test_after_a_transient_error_the_work_is_done_again_on_a_new_connection(session, store_url):
    seen = []

    def work(connection):
        seen.append(connection.info.backend_pid)
        return exclude(connection, "P", fail=None if len(seen) > 1 else psycopg.OperationalError("lost"))

    session.open()
    assert session.transact(work) == "P"
    assert len(set(seen)) == 2
    assert excluded(store_url) == ["P"]


def test_what_stays_transient_is_given_up_after_the_given_attempts(store_url):
    seen = []

    def work(connection):
        seen.append(connection.info.backend_pid)
        raise psycopg.OperationalError("lost")

    with pytest.raises(TransientStoreError):
        StoreSession(store_url, attempts=2).run(work)
    assert len(seen) == 2


def test_a_lent_connection_is_the_session_s_own_and_its_errors_are_the_store_s(session):
    ((pid,),) = session.rows("SELECT pg_backend_pid()")
    with session.connection() as connection:
        assert connection.info.backend_pid == pid
    with pytest.raises(StoreError, match="does not exist"), session.connection() as connection:
        connection.execute("SELECT * FROM nowhere")


def test_rows_come_as_objects_of_a_class(session):
    assert session.rows_of(Found, "SELECT %s::int AS conflicts, 4 AS rows", [2]) == [Found(conflicts=2, rows=4)]
