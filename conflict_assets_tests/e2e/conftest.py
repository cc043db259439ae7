"""One webserver and one daemon for all files, over PostgreSQL: the store and Dagster's own storage."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import pytest

from conflict_assets.settings import read_settings
from conflict_assets.source.synthetic import generate
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.dagster_stack import ROOT, bare_environment
from conflict_assets_tests.e2e.platform import EMPTY_PREFIX, ZONE, Platform, night
from conflict_assets_tests.e2e.servers import Servers, write_instance
from conflict_assets_tests.pg import PgServer

VISITS = 40_000
LIMITS = {
    "SSN_PREFIX_LENGTH": "1",
    "MAX_WORKERS": "3",
    "MAX_WORKERS_ALL_RUNS": "4",
    "MAX_RUNS": "2",
    "VISITS_PER_STEP": "1",
    "STORE_LOCK_TIMEOUT": "10",
    "STORE_STATEMENT_TIMEOUT": "15",
    "SCHEDULE_TIME_ZONE": ZONE,
}


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A small source, generated once: conflicts in every prefix but one, which has no visits at all."""
    file = tmp_path_factory.mktemp("source") / "visits.duckdb"
    generate(file, visits=VISITS, as_of=datetime.now(tz=UTC).date())
    with duckdb.connect(str(file)) as connection:
        connection.execute("""DELETE FROM BI.DIMCAREGIVER WHERE "SSN" LIKE ?""", [f"{EMPTY_PREFIX}%"])
    return file


@pytest.fixture(scope="session")
def alerts():
    """A webhook, and what it was told so far."""
    received = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Webhook) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/alerts", received
        http.shutdown()
        thread.join()


def make_environment(folder, source, pg_server: PgServer, **settings: str) -> tuple[dict[str, str], str]:
    """An environment with a store and a Dagster storage of its own in PostgreSQL, and the store's URL."""
    store = pg_server.make_database()
    with ConflictStore(url=store, prefix_length=1) as made:
        made.administration.prepare()
    settings |= {
        "CONFLICTS_POSTGRES_URL": store,
        "DAGSTER_POSTGRES_URL": pg_server.make_database(),
        "CONFLICTS_DATA_DIR": str(folder / "data"),
        "SOURCE_FILE": str(source),
    }
    home = folder / "dagster_home"
    write_instance(home, read_settings(**{name.lower(): value for name, value in settings.items()}))
    return bare_environment() | settings | {"DAGSTER_HOME": str(home)}, store


@pytest.fixture(scope="session")
def servers(tmp_path_factory, pg_server, source, alerts):
    folder = tmp_path_factory.mktemp("platform")
    environment, store = make_environment(folder, source, pg_server, ALERT_WEBHOOK_URL=alerts[0], **LIMITS)
    servers = Servers(folder=ROOT, environment=environment, logs=folder)
    try:
        servers.start()
        yield Platform(servers, store)
    finally:
        servers.stop()


@pytest.fixture
def platform(servers):
    """The platform with an empty store that Dagster knows nothing about."""
    servers.start_anew()
    return servers


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, pg_server, source):
    """What an undisturbed night from an empty store leaves, run by the command line over a store of its own."""
    folder = tmp_path_factory.mktemp("undisturbed")
    environment, store = make_environment(folder, source, pg_server, **LIMITS)
    done = Servers(folder=ROOT, environment=environment, logs=folder).command("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return night(store)
