"""Output that nobody reads is lost, and no failure: through real pipes, as a shell makes them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import bare_environment, platform_environment
from conflict_assets_tests.pg import rows
from conflict_assets_tests.source.warehouse import Warehouse
from conflict_assets_tests.store.nights import Pair, night

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))


@pytest.fixture
def environment(store_url, pg_server, tmp_path):
    """A store with one conflict, and no source."""
    storage = pg_server.make_database()
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair()]))
    yield bare_environment() | {
        "CONFLICTS_POSTGRES_URL": store_url,
        "DAGSTER_POSTGRES_URL": storage,
        "CONFLICTS_DATA_DIR": str(tmp_path / "data"),
    }
    pg_server.drop(storage)


def unread(environment, *arguments, errors=subprocess.PIPE):
    """What a command ends with whose output has no reader from the start, and what it says beside that."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [COMMAND, *arguments],
            env=environment,
            stdout=writer,
            stderr=writer if errors is None else errors,
            text=True,
            timeout=240,
            check=False,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["store", "url"], 0),
        (["show", "a,b"], 0),
        (["decide", "a,b", "--ignore", "--reason", "known"], 0),
        (["doctor"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_command_whose_output_nobody_reads_ends_as_ever(environment, arguments, code):
    assert unread(environment, *arguments) == (code, "")


def test_a_list_that_nobody_reads_says_how_many_there_are_where_errors_go(environment):
    assert unread(environment, "list") == (0, "1 of 1 conflicts, the costliest first\n")


def test_an_explanation_that_nobody_reads_ends_as_ever(environment, tmp_path):
    warehouse = Warehouse(tmp_path / "visits.duckdb")
    warehouse.caregiver()
    for visit_id, agency in (("a", "P"), ("b", "Q")):
        warehouse.agency(agency)
        warehouse.visit(visit_id, **{"Provider Id": agency})
    environment |= {"SOURCE_FILE": str(warehouse.close())}
    assert unread(environment, "explain", "a", "b") == (0, "")


def test_what_a_command_writes_is_written_whoever_reads_its_words(environment, tmp_path):
    (tmp_path / "data").mkdir()
    assert unread(environment, "export", "--out", str(tmp_path / "a.csv")) == (0, "")
    assert unread(environment, "report", "--out", str(tmp_path / "a.html")) == (0, "")
    assert {file.name for file in tmp_path.iterdir()} >= {"a.csv", "a.html"}


def test_errors_that_nobody_reads_leave_the_exit_code_as_it_is(environment):
    assert unread(environment | {"MAX_WORKERS": "eleven"}, "doctor", errors=None)[0] == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_may_be_started_without_an_output(environment, closed):
    done = subprocess.run(
        ["sh", "-c", f"exec {COMMAND} show a,b {closed}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_line_can_be_had_alone(environment):
    """As a shell does it, and with the exit codes of both."""
    line = f"set -o pipefail; {COMMAND} doctor | head -1"
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("Source: ")
    assert done.stdout.count("\n") == 1


def test_a_night_goes_on_when_nobody_reads_on(tmp_path, lay_cluster):
    lay_cluster(tmp_path / "data" / "postgres")
    environment = platform_environment(tmp_path, SSN_PREFIX_LENGTH="1", GENERATED_VISITS="10000")
    line = f"set -o pipefail; {COMMAND} run | head -1"
    try:
        done = subprocess.run(
            ["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Source: generated visits in ")
        assert done.stdout.count("\n") == 1
        url = embedded_url(tmp_path / "data" / "postgres")
        assert rows(url, "SELECT count(*), sum(conflicts) > 0 FROM prefix_runs") == [(10, True)]
    finally:
        stop_embedded(tmp_path / "data" / "postgres")
