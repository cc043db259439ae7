"""Each way in which a server is not connected to: what is said, and whether it may pass. The language is no matter."""

import socket
import traceback
from dataclasses import replace
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
import trustme

from conflict_assets.store import refusal, sqlstate
from conflict_assets.store.address import DAGSTER, REPLACED, STORE, describe_url, embedded_home
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.connection import connect, connect_once
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets.store.session_settings import Timeouts
from conflict_assets_tests.pg import PgServer, execute
from conflict_assets_tests.pg15 import debian_server
from conflict_assets_tests.store.fake_server import fake_server

PASSWORD = "of-a-test"  # noqa: S105 - of a server that lives as long as a test


def failure(url):
    """How a store that can't be connected to is told, at the first attempt."""
    with pytest.raises(StoreError) as error:
        connect_once(url)
    found = error.value
    assert "s3c" not in "".join(traceback.format_exception(found))
    return found


def check(found, *, passing, said):
    assert isinstance(found, TransientStoreError) == passing, found
    assert said in str(found)


@pytest.fixture(scope="module", params=["embedded", "german"])
def server(request, pg_server):
    """A server whose login is by password, as one of one's own: the embedded one, and one that speaks German."""
    if request.param == "embedded":
        passfile = embedded_home(pg_server.url) / "passfile"
        password = passfile.read_text().strip().rsplit(":", 1)[1]
        parts = urlsplit(pg_server.url)
        query = parts.query.split("&passfile")[0]
        yield replace(pg_server, url=urlunsplit(parts._replace(netloc=f"conflicts:{password}@", query=query)))
    else:
        with debian_server(german=True) as url:
            with pytest.raises(psycopg.OperationalError, match="existiert nicht"):
                psycopg.connect(PgServer(url).database_url("nowhere"))
            yield PgServer(url)


def as_role(url, role, password=PASSWORD):
    return urlunsplit(urlsplit(url)._replace(netloc=f"{role}:{password}@"))


SERVER_CASES = {
    "wrong password": ("", "stranger:s3cret", False, "password is wrong, or there is no such user. Check user and"),
    "unknown user": ("", "nobody:s3cret", False, "password is wrong, or there is no such user. Check user and"),
    "no password": ("", "stranger:", False, "it asks for a password, and none is given. Check user and password"),
    "may not log in": ("ALTER ROLE stranger NOLOGIN", "", False, "allowed are roles with LOGIN"),
    "limit of the role": ("ALTER ROLE stranger CONNECTION LIMIT 0", "", True, "has no connection left"),
    "limit of the database": ("ALTER DATABASE {} CONNECTION LIMIT 0", "", True, "has no connection left"),
    "closed database": ("ALTER DATABASE {} ALLOW_CONNECTIONS false", "", False, "ALLOW_CONNECTIONS true"),
    "no right to connect": ("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", "", False, "GRANT CONNECT ON DATABASE"),
    "no such database": ("DROP DATABASE {}", "", False, "has no such database. Create the database"),
}


