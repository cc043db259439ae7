"""Stores that can't be made or written to: one sentence, at once, with the statement that mends it, which does."""

import re
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from typer.testing import CliRunner

from conflict_assets import settings
from conflict_assets.cli import app as cli
from conflict_assets.running.instance import check_dagster_storage
from conflict_assets.store import readiness, roles, schema
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets_tests.pg import PgServer, execute, rows
from conflict_assets_tests.pg15 import debian_server, make_standby
from conflict_assets_tests.store.nights import Pair, night
from conflict_assets_tests.store.test_roles import login

PASSWORD = "of-a-test"  # noqa: S105 - of a server that lives as long as a test


@pytest.fixture
def maker(pg_server):
    """A login that owns nothing, in an empty database: its URL, and the administrator's."""
    url = pg_server.make_database()
    execute(pg_server.url, f"CREATE ROLE maker LOGIN PASSWORD '{PASSWORD}'")
    yield as_maker(url), url
    pg_server.drop(url)
    execute(pg_server.url, "DROP ROLE maker")


def as_maker(url):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"maker:{PASSWORD}@", query=parts.query.split("&passfile")[0]))


def prepare(url):
    with ConflictStore(url=url, prefix_length=1) as store:
        store.administration.prepare()
        store.administration.require_right_to_write()
        return store.conflicts.replace_prefix(night([Pair(ssn="400000001")], prefix="4")).new


def try_out(url):
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.require_right_to_write()


def refused(url, ask=prepare):
    """How it is told that a store can't be prepared: for good, and at once."""
    started = time.monotonic()
    with pytest.raises(StoreError) as error:
        ask(url)
    assert not isinstance(error.value, TransientStoreError)
    assert time.monotonic() - started < 10
    return str(error.value)


