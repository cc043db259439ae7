"""Every error that can be provoked is provoked, with an SSN and a secret in it; then all that is left is searched.

The errors of alerts, of Snowflake and of Dagster's storage are provoked where these are tested.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from conflict_assets.store.embedded.cluster import DAGSTER_DATABASE
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.assets.small_platform import fill
from conflict_assets_tests.dagster_stack import ROOT, platform_environment
from conflict_assets_tests.ssn_scan import Scan

pytestmark = pytest.mark.timeout(1200)

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
SSN = "665115569"
DRESSED = f"x{SSN}, {SSN}x, 665-11-5569, 665 11 5569, 665.11.5569, id_{SSN}_0"
SECRET = "S3creT"  # noqa: S105 - planted
PLANTED = re.compile(r"665[-. ]?11[-. ]?5569|S3creT|urloose")
QUOTED = f"{DRESSED} at postgresql://u:a@{SECRET}/x@h/d"


class Platform:
    """A platform over a small source, and all that its commands have said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "visits.duckdb"
        fill(self.source)
        self.said: dict[str, str] = {}
        self.environment = platform_environment(
            folder, SSN_PREFIX_LENGTH="1", MAX_WORKERS="1", SOURCE_FILE=str(self.source)
        )

    @property
    def home(self) -> Path:
        return self.folder / "data" / "postgres"

    def command(self, what: str, *arguments: str, status: int, **settings: str) -> str:
        """Run a command that ends so, and keep what it says."""
        done = subprocess.run(
            [COMMAND, *arguments], cwd=ROOT, env=self.environment | settings, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        self.said[what] = done.stdout + done.stderr
        assert done.returncode == status, self.said[what]
        return self.said[what]

    def store(self, statement: str) -> None:
        with psycopg.connect(embedded_url(self.home), autocommit=True) as connection:
            connection.execute(statement)

    def warehouse(self, *statements: str) -> None:
        with duckdb.connect(str(self.source)) as connection:
            for statement in statements:
                connection.execute(statement)


REFUSED = {
    "prefix_runs": "5",
    "visit_conflicts": "7",
    "conflict_visits": "8",
    "conflict_history": "9",
    "rejected_visits": "6",
}
"""Tables of the store, each with the prefix whose rows are refused there."""


def raising(platform, table):
    """From now on, the store refuses rows of a prefix in a table, and quotes."""
    platform.store(
        f"""CREATE OR REPLACE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              RAISE EXCEPTION 'no % {QUOTED}', TG_ARGV[0]
                USING DETAIL = 'detail {QUOTED}', HINT = 'hint {QUOTED}'; END $$;
            CREATE TRIGGER quote BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.ssn_prefix = '{REFUSED[table]}')
              EXECUTE FUNCTION quote('{table}')"""
    )


def one_more(platform, name, caregiver="C01", agency="P"):
    """A visit that no run has seen, so that there is something to write; it is rejected, or in conflict."""
    start = datetime.now(tz=UTC).replace(hour=15, minute=0) - timedelta(days=10)
    with duckdb.connect(str(platform.source)) as connection:
        connection.execute(
            """INSERT INTO "BI"."FACTVISITCALLPERFORMANCE_CR"
               ("Visit Id", "Visit Date", "Scheduled Start Time", "Scheduled End Time", "Provider Id", "Caregiver Id")
               VALUES (?, ?, ?, ?, ?, ?)""",
            [
                *(name, start.replace(hour=5), start, start + timedelta(hours=-1 if name == "rejected" else 1)),
                *(agency, caregiver),
            ],
        )


def one_more_conflict(platform, prefix):
    """A conflict in a prefix without visits until now."""
    with duckdb.connect(str(platform.source)) as connection:
        new = [f"C{prefix}", f"{prefix}01234567"]
        connection.execute("""INSERT INTO "BI"."DIMCAREGIVER" ("Caregiver Id", "SSN") VALUES (?, ?)""", new)
    for agency in ("P", "Q"):
        one_more(platform, f"{prefix} at {agency}", f"C{prefix}", agency)


@pytest.fixture(scope="module")
def platform(tmp_path_factory, lay_cluster):
    platform = Platform(tmp_path_factory.mktemp("platform"))
    lay_cluster(platform.home)
    try:
        platform.command("first night", "run", status=0)
        yield platform
    finally:
        stop_embedded(platform.home)


def refused(platform, *tables):
    """What is said of a run while the store refuses rows of these tables."""
    for table in tables:
        raising(platform, table)
    try:
        said = platform.command(" and ".join(tables), "run", status=1)
    finally:
        platform.store("DROP FUNCTION quote() CASCADE")
    assert not PLANTED.search(said)
    return said


def test_a_trigger_s_exception_is_told_masked_whatever_its_table(platform):
    for prefix in "789":
        one_more_conflict(platform, prefix)
    committed = [table for table in REFUSED if table != "rejected_visits"]
    said = refused(platform, *committed)
    for table in committed:
        told = rf"prefix {REFUSED[table]} failed.*The store says: no {table} x\*\*\*-\*\*-5569"
        assert re.search(told, said), table


def test_a_trigger_s_exception_is_told_masked_before_any_prefix_too(platform):
    one_more(platform, "rejected", "C60")
    assert "The store says: no rejected_visits x***-**-5569" in refused(platform, "rejected_visits")


def test_a_row_that_the_store_refuses_is_not_quoted(platform):
    one_more(platform, "in conflict 4")
    platform.store("ALTER TABLE conflict_visits ADD CONSTRAINT never CHECK (ssn = 'never') NOT VALID")
    try:
        said = platform.command("a constraint", "run", status=1)
    finally:
        platform.store("ALTER TABLE conflict_visits DROP CONSTRAINT never")
    assert "violates check constraint" in said
    assert not re.search("[0-9]{2}1234567", said)


def test_what_duckdb_says_is_told_masked(platform):
    view = '"BI"."DIMUSER"'
    quoting = f"error('no {QUOTED.replace(chr(39), '')}')"
    platform.warehouse(
        'ALTER TABLE "BI"."DIMPROVIDER" RENAME TO kept',
        """CREATE VIEW "BI"."DIMPROVIDER" AS SELECT * REPLACE (
              CASE WHEN "Provider Id" = 'P' THEN quoting ELSE "Provider Id" END AS "Provider Id") FROM "BI".kept
        """.replace("quoting", quoting),
    )
    try:
        said = platform.command(view, "run", status=1)
        dry = platform.command("dry run", "run", "--dry-run", status=2)
        trace = platform.command("a trace", "--debug", "run", "--dry-run", status=2)
    finally:
        platform.warehouse('DROP VIEW "BI"."DIMPROVIDER"', 'ALTER TABLE "BI".kept RENAME TO "DIMPROVIDER"')
    assert "Traceback (most recent call last)" in trace
    for each in (said, dry, trace):
        assert "DuckDB could not read the visits" in each
        assert "***-**-5569" in each
        assert not PLANTED.search(each)


def test_what_is_wrong_with_a_file_is_told_masked(platform):
    source = platform.folder / "broken" / f"{SSN}.duckdb"
    source.parent.mkdir()
    source.write_text(f"no database of {DRESSED}")
    decisions = platform.folder / "broken" / f"{SSN}.csv"
    decisions.write_text(f"pair,decision,reason\n{SSN}x,{SSN},{DRESSED}\n")
    for what, said in {
        "source": platform.command("source", "run", status=2, SOURCE_FILE=str(source)),
        "no source": platform.command("no source", "run", status=2, SOURCE_FILE=str(source / SSN)),
        "decisions": platform.command("decisions", "decide", "--csv", str(decisions), status=2),
        "no decisions": platform.command("no decisions", "decide", "--csv", f"{decisions}x", status=2),
    }.items():
        assert "***-**-5569" in said, what
        assert not PLANTED.search(said), what
    source.unlink()
    decisions.unlink()
    source.parent.rmdir()


@pytest.mark.parametrize("setting", ["CONFLICTS_POSTGRES_URL", "DAGSTER_POSTGRES_URL"])
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:yo@urloose{SECRET}@127.0.0.1:1/d",
        f"postgresql://u:yo@urloose/{SECRET}@127.0.0.1:1/d",
        f"postgresql://u:yo#urloose{SECRET}@127.0.0.1:1/d",
        f"host=127.0.0.1 port=1 user=u password=yo urloose{SECRET}",
    ],
)
def test_no_part_of_a_url_s_password_is_told(platform, setting, url):
    said = platform.command(f"{setting} {len(platform.said)}", "doctor", status=2, **{setting: url})
    assert setting in said or "127.0.0.1:1/d" in said
    assert not PLANTED.search(said)