@pytest.mark.parametrize("case", SERVER_CASES)
def test_a_server_s_refusal_is_told_in_any_language(server, case):
    statement, login, passing, said = SERVER_CASES[case]
    url = server.make_database()
    database = urlsplit(url).path.removeprefix("/")
    execute(server.url, f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")
    try:
        if statement:
            execute(server.url, statement.format(database))
        found = failure(as_role(url, *(login.split(":") if login else ["stranger"])))
        check(found, passing=passing, said=said)
        assert "CONFLICTS_POSTGRES_URL" in str(found) or passing
    finally:
        execute(server.url, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        execute(server.url, "DROP ROLE stranger")


CODES = {
    "28P01": (False, "refuses the login: the password is wrong"),
    "28000": (False, "allowed are roles with LOGIN which pg_hba.conf"),
    "3D000": (False, "has no such database"),
    "42501": (False, "does not let this user connect to this database"),
    "55000": (False, "takes no connections to this database"),
    "53300": (True, "has no connection left: for all, for the database or for the role. Lower MAX_WORKERS"),
    "57P01": (True, "is not ready yet"),
    "57P03": (True, "is not ready yet"),
    "08004": (True, "refuses the connection (08004)"),
    "0A000": (False, "refuses the connection (0A000)"),
}


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_told_apart_by_itself(code):
    passing, said = CODES[code]
    with fake_server(code) as port:
        check(failure(f"postgresql://u:s3cret@127.0.0.1:{port}/d"), passing=passing, said=said)


def test_a_server_that_gets_ready_between_both_looks_is_not_ready_yet(server, monkeypatch):
    def refuse(*_arguments, **_options):
        monkeypatch.undo()
        with fake_server("57P03") as port:
            return psycopg.connect(f"postgresql://127.0.0.1:{port}/")

    monkeypatch.setattr(psycopg, "connect", refuse)
    with connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_without_a_way_to_the_code_a_refusal_may_pass(monkeypatch):
    monkeypatch.setattr(sqlstate, "_verbosity_setter", lambda: None)
    with fake_server("28P01") as port:
        check(failure(f"postgresql://u:s3cret@127.0.0.1:{port}/d"), passing=True, said="can't be reached")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def root(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "root.pem"
    authority.cert_pem.write_to_path(path)
    return path


SSL_CASES = {
    "no SSL": (None, "sslmode=require", "speaks no SSL, and sslmode=require asks for it. Turn on ssl"),
    "untrusted": ("localhost", "sslmode=verify-ca&sslrootcert={other}", "shows a certificate that is not trusted"),
    "another name": ("db.example", "sslmode=verify-full&sslrootcert={root}", "a certificate of another host name"),
    "no authority": ("localhost", "sslmode=verify-full&sslrootcert=/nonexistent", "the file of trusted certificates"),
    "no certificate": ("localhost", "sslmode=require&sslcert=/dev/null&sslkey=/dev/null", "the client's certificate"),
}


@pytest.mark.parametrize("case", SSL_CASES)
def test_what_ssl_stops_is_told_apart_and_permanent(authority, root, tmp_path, case):
    name, options, said = SSL_CASES[case]
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    options = options.format(root=root, other=tmp_path / "other.pem")
    with fake_server(certificate=authority.issue_cert(name) if name else None) as port:
        check(failure(f"postgresql://u:s3cret@localhost:{port}/d?{options}"), passing=False, said=said)


def test_a_trusted_certificate_leads_to_the_server_s_own_answer(authority, root):
    with fake_server("3D000", certificate=authority.issue_cert("localhost")) as port:
        url = f"postgresql://u:s3cret@localhost:{port}/d?sslmode=verify-full&sslrootcert={root}"
        check(failure(url), passing=False, said="has no such database")


URL_CASES = {
    "postgresql://u:s3cret@h:port/db": (False, "its port is not a number from 1 to 65535"),
    "postgresql://u:s3cret@127.0.0.1:65536/db": (False, "its port is not a number from 1 to 65535"),
    "postgresql://u:s3cret@127.0.0.1:0/db": (False, "its port is not a number from 1 to 65535"),
    "postgresql://u:s3c/r@h/db": (False, "password are written as %40, %2F and %23"),
    "postgresql://u:s3cret@h/db?wrong=1": (False, "can't be read; allowed: postgresql://"),
    "nonsense": (False, "can't be read; allowed: postgresql://"),
    "postgresql://u:s3cret@/?service=nowhere": (False, "(service nowhere) can't be found"),
    "postgresql://u:s3cret@127.0.0.1/?sslmode=any": (False, "invalid sslmode value"),
    "postgresql://u:s3cret@127.0.0.1/?require_auth=any": (False, "invalid require_auth value"),
    "postgresql://u:s3cret@a..b/db": (False, "is unknown by name. Correct the host"),
    "postgresql://u:s3cret@127.0.0.1:1/db": (True, "can't be reached. Check that it runs"),
    "postgresql://u:s3cret@/db?host=/nonexistent": (True, "can't be reached. Check that it runs"),
}


@pytest.mark.parametrize("url", URL_CASES)
def test_what_a_url_makes_impossible_is_told_apart(url):
    passing, said = URL_CASES[url]
    found = failure(url)
    check(found, passing=passing, said=said)
    assert "CONFLICTS_POSTGRES_URL" in str(found)


OPEN_PASSWORDS = (
    "postgresql://u:a@s3cret@h/d",
    "postgresql://u:a@s3c:ret@h:5432/d",
    "postgresql://u:a@s3c/ret@h/d",
    "postgresql://u:a@s3c?ret@h/d",
    "postgresql://u:a@s3c,ret@h/d",
    "postgresql://u:a@s3c#ret@h/d",
    "postgresql://u:s3c/ret@h/d",
    "postgresql://u:123/s3cret@h/d",
    "postgresql://u:a/s3c?ret=1@h/d",
    "postgresql://u:a%zzs3cret@h/d",
    "postgresql://u:a s3cret@h/d",
    "host=h user=u password=a s3cret dbname=d",
    "host=h user=u password='s3cret dbname=d",
    "host=h user=u password=a s3c=ret",
)
"""URLs and connection strings whose password is not written as it must be; a part of it stands for something else."""


@pytest.mark.parametrize("server", [STORE, DAGSTER, REPLACED], ids=lambda server: server.setting)
@pytest.mark.parametrize("url", OPEN_PASSWORDS)
def test_a_password_that_is_not_quoted_is_told_without_any_of_it(url, server):
    with pytest.raises(StoreError) as error:
        connect_once(url, server=server)
    told = "".join(traceback.format_exception(error.value))
    assert "s3c" not in told
    assert "ret@" not in told
    assert ":123" not in told
    assert f"{server.setting} can't be read" in told
    assert "s3c" not in describe_url(url)


@pytest.mark.parametrize("password", ["a?s3cret", "a#s3cret", "a:s3cret", "a%40s3cret", "a%2Fs3cret", "a&s3c=ret"])
def test_a_password_that_libpq_can_read_leads_to_its_server(password):
    with fake_server("28P01") as port:
        check(failure(f"postgresql://u:{password}@127.0.0.1:{port}/d"), passing=False, said="the password is wrong")


@pytest.mark.parametrize(
    ("number", "passing", "said"),
    [
        (socket.EAI_NONAME, False, "is unknown by name"),
        (socket.EAI_AGAIN, True, "the name service does not answer"),
    ],
)
def test_a_name_service_that_is_away_may_come_back(monkeypatch, number, passing, said):
    def look_up(*_arguments, **_options):
        raise socket.gaierror(number, "in any language")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    check(failure("postgresql://u:s3cret@db.example/d"), passing=passing, said=said)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PGSERVICE", "nowhere", "Correct the service in CONFLICTS_POSTGRES_URL (or PGSERVICE)"),
        ("PGPORT", "any", "Correct the port in CONFLICTS_POSTGRES_URL (or PGPORT)"),
        ("PGSSLMODE", "any", "invalid sslmode value"),
    ],
)
def test_variables_that_a_url_leaves_room_for_are_judged_too(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    check(failure("postgresql://u:s3cret@127.0.0.1/db"), passing=False, said=said)


def test_permanent_causes_are_not_tried_again(monkeypatch):
    asked = []
    monkeypatch.setattr(refusal, "sqlstate_of_refusal", lambda *_: asked.append(1) or "28P01")
    with fake_server("28P01") as port, pytest.raises(StoreError):
        ConflictStore(url=f"postgresql://u:s3cret@127.0.0.1:{port}/d", prefix_length=2).__enter__()
    assert len(asked) == 1


def test_a_host_that_is_silent_can_t_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TransientStoreError, match="can't be reached"):
        connect_once(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d", Timeouts(connect=2))


def test_the_replaced_database_is_spoken_of_by_its_own_setting():
    with fake_server("3D000") as port, pytest.raises(StoreError, match=r"its name in --database \(or REPLACED_"):
        connect_once(f"postgresql://u@127.0.0.1:{port}/{quote('d d')}", server=REPLACED)
