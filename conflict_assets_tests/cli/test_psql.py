"""`conflict-assets store psql`: the real client on a real store, started as a person starts it."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import stop_embedded
from conflict_assets.store.errors import StoreError
from conflict_assets.store.psql_client import psql_session
from conflict_assets.store.store_factory import own_psql_program
from conflict_assets_tests.dagster_stack import bare_environment
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

COMMAND = [str(Path(sys.executable).with_name("conflict-assets")), "store", "psql"]


@pytest.fixture
def environment(store_url, tmp_path):
    """A store with one conflict, and a home without a psqlrc."""
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair()]))
    return bare_environment() | {"CONFLICTS_POSTGRES_URL": store_url, "HOME": str(tmp_path), "PATH": "/nonexistent"}


@pytest.fixture
def with_password(environment, store_url):
    """The same store by a login with a password of its own."""
    execute(store_url, "CREATE ROLE secretive LOGIN SUPERUSER PASSWORD 'it''s $HOME 100%'")
    url = store_url.replace("conflicts@", "secretive:it%27s%20%24HOME%20100%25@", 1)
    yield environment | {"CONFLICTS_POSTGRES_URL": url}
    execute(store_url, "DROP ROLE secretive")


def psql(environment, *options, said=""):
    """What psql answers to its options, or to what is typed."""
    return subprocess.run(
        [*COMMAND, *options], env=environment, input=said, capture_output=True, text=True, timeout=120, check=False
    )


def test_psql_opens_the_store_and_takes_its_own_options(environment):
    done = psql(environment, "-tAc", "SELECT count(*) FROM open_conflicts", "--no-psqlrc")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_its_exit_code_is_psql_s(environment):
    assert psql(environment, "-v", "ON_ERROR_STOP=1", "-f", "-", said="nonsense;").returncode == 3


def test_psql_opens_the_embedded_store_whatever_libpq_is_told(tmp_path):
    environment = bare_environment() | {"CONFLICTS_DATA_DIR": str(tmp_path / "a b"), "SSN_PREFIX_LENGTH": "1"}
    try:
        done = psql(environment | {"PGHOST": "nowhere", "PGSERVICE": "none"}, "-tAc", "SELECT current_user")
        assert (done.returncode, done.stdout, done.stderr) == (0, "conflicts\n", "")
    finally:
        stop_embedded(tmp_path / "a b" / "postgres")


def listed(answer):
    """Names and kinds of what a backslash command lists, in its order."""
    lines = [line.split("|") for line in answer.splitlines() if line.count("|") >= 3]
    return [(line[1], line[2]) for line in lines if line[0] != "Schema"]


def test_views_are_listed_before_all_else_and_each_once(environment, store_url):
    views = {name for (name,) in rows(store_url, "SELECT viewname FROM pg_views WHERE schemaname = 'public'")}
    found = listed(psql(environment, "-A", said=r"\d").stdout)
    assert {name for name, _ in found[: len(views)]} == views
    assert {kind for _, kind in found[: len(views)]} == {"view"}
    assert "view" not in {kind for _, kind in found[len(views) :]}
    assert ("visit_conflicts", "partitioned table") in found


def test_nothing_of_it_stays_in_the_store(environment, store_url):
    in_session(environment, said="SELECT 1;")
    assert rows(store_url, "SELECT count(*) FROM pg_views WHERE schemaname LIKE 'pg_temp%'") == [(0,)]


def in_session(environment, *options, said, **variables):
    """What psql itself answers, started as the command starts it."""
    target, session = psql_session(environment["CONFLICTS_POSTGRES_URL"], environment)
    return subprocess.run(
        [own_psql_program(), "--dbname", target, *options], env=session | variables, input=said, capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip


def test_a_store_that_takes_no_new_views_is_opened_all_the_same(environment):
    done = in_session(environment, "-A", said=r"\d", PGOPTIONS="-c default_transaction_read_only=on")
    assert done.stderr == ""
    assert ("open_conflicts", "view") in listed(done.stdout)


def test_the_user_s_own_start_up_file_holds_too(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".psqlrc").write_text("\\set greeting 'from home'\n\\set AUTOCOMMIT off\n")
    assert in_session(environment, said=r"\echo :greeting :QUIET :ECHO").stdout == "from home off none\n"
    other = tmp_path / "other"
    other.write_text("\\set greeting elsewhere\n")
    assert in_session(environment | {"PSQLRC": str(other)}, said=r"\echo :greeting").stdout == "elsewhere\n"
    assert in_session(environment, "-X", said=r"\echo :greeting").stdout == ":greeting\n"


def test_a_password_is_used_and_no_process_shows_it(with_password):
    with subprocess.Popen(
        [*COMMAND, "-At"], env=with_password, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as opened:
        opened.stdin.write("SELECT current_user;\n")
        opened.stdin.flush()
        assert opened.stdout.readline() == "secretive\n"
        shown = psutil.Process(opened.pid).cmdline()
        opened.stdin.close()
        assert opened.wait(30) == 0
    assert shown[0].endswith("psql")
    assert "secretive" in " ".join(shown)
    assert not any(part in " ".join(shown) for part in ("it's", "it%27s", "it\\'s", "HOME", "100"))


def test_a_secret_that_psql_takes_from_its_command_line_only_is_refused():
    url = "postgresql://me@db.example/conflicts?sslkey=k&sslpassword=hidden-word"
    with pytest.raises(StoreError, match="holds sslpassword, which psql takes from its command line only") as refused:
        psql_session(url, {})
    assert "hidden-word" not in str(refused.value)
    target, variables = psql_session("postgresql://me:hidden-word@db.example:5433/conflicts?sslmode=require", {})
    assert (target, variables["PGPASSWORD"]) == (
        "user=me dbname=conflicts host=db.example port=5433 sslmode=require",
        "hidden-word",
    )
