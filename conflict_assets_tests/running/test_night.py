"""The night, as its users start it: the real command line, generated visits, embedded PostgreSQL."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psycopg
import pytest
from dagster import DagsterInstance, RunsFilter

from conflict_assets.automation.jobs import NIGHTLY_JOB
from conflict_assets.store.commit_record import PREFIX_LOCK
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, platform_environment

pytestmark = pytest.mark.usefixtures("first_run")

VISITS = 60_000
AWAY = "postgresql://nobody@127.0.0.1:1/none"
COMMAND = str(Path(sys.executable).with_name("conflict-assets"))


class CommandNight:
    """A platform in a folder of its own, with one-digit prefixes: ten partitions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = platform_environment(
            folder, SSN_PREFIX_LENGTH="1", MAX_WORKERS="2", GENERATED_VISITS=str(VISITS)
        )

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=ROOT,
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def rows(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(embedded_url(self.folder / "data" / "postgres")) as connection:
            return connection.execute(statement, parameters).fetchall()

    def write(self, statement: str) -> None:
        with psycopg.connect(embedded_url(self.folder / "data" / "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def stored(self) -> list[tuple[object, ...]]:
        return self.rows("select * from visit_conflicts order by ssn, visit_id, con_visit_id")


@pytest.fixture(scope="module")
def night(tmp_path_factory, lay_cluster):
    platform = CommandNight(tmp_path_factory.mktemp("night"))
    lay_cluster(platform.folder / "data" / "postgres")
    yield platform
    stop_embedded(platform.folder / "data" / "postgres")


@pytest.fixture(scope="module")
def first_run(night):
    return night.command("run")


def test_the_first_night_finds_all_that_was_planted_and_nothing_else(night, first_run):
    assert first_run.returncode == 0, first_run.stdout + first_run.stderr
    places = f"Source: generated visits in {night.folder}/data/visits.duckdb · store: embedded PostgreSQL in "
    assert first_run.stdout.startswith(f"{places}{night.folder}/data/postgres\n")
    assert first_run.stdout.count("Source: ") == 1
    found = re.search(r"Planted conflicts found: (\d+) of (\d+), 0 unexpected", first_run.stdout)
    assert found, first_run.stdout
    assert found[1] == found[2] != "0"
    assert "Success rate: 10/10 prefixes" in first_run.stdout
    assert len(re.findall(r"\[\d+/10\] prefix \d: \d+ conflicts, \d+ rows \(\d+ new", first_run.stdout)) == 10


def test_a_night_ends_with_the_costliest_new_conflicts_and_what_to_do(night, first_run):
    *_, said = first_run.stdout.partition("Costliest new conflicts")
    pairs = re.findall(r"pair ([0-9a-f]{32}): ", said)
    assert pairs == [
        pair
        for (pair,) in night.rows(
            """select pair_id from conflict_visit_maps where status = 'new' group by pair_id
               order by sum(overlap_amount) desc nulls last, sum(shift_amount) desc, pair_id limit 3"""
        )
    ]
    *_, show, _decide, _report = said.splitlines()
    assert show.endswith(f"conflict-assets show {pairs[0]}")
    pasted = subprocess.run(show, shell=True, cwd=ROOT, env=night.environment, capture_output=True, check=True)  # noqa: S602
    assert pairs[0] in pasted.stdout.decode()


def test_each_finished_prefix_has_its_own_place_in_the_count(first_run):
    assert sorted(int(k) for k in re.findall(r"\[(\d+)/10\]", first_run.stdout)) == list(range(1, 11))


def test_the_summary_counts_what_the_view_counts(night, first_run):
    told = re.search(r"(\d+) open conflicts of", first_run.stdout)
    assert told
    assert night.rows("select count(*) from open_conflicts") == [(int(told[1]),)]


def test_no_line_and_no_file_name_holds_an_ssn(night, first_run):
    with duckdb.connect(str(night.folder / "data" / "visits.duckdb"), read_only=True) as source:
        ssns = {
            row[0].replace("-", "").strip()
            for row in source.execute('select "SSN" from BI.DIMCAREGIVER').fetchall()
            if row[0]
        }
    said = first_run.stdout + first_run.stderr + "".join(str(path) for path in night.folder.rglob("*"))
    numbers = set(re.findall(r"(?<!\d)\d{9}(?!\d)", said.replace("-", "")))
    assert not numbers & ssns


def test_files_with_rows_are_readable_by_their_owner_only(night):
    files = [*night.folder.rglob("*.parquet"), *(night.folder / "data").glob("*.duckdb")]
    assert files
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_a_second_night_changes_no_row(night):
    before = night.rows("select xmin::text, ctid::text from visit_conflicts order by 2")
    again = night.command("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "0 new, 0 changed, 0 resolved" in again.stdout
    assert "Costliest" not in again.stdout
    assert night.rows("select xmin::text, ctid::text from visit_conflicts order by 2") == before


def test_a_prefix_that_fails_fails_alone_and_keeps_its_old_rows(night):
    before = night.stored()
    night.write(
        """delete from visit_conflicts where ssn_prefix = '4'
           and visit_id = (select min(visit_id) from visit_conflicts where ssn_prefix = '4')"""
    )
    damaged = night.stored()
    assert damaged != before
    night.write(
        """create function refuse_four() returns trigger language plpgsql as
             $$ begin if new.ssn_prefix = '4' then raise exception 'injected'; end if; return new; end $$;
           create trigger refuse_four before insert on prefix_runs for each row execute function refuse_four()"""
    )
    try:
        failed = night.command("run")
    finally:
        night.write("drop trigger refuse_four on prefix_runs; drop function refuse_four()")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "Failed prefixes: 4. Repeat them with: conflict-assets run --prefix 4" in failed.stdout
    assert failed.stdout.count("Success rate: 9/10 prefixes") == 1
    assert len(re.findall(r"\[\d+/10\] prefix", failed.stdout)) == 9
    assert night.stored() == damaged
    repeated = night.command("run", "--prefix", "4")
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    assert len(night.stored()) == len(before)


def test_a_half_loaded_source_stops_the_night_before_any_commit(night):
    before = night.stored()
    source = night.folder / "data" / "visits.duckdb"
    whole = source.read_bytes()
    with duckdb.connect(str(source)) as connection:
        connection.execute("delete from BI.FACTVISITCALLPERFORMANCE_CR where rowid % 2 = 0")
    try:
        stopped = night.command("run")
        assert stopped.returncode == 1, stopped.stdout + stopped.stderr
        assert "--allow-visit-drop" in stopped.stdout
        assert night.stored() == before
        let_through = night.command("run", "--allow-visit-drop")
        assert let_through.returncode == 1
        assert "Success rate: 10/10 prefixes" in let_through.stdout
        assert night.stored() != before
    finally:
        source.write_bytes(whole)
        source.chmod(0o600)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MAX_WORKERS": "eleven"}, "MAX_WORKERS is 'eleven'; allowed: a whole number from 1 to 64"),
        ({"SOURCE_FILE": "/nowhere/visits.duckdb"}, "/nowhere/visits.duckdb"),
        ({"CONFLICTS_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none"}, "127.0.0.1"),
        ({"SSN_PREFIX_LENGTH": "2"}, "SSN_PREFIX_LENGTH"),
        ({"VISIT_STATUS_COLUMN": "State"}, "VISIT_STATUS_COLUMN"),
        ({"CONFLICTS_DATA_DIR": "/proc/x"}, "CONFLICTS_DATA_DIR is /proc/x, which can't be used"),
        ({"DAGSTER_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none"}, "DAGSTER_POSTGRES_URL"),
        ({"DAGSTER_POSTGRES_URL": "nonsense"}, "DAGSTER_POSTGRES_URL"),
    ],
    ids=[
        "setting",
        "missing source",
        "refusing store",
        "another prefix length",
        "missing column",
        "data folder",
        "Dagster's storage is away",
        "no URL of Dagster's storage",
    ],
)
def test_bad_input_gets_one_message_and_exit_code_two(night, settings, said):
    # Named, since what was generated is not read beside a store of one's own otherwise.
    named = {"SOURCE_FILE": str(night.folder / "data" / "visits.duckdb")}
    refused = night.command("run", **named | settings)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert said in refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


@pytest.mark.parametrize("command", ["run", "dev", "doctor"])
def test_a_temporary_folder_with_too_long_a_path_is_refused_before_anything_is_started(night, tmp_path, command):
    folder = tmp_path / ("t" * 98)
    folder.mkdir()
    refused = night.command(command, TMPDIR=str(folder))
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert f"TMPDIR is {folder}" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"CONFLICTS_DATA_DIR": "/proc/x"}, "folders: CONFLICTS_DATA_DIR is /proc/x, which can't be used: "),
        ({"DAGSTER_POSTGRES_URL": AWAY}, "dagster: "),
        ({"DAGSTER_HOME": "/proc/x"}, "dagster: Dagster's home is /proc/x, which can't be used: "),
    ],
    ids=["folders", "Dagster's storage", "Dagster's home"],
)
def test_the_doctor_finds_what_stops_a_night_beside_source_and_store(night, settings, problem):
    ill = night.command("doctor", **settings)
    assert ill.returncode == 2
    assert f"PROBLEM {problem}" in ill.stdout
    assert "Traceback" not in ill.stdout + ill.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda sign: sign.name)
