"""The platform as people drive it: a real webserver and daemon over GraphQL, and the rows in PostgreSQL."""

import psycopg
import pytest

from conflict_assets.store.embedded import embedded_url, stop_embedded
from conflict_assets_tests.dagster_stack import REPOSITORY, Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ASSETS = ["active_visits", "visit_conflicts"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    yield folder
    stop_embedded(folder / "data" / "postgres")


@pytest.fixture(scope="module")
def stack(folder):
    with running_stack(folder, GENERATED_VISITS="20000", MAX_WORKERS="2") as running:
        yield running


def committed(folder) -> set[str]:
    with psycopg.connect(embedded_url(folder / "data" / "postgres")) as connection:
        return {row[0] for row in connection.execute("select distinct ssn_prefix from prefix_runs").fetchall()}


def assert_statuses_agree_with_the_store(stack: Stack, folder) -> None:
    statuses = stack.partition_statuses("visit_conflicts")
    assert statuses["materialized"] == committed(folder)
    assert statuses["failed"] == statuses["materializing"] == set()


def test_one_partition_is_materialized_with_nothing_configured(stack, folder):
    data = stack.query(
        """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
             __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }""",
        params={
            "selector": {
                **REPOSITORY,
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": [asset]} for asset in ASSETS],
                "assetCheckSelection": [],
            },
            "runConfigData": "{}",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "04"}]},
        },
    )["launchPipelineExecution"]
    assert stack.wait_for_run(data["run"]["runId"]) == "SUCCESS"
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
    assert stack.wait_for_run(run, 300) == "SUCCESS"
    assert len(committed(folder)) == 100
    assert_statuses_agree_with_the_store(stack, folder)


def test_the_summary_follows_by_itself(stack, folder):
    def summaries() -> list[str]:
        return [run["status"] for run in stack.runs("conflict_summary_job")]

    stack.wait(summaries, lambda found: "SUCCESS" in found, 120)
    with psycopg.connect(embedded_url(folder / "data" / "postgres")) as connection:
        counted = connection.execute("select count(*) from open_conflicts").fetchone()
    data = stack.query(
        """query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset { assetMaterializations(limit: 1) {
             metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }""",
        key={"path": ["conflict_summary"]},
    )
    entries = data["assetOrError"]["assetMaterializations"][0]["metadataEntries"]
    assert {"label": "open_conflicts", "intValue": counted[0]} in entries
