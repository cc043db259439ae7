"""No full SSN leaves the places that are made for them: a whole platform is run, and all that it leaves is searched."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conflict_assets.store.embedded.cluster import DAGSTER_DATABASE
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, platform_environment
from conflict_assets_tests.pg import execute
from conflict_assets_tests.ssn_scan import Scan, ssns_of

pytestmark = pytest.mark.timeout(1200)

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))


def is_made_for_them(path):
    """Whether a path is the source, its list of planted conflicts, the store, or a snapshot between them."""
    inside = path.parts[:2]
    return inside in {
        ("data", "visits.duckdb"),
        ("data", "visits.planted.parquet"),
        ("data", "postgres"),
    } or is_snapshot(path)


def is_snapshot(path):
    return path.parts[:2] == ("data", "snapshots") and path.suffix == ".parquet"


class Platform:
    """A platform in a folder of its own, and all that its commands have said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.out.mkdir()
        self.said: list[str] = []
        self.environment = platform_environment(
            folder, SSN_PREFIX_LENGTH="1", MAX_WORKERS="2", GENERATED_VISITS="20000"
        )

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        self.said.append(done.stdout + done.stderr)
        assert done.returncode == 0, self.said[-1]
        return done.stdout

    def scan(self) -> Scan:
        scan = Scan(ssns_of(self.folder / "data" / "visits.duckdb"))
        for number, text in enumerate(self.said):
            scan.text(f"output {number}", text)
        scan.folder(self.folder, without=is_made_for_them)
        scan.database(embedded_url(self.folder / "data" / "postgres", database=DAGSTER_DATABASE))
        return scan


@pytest.fixture(scope="module")
def platform(tmp_path_factory, lay_cluster):
    """A night, and everything that a person may ask for in the morning."""
    platform = Platform(tmp_path_factory.mktemp("platform"))
    lay_cluster(platform.folder / "data" / "postgres")
    try:
        platform.command("--debug", "run")
        with psycopg.connect(embedded_url(platform.folder / "data" / "postgres")) as connection:
            row = connection.execute("SELECT visit_id, con_visit_id FROM open_conflicts ORDER BY pair_id").fetchone()
        assert row
        everything = ("export", "--both-sides", "--status", "all")
        for ending in ("csv", "parquet", "xlsx"):
            platform.command(*everything, "--columns", "all", "--out", str(platform.out / f"a.{ending}"))
            platform.command(*everything, "--columns", "brief", "--out", str(platform.out / f"brief.{ending}"))
        platform.command("explain", *row)
        platform.command("show", ",".join(row), "--out", str(platform.out / "a.svg"))
        platform.command("report", "--out", str(platform.out / "a.html"))
        platform.command("run", "--dry-run")
        platform.command("doctor")
        yield platform
    finally:
        stop_embedded(platform.folder / "data" / "postgres")


def test_nothing_that_a_night_and_a_morning_leave_holds_a_full_ssn(platform):
    scan = platform.scan()
    assert len(scan.ssns) > 20
    assert not scan.found
    looked_at = "\n".join(scan.looked_at)
    assert {"table event_logs", "table runs", "table run_tags"} <= set(scan.looked_at)
    for kind in (
        r"a\.csv",
        r"a\.parquet",
        r"a\.xlsx",
        r"a\.html",
        r"a\.svg",
        r"dry_runs/.*\.csv",
        r"\.err",
    ):
        assert re.search(f"/.*{kind}$", looked_at, re.MULTILINE), f"nothing like {kind} was looked at"


def test_the_places_that_are_made_for_them_hold_them(platform):
    """So that the search is known to search for the right numbers."""
    ssns = ssns_of(platform.folder / "data" / "visits.duckdb")
    scan = Scan(ssns)
    for path in platform.folder.rglob("*.parquet"):
        if is_snapshot(path.relative_to(platform.folder)):
            scan.file(path)
    assert scan.found


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_an_export_in_full_would_be_found(platform, tmp_path, ending):
    path = tmp_path / f"full.{ending}"
    platform.command("export", "--full-ssn", "--out", str(path))
    scan = Scan(ssns_of(platform.folder / "data" / "visits.duckdb"))
    scan.file(path)
    assert scan.found


def text(path):
    path.write_text("prefix 1: 123456789 failed", encoding="utf-8")


def dashed(path):
    path.write_text('{"ssn":"123-45-6789"}', encoding="utf-8")


def archive(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("sheet1.xml", "<t>123456789</t>" * 100)


def parquet(path):
    pq.write_table(pa.table({"note": ["of 123 45 6789"]}), path, compression="zstd")


@pytest.mark.parametrize("leave", [text, dashed, archive, parquet], ids=lambda leave: leave.__name__)
def test_a_number_that_is_left_anywhere_is_found(tmp_path, leave):
    leave(tmp_path / "left")
    scan = Scan({"123456789"})
    scan.folder(tmp_path)
    assert scan.found == {str(tmp_path / "left"): {"123456789"}}


def test_a_number_that_is_left_in_a_database_is_found(pg_server):
    url = pg_server.make_database()
    execute(url, "CREATE TABLE event_logs (id int, event text)")
    execute(url, "INSERT INTO event_logs VALUES (1, 'prefix 1: 123456789 failed')")
    scan = Scan({"123456789"})
    scan.database(url)
    assert scan.found == {"table event_logs": {"123456789"}}


def test_a_number_in_a_file_s_name_is_found_and_longer_numbers_are_none(tmp_path):
    (tmp_path / "123456789").mkdir()
    (tmp_path / "clean.log").write_text("1123456789 12345678 1234567890", encoding="utf-8")
    scan = Scan({"123456789"})
    scan.folder(tmp_path)
    assert list(scan.found) == [f"name of {tmp_path / '123456789'}"]
