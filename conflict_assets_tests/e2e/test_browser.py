"""What people see in Dagster's UI: the graph, a partition with its checks, pictures, a failed run; never an SSN.

`make screenshots` keeps the pictures in docs/.
"""

import os
import re
from pathlib import Path

import pytest

from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import ROOT, platform_environment
from conflict_assets_tests.e2e.browser import SECONDS, Browser, chromium
from conflict_assets_tests.e2e.client import wait
from conflict_assets_tests.e2e.faults import inject, mend
from conflict_assets_tests.e2e.servers import Servers
from conflict_assets_tests.pg import execute, rows

pytestmark = pytest.mark.e2e

patient = pytest.mark.timeout(1800)
"""For tests that make runs, or wait for the night before them."""

VISITS = 60_000
SCREENSHOTS = "SCREENSHOTS"
"""The folder to keep the pictures in; they are taken, and thrown away, when it is not named."""
NO_SPACE = "RAISE EXCEPTION 'no space left on device'"
FACTS = ("dagster/row_count", "conflicts", "new", "changed", "resolved", "reopened", "visits_contested")
CONFLICT_CHECKS = ("counts", "dtypes", "no_pair_within_one_agency", "rows_belong_to_prefix")
PICTURES = {"Open conflicts by rule", "Open conflicts by prefix", "Trend of open conflicts over 1 nights"}
VISIT_CHECKS = ("counts", "dtypes", "no_inactive_status", "rows_belong_to_prefix")


def run(servers: Servers, *arguments: str) -> None:
    """Run the night, however busy the machine is."""
    process = servers.begin("run", *arguments)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said


@pytest.fixture(scope="module")
def folder(tmp_path_factory, lay_cluster):
    folder = tmp_path_factory.mktemp("browser")
    lay_cluster(folder / "data" / "postgres")
    yield folder
    stop_embedded(folder / "data" / "postgres")


@pytest.fixture(scope="module")
def servers(folder):
    """Webserver and daemon after a night with nothing configured: a hundred prefixes, all parts embedded."""
    environment = platform_environment(folder, MAX_WORKERS="2", GENERATED_VISITS=str(VISITS))
    servers = Servers(folder=ROOT, environment=environment, logs=folder)
    run(servers)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope="module")
def store(servers, folder):  # noqa: ARG001 - it runs by then
    return embedded_url(folder / "data" / "postgres")


@pytest.fixture(scope="module")
def busy(store):
    """A prefix with conflicts."""
    return rows(store, "SELECT ssn_prefix FROM prefix_runs ORDER BY conflicts DESC, ssn_prefix LIMIT 1")[0][0]


@pytest.fixture(scope="module")
def ssns(store):
    return {ssn for (ssn,) in rows(store, "SELECT DISTINCT ssn FROM conflict_visits")}


@pytest.fixture(scope="module")
def driver(folder):
    with chromium(folder / "profile") as driver:
        yield driver


@pytest.fixture
def browser(driver, servers, folder, ssns):
    pictures = Path(os.environ.get(SCREENSHOTS) or folder)
    browser = Browser(driver, servers.dagster.url, pictures if pictures.is_absolute() else ROOT / pictures)
    yield browser
    numbers = re.findall(r"(?<!\d)(?:\d{9}|\d{3}-\d{2}-\d{4})(?!\d)", browser.source())
    assert not {number.replace("-", "") for number in numbers} & ssns


@patient
def test_the_graph_shows_the_embedded_source_the_partitions_and_the_checks(browser):
    browser.open("/asset-groups", "active_visits", "conflict_summary", "DuckDB")
    times = {"100% filled": 2, "100 partitions": 2, "4 / 4 Passed": 2, "Postgres": 2, "Parquet": 1}
    text = browser.await_page(lambda text: {part: text.count(part) for part in times} == times)
    assert "Snowflake" not in text
    browser.shoot("asset-graph", around="foreignObject")


