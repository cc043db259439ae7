"""What the UI says of each asset: owner, tags, columns with their meaning, pages, and what is out of date."""

import asyncio
import warnings
from pathlib import Path

import psycopg
import pytest
from dagster import AssetKey, DagsterInstance, Definitions
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_graphql.schema import create_schema

import conflict_assets
from conflict_assets.assets import asset_metadata
from conflict_assets.assets.active_visits import active_visits
from conflict_assets.assets.asset_metadata import described
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.visit_conflicts import visit_conflicts
from conflict_assets.domain.detection_result import CONFLICT_SCHEMA
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.store.column_comments import column_comments
from conflict_assets_tests.assets.small_platform import SmallPlatform, small

__all__ = ["small"]

PROJECT = Path(conflict_assets.__file__).parents[1]
ASSETS = """{ assetNodes {
    assetKey { path } groupName kinds opVersion tags { key value } owners { ... on TeamAssetOwner { team } }
    metadataEntries {
        label ... on TextMetadataEntry { text }
        ... on TableSchemaMetadataEntry {
            schema { columns { name type description constraints { nullable } } } } } } }"""


@pytest.fixture(scope="module")
def nodes():
    """What GraphQL answers of each asset."""
    origin = LoadableTargetOrigin(executable_path=None, module_name="conflict_assets.definitions")
    with warnings.catch_warnings(), DagsterInstance.local_temp() as instance:
        # Dagster asks schedules for a property that it has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        with in_process_test_workspace(instance, origin) as workspace:
            answer = asyncio.run(create_schema().execute_async(ASSETS, context_value=workspace))
    assert answer.errors is None
    return {node["assetKey"]["path"][0]: node for node in answer.data["assetNodes"]}


def entries(node):
    return {entry["label"]: entry for entry in node["metadataEntries"]}


def test_every_asset_has_its_owner_its_kinds_and_the_release(nodes):
    assert set(nodes) == {"active_visits", "visit_conflicts", "conflict_summary"}
    for node in nodes.values():
        assert node["owners"] == [{"team": "conflicts"}]
        assert node["opVersion"] == asset_metadata.CODE_VERSION
    assert {name: set(node["kinds"]) for name, node in nodes.items()} == {
        "active_visits": {"duckdb", "parquet"},
        "visit_conflicts": {"postgres", "pandas"},
        "conflict_summary": {"postgres"},
    }


def test_a_tag_tells_whether_there_are_health_data_of_persons_behind_an_asset(nodes):
    told = {name: {tag["key"]: tag["value"] for tag in node["tags"]}["sensitivity"] for name, node in nodes.items()}
    assert told == {"active_visits": "phi", "visit_conflicts": "phi", "conflict_summary": "masked"}


@pytest.mark.parametrize(("asset", "schema"), [("active_visits", VISIT_SCHEMA), ("visit_conflicts", CONFLICT_SCHEMA)])
def test_every_column_is_shown_with_its_type_and_meaning(nodes, asset, schema):
    columns = entries(nodes[asset])["dagster/column_schema"]["schema"]["columns"]
    assert [(each["name"], each["type"]) for each in columns] == [(each.name, str(each.type)) for each in schema]
    assert [each["name"] for each in columns if not each["description"]] == []
    nullable = {each["name"]: each["constraints"]["nullable"] for each in columns}
    assert (nullable["ssn"], nullable["visit_id"]) == (False, False)
    assert nullable["visit_status" if asset == "active_visits" else "distance_miles"]


def test_the_pages_that_an_asset_names_are_there(nodes):
    for node in nodes.values():
        pages = entries(node)["docs"]["text"].split(", ")
        assert [page for page in pages if not (PROJECT / page).is_file()] == []


@pytest.mark.parametrize("table", ["conflict_visits", "visit_conflicts"])
def test_the_meanings_are_the_comments_of_the_store(store_url, table):
    with psycopg.connect(store_url) as connection:
        stored = connection.execute(
            """SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
               WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped""",
            [table],
        ).fetchall()
    assert column_comments(table) == dict(stored)


def stale(platform: SmallPlatform) -> dict[str, list[str]]:
    """Why the UI marks prefix 01 of an asset as out of date, if it does."""
    assets = [described(active_visits), described(visit_conflicts)]
    graph = Definitions(assets, resources={"platform": Platform()}).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(platform.instance, graph, LoadingContextForTest(platform.instance))
    found = {}
    for asset in ("active_visits", "visit_conflicts"):
        causes = resolver.get_stale_causes(AssetKey(asset), "01")
        assert (resolver.get_status(AssetKey(asset), "01") is StaleStatus.FRESH) == (not causes)
        found[asset] = [cause.reason for cause in causes]
    return found


def data_version(platform: SmallPlatform) -> str:
    record = platform.instance.get_latest_data_version_record(AssetKey("active_visits"), partition_key="01")
    return record.event_log_entry.asset_materialization.tags["dagster/data_version"]


def test_only_what_is_out_of_date_is_marked_so(small, monkeypatch):
    small.run("01")
    first = data_version(small)
    assert stale(small) == {"active_visits": [], "visit_conflicts": []}
    small.run("01", assets=("active_visits",))
    assert data_version(small) != first
    assert stale(small) == {"active_visits": [], "visit_conflicts": ["has a new dependency materialization"]}
    monkeypatch.setattr(asset_metadata, "CODE_VERSION", "another")
    assert stale(small)["active_visits"] == ["has a new code version"]