CASES = {
    "no right in public": (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "User maker may not make the store's tables in schema public of database",
        r"(GRANT CREATE ON SCHEMA public TO maker)$",
    ),
    "a missing schema": (
        "ALTER ROLE maker SET search_path = theirs, elsewhere",
        "search_path is 'theirs, elsewhere', and no schema of it is there for user maker",
        r"(CREATE SCHEMA theirs AUTHORIZATION maker)",
    ),
    "an empty path": (
        "ALTER ROLE maker SET search_path = ''",
        "has no schema to make tables in",
        r"(CREATE SCHEMA maker AUTHORIZATION maker).*(ALTER ROLE maker SET search_path = maker)",
    ),
    "a schema without rights": (
        "CREATE SCHEMA theirs; ALTER ROLE maker SET search_path = theirs",
        "no schema of it is there for user maker",
        r"(GRANT USAGE, CREATE ON SCHEMA theirs TO maker)",
    ),
    "a read-only database": (
        "GRANT CREATE ON SCHEMA public TO maker; ALTER DATABASE {} SET default_transaction_read_only = on",
        "The store is read-only: default_transaction_read_only is on; allowed: off",
        r"(ALTER DATABASE \w+ RESET default_transaction_read_only)",
    ),
    "a read-only role": (
        "GRANT CREATE ON SCHEMA public TO maker; ALTER ROLE maker SET default_transaction_read_only = on",
        "The store is read-only: default_transaction_read_only is on; allowed: off",
        r"(ALTER ROLE maker RESET default_transaction_read_only)",
    ),
    "no temporary tables": (
        "GRANT CREATE ON SCHEMA public TO maker; REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC",
        "User maker may not make temporary tables in database",
        r"(GRANT TEMPORARY ON DATABASE \w+ TO maker)$",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_store_that_can_t_be_made_is_told_with_the_statement_that_mends_it(maker, case):
    url, admin = maker
    statement, said, mending = CASES[case]
    execute(admin, statement.format(urlsplit(admin).path.removeprefix("/")))
    found = refused(url)
    assert said in found
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for mend in re.search(mending, found).groups():
            connection.execute(mend)
    assert prepare(url) == 1


def doctor(url, monkeypatch):
    monkeypatch.setattr(settings, "project_folder", lambda: Path("/nonexistent"))
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", url)
    monkeypatch.setenv("SSN_PREFIX_LENGTH", "1")
    settings.load_settings.cache_clear()
    try:
        return CliRunner().invoke(cli.app, ["doctor"], catch_exceptions=False)
    finally:
        settings.load_settings.cache_clear()


@pytest.mark.parametrize("case", CASES)
def test_doctor_calls_it_a_problem(maker, monkeypatch, case):
    url, admin = maker
    statement, said, _ = CASES[case]
    execute(admin, statement.format(urlsplit(admin).path.removeprefix("/")))
    found = doctor(url, monkeypatch)
    assert found.exit_code == 2
    assert "PROBLEM store: " in found.stdout
    assert said in found.stdout


def test_a_standby_is_refused_at_once_and_read(monkeypatch):
    """At its preparation; in mid-run, a refused write may pass, since a standby may be about to become the primary."""
    monkeypatch.setattr("conflict_assets.store.session.ATTEMPTS", 1)
    with debian_server() as server:
        url = PgServer(server).make_store(1)
        prepare(url)
        make_standby(server)
        assert "is a standby, which takes no writes; allowed: the primary. Name the primary in" in refused(url)
        with ConflictStore(url=url, prefix_length=1) as store, store.conflicts.export(ExportQuery()) as export:
            assert export.count() == 1
        with ConflictStore(url=url, prefix_length=1) as store, pytest.raises(TransientStoreError, match="25006"):
            store.conflicts.replace_prefix(night([], prefix="4", number=2))


def test_a_primary_that_was_made_read_only_in_mid_run_stays_so(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.session.run(lambda connection: connection.execute("SET default_transaction_read_only = on"))
        found = refused(store, lambda _: store.conflicts.replace_prefix(night([Pair()])))
    assert "25006). Allowed is a store that takes writes: the primary server" in found


def test_what_sqlalchemy_wraps_is_translated_too(maker, monkeypatch):
    url, admin = maker
    execute(admin, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    monkeypatch.setattr(schema, "require_right_to_make", lambda _: None)
    assert "The store says: permission denied for schema public (InsufficientPrivilege, 42501)" in refused(url)


def test_a_migration_by_somebody_who_does_not_own_the_tables_is_told(maker):
    url, admin = maker
    with ConflictStore(url=admin, prefix_length=1) as store:
        store.administration.prepare()
    schema.migrate(admin, "0001")
    execute(admin, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO maker")
    assert "42501" in refused(url)


def test_the_writer_s_rights_are_what_a_night_needs(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
        store.administration.require_right_to_write()
    with ConflictStore(url=login(store_url, "conflicts_writer"), prefix_length=2) as store:
        store.administration.require_right_to_write()


def test_a_missing_right_is_named_with_its_table(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
    writer = login(store_url, "conflicts_writer")
    execute(store_url, "REVOKE INSERT ON conflict_history FROM conflicts_writer")
    try:
        found = refused(writer, try_out)
    finally:
        execute(store_url, "GRANT INSERT ON conflict_history TO conflicts_writer")
    assert "lacks rights that a night needs: INSERT on conflict_history. Let the store's owner do" in found


def test_the_reader_is_told_what_it_lacks(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
    reader = login(store_url, "conflicts_reader")
    found = refused(reader, try_out)
    assert "GRANT" in found


DAGSTER_CASES = {
    "no rights": (
        "GRANT SELECT ON runs, kvs TO maker",
        "Dagster's storage can't be written to: user maker lacks rights on kvs, runs. Let DAGSTER_POSTGRES_URL name",
        r"(GRANT ALL ON ALL TABLES IN SCHEMA public TO maker), and (GRANT ALL ON ALL SEQUENCES.* TO maker)$",
    ),
    "read-only": (
        "GRANT ALL ON runs, kvs TO maker; ALTER ROLE maker SET default_transaction_read_only = on",
        "Dagster's storage is read-only: default_transaction_read_only is on; allowed: off",
        r"(ALTER ROLE maker RESET default_transaction_read_only)",
    ),
}


@pytest.mark.parametrize("case", DAGSTER_CASES)
def test_a_storage_of_dagster_that_can_t_be_written_to_is_told_with_the_statement_that_mends_it(maker, case):
    url, admin = maker
    statement, said, mending = DAGSTER_CASES[case]
    execute(admin, f"CREATE TABLE runs (id serial); CREATE TABLE kvs (id serial); {statement}")

    def look(url):
        check_dagster_storage(settings.read_settings(dagster_postgres_url=url))

    found = refused(url, look)
    assert said in found
    for mend in re.search(mending, found).groups():
        execute(admin, mend)
    look(url)


def test_trying_leaves_nothing(store_url):
    count = "SELECT count(*) FROM pg_class WHERE relname LIKE 'tried%'"
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.require_right_to_write()
        assert rows(store_url, count) == [(0,)]


@pytest.mark.parametrize("right", readiness._WRITES)
def test_the_rights_are_of_tables_that_are_there(store_url, right):
    names = list(readiness._WRITES[right])
    assert rows(store_url, "SELECT count(*) FROM unnest(%s::text[]) AS t WHERE to_regclass(t) IS NULL", [names]) == [
        (0,)
    ]


def test_roles_that_this_login_may_not_make_are_told_with_what_makes_them(maker, monkeypatch):
    url, admin = maker
    execute(admin, "GRANT CREATE ON SCHEMA public TO maker")
    prepare(url)
    monkeypatch.setattr(roles, "_are_there", lambda _: False)
    with (
        ConflictStore(url=url, prefix_length=1) as store,
        pytest.raises(StoreError, match="Let a superuser do: CREATE"),
    ):
        store.administration.set_up_roles()


def test_roles_of_another_store_are_no_obstacle(maker, store_url):
    url, admin = maker
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
    execute(admin, "GRANT CREATE ON SCHEMA public TO maker")
    assert prepare(url) == 1
    with ConflictStore(url=url, prefix_length=1) as store:
        store.administration.set_up_roles()