def test_a_partition_shows_what_its_commit_has_written_down(browser, store, busy):
    shown = ("Materialized (100)", "Failed (0)", "Latest materialization", "as_of", *FACTS)
    text = browser.open(f"/assets/visit_conflicts?view=partitions&partition={busy}", *shown)
    found = rows(
        store,
        """SELECT conflict_rows, conflicts, new_conflicts, changed, resolved, reopened, counts->>'contested'
           FROM prefix_runs WHERE ssn_prefix = %s AND latest""",
        [busy],
    )[0]
    facts = [re.search(rf"^{name}\s+(\d+)$", text, re.M) for name in FACTS]
    assert [int(each[1]) if each else None for each in facts] == [int(each) for each in found]
    browser.shoot("partition")


@pytest.mark.parametrize(
    ("asset", "checks"),
    [("visit_conflicts", CONFLICT_CHECKS), ("active_visits", VISIT_CHECKS)],
    ids=["conflicts", "visits"],
)
def test_each_check_has_passed_for_each_partition(browser, busy, asset, checks):
    browser.open(f"/assets/{asset}?view=checks", f"Checks ({len(checks)})", "Execution history", *checks)
    for check in checks:
        browser.open(f"/assets/{asset}?view=checks&checkDetail={check}", "Execution history", "Latest execution")
        browser.click("Partitions", nth=-1)
        browser.await_text("Passed (100)", "Failed (0)")
        browser.click(busy)
        browser.await_text("Passed", "View all historical executions")


def test_the_summary_draws_its_pictures(browser):
    browser.open("/assets/conflict_summary", "open_conflicts", "trend", "[Show Markdown]")
    drawn: set[str] = set()
    for nth in range(len(PICTURES)):
        browser.click("[Show Markdown]", nth)
        browser.await_text("Close")
        drawn |= await_another(browser, drawn)
        browser.click("Close")
    assert drawn == PICTURES


def await_another(browser: Browser, drawn: set[str]) -> set[str]:
    """Wait for a picture that was not seen before, whole."""

    def others() -> set[str]:
        return {title.split(":")[0] for title, width in browser.images().items() if width} & PICTURES - drawn

    return wait(others, bool, SECONDS)


@patient
def test_a_check_that_fails_says_what_was_found_and_what_to_do(browser, servers, store, busy):
    execute(
        store,
        """CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN IF NEW.visit_id < NEW.con_visit_id THEN RETURN NULL; END IF; RETURN NEW; END $$;
           CREATE TRIGGER swallow BEFORE INSERT ON visit_conflicts FOR EACH ROW EXECUTE FUNCTION swallow()""",
    )
    try:
        execute(store, "DELETE FROM visit_conflicts WHERE ssn_prefix = %s", [busy])
        run(servers, "--prefix", busy)
    finally:
        execute(store, "DROP FUNCTION swallow() CASCADE")
    browser.open("/assets/visit_conflicts?view=checks&checkDetail=counts", "Execution history", "Latest execution")
    browser.click("Partitions", nth=-1)
    browser.await_text("Failed (1)", "Passed (99)")
    browser.click(busy)
    text = browser.await_text("Description", "what_to_do", f"Run it again: conflict-assets run --prefix {busy}")
    assert re.search(r"^\d+ rows were detected, but the store holds \d+ that are in the window", text, re.M)
    run(servers, "--prefix", busy)
    browser.driver.refresh()
    browser.await_text("Passed")


@patient
def test_a_failed_run_names_its_prefix_and_the_command_that_repeats_it(browser, servers, store, busy):
    first, last = f"{max(int(busy) - 4, 0):02d}", f"{min(int(busy) + 10, 99):02d}"
    inject(store, NO_SPACE, busy)
    try:
        failed = servers.dagster.launch_range(first, last)
        assert servers.dagster.await_run(failed, 900) == "FAILURE"
    finally:
        mend(store)
    line = f"Failed prefixes: {busy}. Repeat them with: conflict-assets run --prefix {busy}"
    servers.dagster.await_message(failed, line, 600)
    said = (f"prefix {busy} failed", "The store says: no space left on device", line)
    text = browser.open(f"/runs/{failed}?logs=prefix", "Failure", "Errored (1)", *said)
    assert str(ROOT) not in text
    browser.shoot("failed-run")
    history = ("Failed (1)", "Materialized (99)", "Latest materialization", "View logs")
    because = f"Run {failed[:8]} failed, and did not materialize this asset."
    browser.open(f"/assets/visit_conflicts?view=partitions&partition={busy}", *history, because)