def test_an_error_that_nobody_has_foreseen_is_told_with_its_place_and_masked(platform):
    program = (
        "import logging\n"
        "from conflict_assets.cli import app as cli\n"
        "def app():\n"
        "    try:\n"
        "        raise KeyError(PLANTED)\n"
        "    except KeyError as error:\n"
        "        logging.error('logged %s', PLANTED, exc_info=True)\n"
        "        raise RuntimeError(f'unforeseen {PLANTED}') from error\n"
        "import os\n"
        "PLANTED = os.environ['PLANTED']\n"
        "cli.app = app\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PLANTED": QUOTED}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    platform.said["unforeseen"] = done.stdout + done.stderr
    assert done.returncode == 1
    assert "RuntimeError: unforeseen x***-**-5569" in done.stderr
    assert "KeyError" in done.stderr
    assert "logged x***-**-5569" in done.stderr
    assert 'File "<string>", line 8, in app' in done.stderr
    assert not PLANTED.search(platform.said["unforeseen"])


def test_nothing_that_these_errors_leave_holds_a_planted_text(platform):
    """The last one: outputs, Dagster's events, ticks, runs and tags, what steps print, and every other file."""
    scan = Scan({SSN})
    for what, said in platform.said.items():
        scan.text(f"output of {what}", said)
    made_for_them = {("visits.duckdb",), ("data", "postgres")}
    scan.folder(
        platform.folder,
        without=lambda path: path.parts[:1] in made_for_them or path.parts[:2] in made_for_them,
    )
    scan.database(embedded_url(platform.home, database=DAGSTER_DATABASE))
    assert not scan.found
    assert {"table event_logs", "table runs", "table run_tags"} <= set(scan.looked_at)
    assert any(each.endswith(".err") for each in scan.looked_at)
    with psycopg.connect(embedded_url(platform.home, database=DAGSTER_DATABASE)) as connection:
        stored = "".join(
            str(connection.execute(f"SELECT t::text FROM {table} AS t").fetchall())  # noqa: S608 - constants
            for table in ("event_logs", "runs", "run_tags", "job_ticks", "daemon_heartbeats")
        )
    assert "***-**-5569" in stored
    assert not PLANTED.search(stored)
    for path in platform.folder.rglob("*"):
        if path.suffix in {".err", ".out", ".log", ".json", ".yaml"}:
            assert not PLANTED.search(path.read_text(errors="replace")), path
