"""A password of the store that is changed in the midst of a night: said as it is, and not tried again."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from conflict_assets.store.commit_record import PREFIX_LOCK
from conflict_assets.store.embedded.embedded_server import stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, platform_environment
from conflict_assets_tests.pg import execute, rows

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
WAITING = "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted"
PREFIXES = 10


def login_of_its_own(server):
    """A login that owns a new store, and the store's URL for it and for the server's owner."""
    owner = server.make_database()
    execute(owner, "CREATE ROLE night_login LOGIN PASSWORD 'first'")
    execute(owner, "GRANT ALL ON SCHEMA public TO night_login")
    name, query = urlsplit(owner).path, urlsplit(owner).query
    host = next(part for part in query.split("&") if part.startswith("host="))
    execute(owner, f"GRANT ALL ON DATABASE {name.removeprefix('/')} TO night_login")
    return owner, f"postgresql://night_login:first@{name}?{host}&port=5432"


def test_a_password_that_is_changed_in_mid_run_is_told_as_such_and_no_step_is_repeated(
    pg_server, tmp_path, lay_cluster
):
    lay_cluster(tmp_path / "data" / "postgres")
    owner, url = login_of_its_own(pg_server)
    environment = platform_environment(
        tmp_path,
        SSN_PREFIX_LENGTH="1",
        MAX_WORKERS="1",
        VISITS_PER_STEP="1",
        SOURCE_FILE=str(tmp_path / "visits.duckdb"),
        CONFLICTS_POSTGRES_URL=url,
    )
    generate = [COMMAND, "generate", "--visits", "20000", "--out", str(tmp_path / "visits.duckdb")]
    subprocess.run(generate, cwd=ROOT, env=environment, check=True, capture_output=True)
    migrate = [COMMAND, "store", "migrate"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, capture_output=True)
    try:
        with psycopg.connect(owner, autocommit=True) as connection:
            for prefix in range(PREFIXES):
                connection.execute("SELECT pg_advisory_lock(%s, %s)", [PREFIX_LOCK, prefix])
            night = subprocess.Popen(
                [COMMAND, "run"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            deadline = time.monotonic() + 120
            while rows(owner, WAITING, [PREFIX_LOCK]) != [(1,)]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            execute(owner, "ALTER ROLE night_login PASSWORD 'second'")
        said, _ = night.communicate(timeout=240)
    finally:
        stop_embedded(tmp_path / "data" / "postgres")
    assert night.returncode != 0
    assert "refuses the login" in said, said
    assert "CONFLICTS_POSTGRES_URL" in said
    assert "RetryRequestedFromPolicy" not in said
    assert "Traceback" not in said
    assert "first" not in said
    assert "second" not in said