def test_a_night_that_is_broken_off_ends_in_order_and_leaves_nothing_held(night, sign):
    """That nothing is in the way of the next night, the next one shows."""
    with psycopg.connect(embedded_url(night.folder / "data" / "postgres"), autocommit=True) as connection:
        for prefix in range(10):
            connection.execute("SELECT pg_advisory_lock(%s, %s)", [PREFIX_LOCK, prefix])
        broken_off = night.begin("run")
        wait_for(lambda: night.rows("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(2,)])
        broken_off.send_signal(sign)
        said, _ = broken_off.communicate(timeout=120)
    assert broken_off.returncode == 130, said
    assert "Interrupted. Failed prefixes: 0-9. Repeat them with: conflict-assets run --prefix 0-9" in said
    assert "Traceback" not in said
    wait_for(lambda: night.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)])


def test_after_nights_that_were_broken_off_nobody_is_at_work_and_a_night_goes_through(night):
    assert "none of 8 at work" in night.command("doctor").stdout
    repeated = night.command("run")
    assert "Success rate: 10/10 prefixes" in repeated.stdout, repeated.stdout + repeated.stderr


def wait_for(look, seconds=120):
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("options", "full", "allow_visit_drop"),
    [((), False, False), (("--full",), True, False), (("--allow-visit-drop",), False, True)],
    ids=["neither", "full", "allow-visit-drop"],
)
def test_what_the_command_is_asked_for_stands_in_the_configuration_of_its_run(night, options, full, allow_visit_drop):
    done = night.command("run", "--prefix", "4", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    with DagsterInstance.from_config(night.environment["DAGSTER_HOME"]) as instance:
        (run,) = instance.get_runs(RunsFilter(job_name=NIGHTLY_JOB), limit=1)
    assert run.run_config["ops"]["active_visits"]["config"] == {"full": full, "allow_visit_drop": allow_visit_drop}


def test_several_ranges_end_with_one_total_and_one_success_rate(night):
    done = night.command("run", "--prefix", "1", "--prefix", "3-4")
    assert done.stdout.count("Success rate: 3/3 prefixes") == done.stdout.count("Success rate") == 1
    assert done.stdout.count("Totals: ") == 1
    ((conflicts,),) = night.rows(
        "SELECT sum(conflicts) FROM prefix_runs WHERE latest AND ssn_prefix IN (%s, %s, %s)", "1", "3", "4"
    )
    assert f"Totals: {conflicts} conflicts" in done.stdout


def test_debug_shows_the_stack_trace(night):
    assert "Traceback" in night.command("--debug", "run", MAX_WORKERS="eleven").stderr


def test_an_unknown_prefix_is_refused(night):
    refused = night.command("run", "--prefix", "77")
    assert refused.returncode == 2
    assert "allowed: 1 digit" in refused.stderr


def test_the_doctor_finds_a_healthy_platform_healthy(night):
    with socket.create_server(("127.0.0.1", 0)) as chat:
        webhook = f"http://127.0.0.1:{chat.getsockname()[1]}/hunter2"
        found = night.command("doctor", ALERT_WEBHOOK_URL=webhook)
    assert found.returncode == 0, found.stdout
    assert found.stdout.startswith("Source: generated visits in ")
    parts = re.findall(r"(?m)^ok +(\w+): ", found.stdout)
    assert parts == ["settings", "folders", "source", "store", "lists", "workers", "dagster", "alerts", "webhook"]
    assert "0 excluded agencies, 0 excluded caregivers, 4 speed bands" in found.stdout
    assert "alerts: a webhook" in found.stdout
    assert re.search(r"folders: files are written to .*, [\d,]+\.\d GiB free", found.stdout)
    assert "hunter2" not in found.stdout


def test_the_doctor_calls_wrong_settings_and_speed_bands_a_problem(night):
    assert "PROBLEM settings: MAX_WORKERS is 'x'" in night.command("doctor", MAX_WORKERS="x").stdout
    night.write("INSERT INTO speed_bands VALUES (1, NULL, 30)")
    try:
        assert "PROBLEM lists: The store's table of speed bands can't be used" in night.command("doctor").stdout
    finally:
        night.write("DELETE FROM speed_bands WHERE from_miles = 1")


def test_the_doctor_names_what_is_to_be_mended(night):
    ill = night.command("doctor", SOURCE_FILE="/nowhere/visits.duckdb")
    assert ill.returncode == 2
    assert "PROBLEM" in ill.stdout
    assert "/nowhere/visits.duckdb" in ill.stdout
    assert os.linesep in ill.stdout
