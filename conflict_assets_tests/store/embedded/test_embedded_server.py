"""The embedded server: private, shared, started on demand, gone when nobody uses it, back after a kill."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

import psycopg
import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.connection import connect
from conflict_assets.store.embedded import embedded_server
from conflict_assets.store.embedded.embedded_server import embedded_url, revive, stop_embedded
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.killing import PROCESSES, kill_postmaster

USE = """
import sys, time
from pathlib import Path
from conflict_assets.store.embedded.embedded_server import embedded_url
print(embedded_url(Path(sys.argv[1]), linger_seconds=float(sys.argv[2])), flush=True)
time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def home():
    """Where a server is to be, of which nothing is there."""
    folder = Path(tempfile.mkdtemp(prefix="conflicts-test-"))
    yield folder / "server"
    stop_embedded(folder / "server")
    shutil.rmtree(folder)


@pytest.fixture
def made(home, lay_cluster):
    """The folder of a server that does not run, with its cluster."""
    lay_cluster(home)
    return home


@pytest.fixture(scope="module")
def running():
    folder = Path(tempfile.mkdtemp(prefix="conflicts-test-"))
    yield folder / "server", embedded_url(folder / "server", stay=True)
    stop_embedded(folder / "server")
    shutil.rmtree(folder)


@contextmanager
def another_user(home, *, linger=60.0, seconds=60.0):
    """Another process that uses the server."""
    arguments = [sys.executable, "-c", USE, str(home), str(linger), str(seconds)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("postgresql://")
        yield process
        process.kill()


def is_up(home):
    state = embedded_server._state(home)
    return state is not None and embedded_server._answers(state)


def wait_until_down(home, seconds=30):
    deadline = time.monotonic() + seconds
    while is_up(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not is_up(home)


def test_only_its_owner_reaches_the_folder_and_the_socket(running):
    home, _ = running
    for folder in (home, home / "cluster", home / "socket"):
        assert S_IMODE(folder.stat().st_mode) == 0o700
    for file in ("passfile", "users.lock", "start.lock", "server.log", "ready"):
        assert S_IMODE((home / file).stat().st_mode) == 0o600, file
    assert not (home / "password.once").exists()


def test_nobody_is_trusted_and_nothing_listens_on_a_port(running):
    home, url = running
    lines = (home / "cluster" / "pg_hba.conf").read_text().splitlines()
    methods = {line.split()[-1] for line in lines if line.strip() and not line.startswith("#")}
    assert methods <= {"scram-sha-256", "reject"}
    assert rows(url, "SHOW listen_addresses") == [("",)]
    without = url.split("&passfile")[0] + "&passfile=/dev/null"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(without)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(without, password="guessed")  # noqa: S106 - a wrong one


def test_the_url_holds_no_password_and_works_for_psql(running):
    home, url = running
    password = (home / "passfile").read_text().strip().rsplit(":", 1)[1]
    assert len(password) == 48
    assert password not in url
    psql = embedded_server.open_cluster(home).program("psql")
    found = subprocess.run([psql, url, "-Atc", "SELECT current_database()"], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "conflicts"


def test_statements_with_values_do_not_reach_the_log(running):
    home, url = running
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (ssn text PRIMARY KEY)")
        for _ in range(2):
            try:
                connection.execute("INSERT INTO t VALUES (%s)", ["987654321"])
                connection.execute("SELECT '987654321'::date")
            except psycopg.Error:
                pass
    assert "987654321" not in (home / "server.log").read_text()


def test_finding_a_running_server_takes_no_time(running):
    home, url = running
    started = time.perf_counter()
    for _ in range(20):
        assert embedded_url(home) == url
    assert (time.perf_counter() - started) / 20 < 0.05


VARIABLES = {
    "PGSERVICE": "prod",
    "PGSERVICEFILE": "/nonexistent",
    "PGHOST": "192.0.2.1",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGDATABASE": "theirs",
    "PGUSER": "somebody",
    "PGPASSWORD": "wrong",
    "PGPASSFILE": "/nonexistent",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGREQUIREAUTH": "none",
    "PGREQUIREPEER": "somebody",
    "PGCHANNELBINDING": "require",
    "PGGSSENCMODE": "require",
    "PGTARGETSESSIONATTRS": "standby",
    "PGCONNECT_TIMEOUT": "any",
    "PGCLIENTENCODING": "LATIN1",
    "PGDATESTYLE": "German, DMY",
    "PGTZ": "Asia/Kathmandu",
    "PGDATA": "/nonexistent",
}
"""What libpq and PostgreSQL's programs read, each with a value that would stop them or lead them astray."""


@pytest.mark.parametrize("name", VARIABLES)
def test_no_variable_of_libpq_is_heeded(running, monkeypatch, name):
    home, _ = running
    monkeypatch.setenv(name, VARIABLES[name])
    started = time.monotonic()
    with ConflictStore(url=embedded_url(home), prefix_length=1) as store:
        store.administration.prepare()
        assert store.conflicts.count_open() == 0
    assert time.monotonic() - started < 20
    assert os.environ[name] == VARIABLES[name]


def test_a_fresh_server_starts_whatever_the_variables_say(home, monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with ConflictStore(url=embedded_url(home), prefix_length=1) as store:
        store.administration.prepare()
        kill_postmaster(home)
        assert store.conflicts.count_open() == 0


def broken(home, statement=None, password=None):
    """What is said of an embedded server that refuses, by words that lead to it and to no setting that is not set."""
    url = embedded_url(home)
    if statement:
        with psycopg.connect(url.replace("/conflicts?", "/postgres?"), autocommit=True) as connection:
            connection.execute(statement)
    if password:
        (home / "passfile").write_text(f"*:*:*:conflicts:{password}\n")
    with pytest.raises(StoreError) as error, ConflictStore(url=url, prefix_length=1):
        pass
    assert not isinstance(error.value, TransientStoreError)
    assert "CONFLICTS_POSTGRES_URL" not in str(error.value)
    assert f"It is the embedded one in {home}" in str(error.value)
    return str(error.value)


def test_a_wrong_password_of_the_embedded_server_blames_no_setting(made):
    assert "the password is wrong" in broken(made, password="guessed")  # noqa: S106 - a wrong one


def test_a_dropped_database_of_the_embedded_server_comes_back_as_it_is_said(made):
    assert "Start it anew (conflict-assets store stop" in broken(made, "DROP DATABASE conflicts WITH (FORCE)")
    stop_embedded(made)
    assert rows(embedded_url(made), "SELECT 1") == [(1,)]


def test_a_refusal_while_the_server_is_brought_up_is_translated(made):
    (made / "passfile").write_text("*:*:*:conflicts:guessed\n")
    with pytest.raises(StoreError, match=r"the password is wrong.*It is the embedded one"):
        embedded_url(made)


def test_processes_that_come_at_once_start_one_server(home):
    with ThreadPoolExecutor(4) as pool:
        arguments = [sys.executable, "-c", USE, str(home), "60", "0"]
        found = list(
            pool.map(lambda _: subprocess.run(arguments, capture_output=True, text=True, check=True), range(4))
        )
    assert len({each.stdout for each in found}) == 1
    assert is_up(home)


def test_the_server_stops_after_its_last_user_was_killed(made):
    with another_user(made, linger=2) as one, another_user(made, linger=2) as other:
        one.kill()
        one.wait()
        time.sleep(4)
        assert is_up(made)
        other.kill()
        other.wait()
        assert wait_until_down(made)
    assert embedded_server._first_number(made / "cluster" / "postmaster.pid") is None


def test_the_server_stays_by_choice_until_it_is_stopped(made):
    embedded_url(made, linger_seconds=0, stay=True)
    os.close(embedded_server._held.pop(made))
    time.sleep(3)
    assert is_up(made)
    assert stop_embedded(made)
    assert not is_up(made)
    assert not stop_embedded(made)


def test_a_killed_server_starts_again_with_its_data(made):
    url = embedded_url(made)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    kill_postmaster(made)
    assert wait_until_down(made)
    assert revive(url)
    assert rows(url, "SELECT one FROM kept") == [(1,)]


@pytest.mark.parametrize(
    "pid", ["", "nonsense", str(os.getpid()), "999999999"], ids=["empty", "no number", "ours", "nobody"]
)
def test_a_pid_file_that_leads_nowhere_is_no_obstacle(made, pid):
    url = embedded_url(made)
    stop_embedded(made)
    (made / "cluster" / "postmaster.pid").write_text(f"{pid}\n{made / 'cluster'}\n")
    assert embedded_url(made) == url
    assert rows(url, "SELECT 1") == [(1,)]


def test_a_half_made_cluster_is_made_anew(home):
    (home / "cluster.unfinished").mkdir(parents=True)
    (home / "cluster.unfinished" / "PG_VERSION").write_text("18\n")
    assert rows(embedded_url(home), "SELECT 1") == [(1,)]


def test_a_server_that_hangs_is_ended_and_started_again(made):
    url = embedded_url(made)
    pid = embedded_server._first_number(made / "cluster" / "postmaster.pid")
    (made / "socket" / ".s.PGSQL.5432").unlink()
    assert embedded_url(made) == url
    assert rows(url, "SELECT 1") == [(1,)]
    assert embedded_server._first_number(made / "cluster" / "postmaster.pid") != pid


def test_a_server_that_waits_for_its_sessions_to_end_is_started_anew(made):
    url = embedded_url(made)
    with psycopg.connect(url, autocommit=True) as kept:
        kept.execute("CREATE TABLE kept AS SELECT 1 AS number")
        os.kill(embedded_server._first_number(made / "cluster" / "postmaster.pid"), signal.SIGTERM)
        while not embedded_server._is_stopping(made):
            time.sleep(0.05)
        with connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            kept.execute("SELECT 1")


def test_a_long_path_gets_a_short_private_socket(home):
    deep = home / ("x" * 60) / ("y" * 60)
    url = embedded_url(deep)
    try:
        assert rows(url, "SELECT 1") == [(1,)]
        folder = embedded_server._state(deep)
        assert not folder.is_relative_to(home)
        assert S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        stop_embedded(deep)
        shutil.rmtree(folder)


def test_a_path_with_blanks_and_quotes_works(home):
    odd = home / 'it\'s a "folder", 100 %'
    try:
        assert rows(embedded_url(odd), "SELECT 1") == [(1,)]
    finally:
        stop_embedded(odd)


def test_another_version_s_data_is_refused_with_a_way_out(made):
    (made / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(StoreError, match="was made by PostgreSQL 16, and this installation brings 18"):
        embedded_url(made)


def test_a_lost_password_is_said(made):
    (made / "passfile").unlink()
    with pytest.raises(StoreError, match="password of the embedded store is gone"):
        embedded_url(made)


def test_a_folder_that_is_a_file_is_said(home):
    home.parent.mkdir(exist_ok=True)
    home.write_text("")
    with pytest.raises(StoreError, match="can't be used"):
        embedded_url(home)
    home.unlink()


def open_as(uid, home, answer):
    """Open a cluster as somebody else, and tell what happens."""
    os.setuid(uid)
    try:
        embedded_server.open_cluster(home)
    except (StoreError, OSError) as error:
        answer.send(f"{type(error).__name__}: {error}")


def told_to(uid, home, ask=open_as):
    here, there = PROCESSES.Pipe()
    process = PROCESSES.Process(target=ask, args=(uid, home, there))
    process.start()
    assert here.poll(60)
    process.join()
    return here.recv()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_else_is_refused(home):
    home.mkdir()
    os.chown(home, 65534, 65534)
    home.parent.chmod(0o755)
    assert "belongs to user 65534, and this process is user 65533" in told_to(65533, home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server has a user of its own")
def test_root_s_server_passes_closed_folders_and_opens_them_to_nobody_else(home):
    home.parent.chmod(0o700)
    assert rows(embedded_url(home), "SELECT 1") == [(1,)]
    assert home.parent.stat().st_mode & 0o007 == 0
    assert "Permission denied" in told_to(65533, home)


def use_as(uid, home, answer):
    """Use the server as somebody else, and tell what a query gives."""
    os.setuid(uid)
    try:
        answer.send(str(rows(embedded_url(home, linger_seconds=0), "SELECT current_user")))
    except (StoreError, OSError) as error:
        answer.send(f"{type(error).__name__}: {error}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can use a folder of somebody else")
def test_root_uses_a_user_s_server_as_that_user_and_leaves_it_usable(home):
    uid = pwd.getpwnam("nobody").pw_uid
    home.mkdir()
    os.chown(home, uid, uid)
    home.parent.chmod(0o755)
    assert rows(embedded_url(home, stay=True), "SELECT current_user") == [("conflicts",)]
    assert {path.stat().st_uid for path in home.iterdir()} == {uid}
    assert told_to(uid, home, use_as) == "[('conflicts',)]"


def test_a_terminal_s_interrupt_does_not_reach_the_server(made):
    with another_user(made) as process:
        process.send_signal(signal.SIGINT)
        process.wait()
        assert is_up(made)
