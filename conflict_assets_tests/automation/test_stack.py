"""The platform as people drive it: a real webserver and daemon over GraphQL, and the rows in PostgreSQL."""

import psycopg
import pytest

from conflict_assets.automation.jobs import range_tags
from conflict_assets.store.embedded import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import REPOSITORY, Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ASSETS = ["active_visits", "visit_conflicts"]
PREFIX_LOCK = 0x636F6E70
"""The lock under which the store replaces a prefix."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    yield folder
    stop_embedded(folder / "data" / "postgres")


@pytest.fixture(scope="module")
def stack(folder):
    with running_stack(folder, MAX_WORKERS="2") as running:
        yield running


def committed(folder) -> set[str]:
    with psycopg.connect(embedded_url(folder / "data" / "postgres")) as connection:
        return {row[0] for row in connection.execute("select distinct ssn_prefix from prefix_runs").fetchall()}


def assert_statuses_agree_with_the_store(stack: Stack, folder) -> None:
    statuses = stack.partition_statuses("visit_conflicts")
    assert statuses["materialized"] == committed(folder)
    assert statuses["failed"] == statuses["materializing"] == set()


def test_one_partition_is_materialized_with_nothing_configured(stack, folder):
    assert stack.wait_for_run(stack.materialize(ASSETS, "04")) == "SUCCESS"
    assert stack.partition_statuses("visit_conflicts")["materialized"] == {"04"}
    assert_statuses_agree_with_the_store(stack, folder)


def test_a_backfill_of_scattered_prefixes_does_just_those(stack, folder):
    before = committed(folder)
    assert stack.wait_for_backfill(stack.backfill(ASSETS, ["05", "06", "17"])) == "COMPLETED_SUCCESS"
    assert committed(folder) == before | {"05", "06", "17"}
    assert_statuses_agree_with_the_store(stack, folder)


def test_a_tick_of_the_schedule_asks_for_the_whole_night_and_the_night_succeeds(stack, folder):
    tick = stack.query(
        """mutation($selector: ScheduleSelector!, $timestamp: Float!) {
             scheduleDryRun(selectorData: $selector, timestamp: $timestamp) { __typename ... on DryRunInstigationTick {
               evaluationResult { error { message } runRequests { runConfigYaml tags { key value } } } } } }""",
        selector={**REPOSITORY, "scheduleName": "nightly_conflicts"},
        timestamp=1795417200.0,
    )["scheduleDryRun"]["evaluationResult"]
    assert tick["error"] is None
    (request,) = tick["runRequests"]
    tags = {tag["key"]: tag["value"] for tag in request["tags"]}
    run = stack.launch("nightly_conflicts", tags)
    assert stack.wait_for_run(run, 600) == "SUCCESS"
    assert len(committed(folder)) == 100
    assert_statuses_agree_with_the_store(stack, folder)


def test_the_summary_follows_by_itself(stack, folder):
    with psycopg.connect(embedded_url(folder / "data" / "postgres")) as connection:
        (counted,) = connection.execute("select count(*) from open_conflicts").fetchone()
    stack.wait(lambda: summarized(stack), lambda open_conflicts: open_conflicts == counted, 300)


def summarized(stack: Stack) -> int | None:
    """The open conflicts of the newest summary."""
    data = stack.query(
        """query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset { assetMaterializations(limit: 1) {
             metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }""",
        key={"path": ["conflict_summary"]},
    )
    for materialization in data["assetOrError"].get("assetMaterializations", []):
        for entry in materialization["metadataEntries"]:
            if entry["label"] == "open_conflicts":
                return entry["intValue"]
    return None


def test_a_failed_prefix_is_red_alone_and_repeated_alone(stack, folder):
    url = embedded_url(folder / "data" / "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """create function refuse_four() returns trigger language plpgsql as
                 $$ begin if new.ssn_prefix = '04' then raise exception 'injected'; end if; return new; end $$;
               create trigger refuse_four before insert on prefix_runs for each row execute function refuse_four()"""
        )
        before = rows_of_04(connection)
        failed = stack.launch("nightly_conflicts", range_tags("03", "06"))
        assert stack.wait_for_run(failed) == "FAILURE"
        assert stack.partition_statuses("visit_conflicts")["failed"] == {"04"}
        assert rows_of_04(connection) == before
        connection.execute("drop trigger refuse_four on prefix_runs; drop function refuse_four()")
        repeated = stack.reexecute_from_failure(failed)
        assert stack.wait_for_run(repeated) == "SUCCESS"
        assert {step for step, status in stack.steps(repeated).items() if status == "SUCCESS"} == {
            "visit_conflicts.detect_batch[03to04]",
            "visit_conflicts.publish_conflicts",
        }
        assert stack.checked_prefixes(repeated) == {"03", "04", "05", "06"}
        runs = dict(
            connection.execute(
                "select ssn_prefix, count(*) from prefix_runs where root_run_id = %s group by ssn_prefix", [failed]
            ).fetchall()
        )
    assert runs == {"03": 1, "04": 1, "05": 1, "06": 1}
    assert_statuses_agree_with_the_store(stack, folder)


def test_a_manual_run_that_overlaps_another_waits_for_it(stack, folder):
    with psycopg.connect(embedded_url(folder / "data" / "postgres"), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s, 4)", [PREFIX_LOCK])
        first = stack.launch("nightly_conflicts", range_tags("03", "05"))
        stack.wait(lambda: stack.run_status(first), lambda status: status == "STARTED", 120)
        manual = stack.materialize(ASSETS, "04")
        stack.wait(lambda: stack.messages(manual), lambda said: any(f"Waiting for run {first}" in m for m in said), 120)
        connection.execute("select pg_advisory_unlock(%s, 4)", [PREFIX_LOCK])
        assert stack.wait_for_run(first) == "SUCCESS"
        assert stack.wait_for_run(manual) == "SUCCESS"
        committed_04 = connection.execute(
            "select run_id from prefix_runs where ssn_prefix = '04' and run_id = any(%s) order by as_of",
            [[first, manual]],
        ).fetchall()
    assert committed_04 == [(first,), (manual,)]
    assert_statuses_agree_with_the_store(stack, folder)


def rows_of_04(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select * from visit_conflicts where ssn_prefix = '04' order by ssn, visit_id, con_visit_id"
    ).fetchall()
