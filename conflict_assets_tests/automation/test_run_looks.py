"""What a run looks like in the UI, wherever it was started: its log, its tags, the metadata of what it has made."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from dagster import AssetKey, DagsterInstance, RunsFilter

from conflict_assets.assets import resources
from conflict_assets.assets.run_tags import PREFIXES_TAG
from conflict_assets.automation.jobs import NIGHTLY_JOB, SUMMARY_JOB, range_tags
from conflict_assets.definitions import defs
from conflict_assets.settings import Settings, read_settings
from conflict_assets.source.synthetic import generate
from conflict_assets_tests.pg import PgServer, rows

READS_LIKE_A_FAULT = re.compile("did not yield or return|implicit Nothing|skipped dependencies", re.IGNORECASE)
FIRST, LAST = "10", "39"
"""Prefixes of which some have contested visits in the generated source, and most have none."""


@dataclass
class Platform:
    """The real jobs in this process, over a small source, a store and a Dagster of their own."""

    instance: DagsterInstance
    store: str
    settings: dict[str, object]
    """Settings that a test may add."""

    def run(self, job: str = NIGHTLY_JOB, **tags: str) -> str:
        result = defs.resolve_job_def(job).execute_in_process(instance=self.instance, tags=tags)
        assert result.success
        return result.run_id

    def log(self, run_id: str) -> str:
        return "\n".join(entry.user_message for entry in self.instance.all_logs(run_id))

    def tag(self, run_id: str) -> str | None:
        return self.instance.get_runs(RunsFilter(run_ids=[run_id]))[0].tags.get(PREFIXES_TAG)

    def overview(self, asset: str) -> dict[str, object]:
        """The metadata that the asset's page shows: those of its newest materialization."""
        event = self.instance.get_latest_materialization_event(AssetKey(asset))
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def run_assets(self, *assets: str, **tags: str) -> str:
        """Materialize some assets as the buttons of the UI do."""
        job = defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=set(map(AssetKey, assets)))
        return job.execute_in_process(instance=self.instance, tags=tags).run_id

    def empty_prefix(self, run_id: str) -> str:
        return self._first(r"Skipping \d+ empty prefixes .*: (\d\d)", run_id)

    def contested_prefix(self, run_id: str) -> str:
        return self._first(r"\[1/\d+\] prefix (\d\d): ", run_id)

    def _first(self, pattern: str, run_id: str) -> str:
        found = re.search(pattern, self.log(run_id))
        assert found
        return found[1]


@pytest.fixture(scope="module")
def platform(tmp_path_factory, pg_server: PgServer):
    folder = tmp_path_factory.mktemp("looks")
    source = generate(folder / "visits.duckdb", visits=10_000, as_of=datetime.now(tz=UTC).date()).path
    store = pg_server.make_store()
    fixed = {"conflicts_data_dir": folder / "data", "source_file": source, "conflicts_postgres_url": store}
    more: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch, DagsterInstance.ephemeral() as instance:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        patch.setattr(resources, "load_settings", lambda: read_settings(**fixed, **more))
        yield Platform(instance, store, more)


@pytest.fixture(scope="module")
def night(platform) -> str:
    """A run over all of the prefixes, as the schedule and the command line start it."""
    return platform.run(**range_tags(FIRST, LAST))


@pytest.fixture(scope="module")
def empty(platform, night) -> str:
    """A run over one prefix without visits, as the button on the asset's page starts it: the last one materialized.

    The run before it has repeated a prefix, whose earlier commit must not count.
    """
    platform.run(**{"dagster/partition": platform.contested_prefix(night)})
    return platform.run(**{"dagster/partition": platform.empty_prefix(night)})


def test_no_line_of_a_log_reads_like_a_fault(platform, night, empty):
    assert "Success rate" in platform.log(night)
    assert "Success rate" in platform.log(empty)
    for run_id in (night, empty, platform.run(SUMMARY_JOB), platform.run("retention")):
        assert not READS_LIKE_A_FAULT.findall(platform.log(run_id))


def test_the_checks_are_evaluated_once_for_each_prefix_and_nothing_is_materialized_twice(platform, night):
    log = platform.log(night)
    prefixes = int(LAST) - int(FIRST) + 1
    assert log.count("Materialized value visit_conflicts") == prefixes
    assert log.count("on 'visit_conflicts' passed") == log.count("on 'active_visits' passed") == 4 * prefixes


def test_every_run_says_which_prefixes_it_is_over(platform, night, empty):
    prefix = platform.empty_prefix(night)
    assert platform.tag(night) == f"{FIRST}-{LAST}"
    assert platform.tag(empty) == prefix
    assert platform.tag(platform.run(SUMMARY_JOB)) == "00-99"
    assert platform.tag(platform.run("retention")) == "00-99"


def test_a_tag_that_was_copied_from_another_run_is_put_right(platform):
    assert platform.tag(platform.run(**{"dagster/partition": "11", PREFIXES_TAG: "04"})) == "11"


@pytest.mark.parametrize("asset", ["active_visits", "visit_conflicts"])
def test_a_run_of_the_ui_over_one_asset_says_its_prefix(platform, night, asset):
    prefix = platform.empty_prefix(night)
    assert platform.tag(platform.run_assets(asset, **{"dagster/partition": prefix})) == prefix


def test_a_run_of_the_ui_over_the_summary_alone_says_so(platform):
    assert platform.tag(platform.run_assets("conflict_summary")) == "00-99"


def test_the_overview_shows_all_prefixes_beside_the_last_one(platform, empty):  # noqa: ARG001 - it was the last
    ((conflicts, found),) = rows(
        platform.store, "SELECT sum(conflicts)::int, sum(conflict_rows)::int FROM prefix_runs WHERE latest"
    )
    shown = platform.overview("visit_conflicts")
    assert shown["conflicts"] == shown["dagster/row_count"] == 0
    assert (shown["all_prefixes_conflicts"], shown["all_prefixes_rows"]) == (conflicts, found)
    assert conflicts > 0


def test_the_overview_of_the_visits_does_too(platform, empty):  # noqa: ARG001 - it was the last
    counted = ("visits_seen", "active", "contested")
    sums = ", ".join(f"sum((counts->>'{name}')::int)::int" for name in counted)
    (expected,) = rows(platform.store, f"SELECT {sums} FROM prefix_runs WHERE latest")  # noqa: S608 - our own names
    shown = platform.overview("active_visits")
    assert shown["contested"] == 0
    assert tuple(shown[f"all_prefixes_{name}"] for name in counted) == expected
    assert expected[2] > 0


def test_the_summary_says_how_its_report_is_opened(platform, night):  # noqa: ARG001 - there is something to report
    platform.run(SUMMARY_JOB)
    shown = platform.overview("conflict_summary")
    assert shown["report"] == "conflict-assets report --open"
    assert shown["report_file"].endswith(".html")


def test_the_summary_links_to_its_report_where_a_web_server_shows_it(platform, monkeypatch):
    monkeypatch.setitem(platform.settings, "report_url", "https://reports.example/conflicts/")
    run_id = platform.run(SUMMARY_JOB)
    shown = platform.overview("conflict_summary")
    name = shown["report_file"].rpartition("/")[2]
    assert run_id[:8] in name
    assert shown["report"] == f"https://reports.example/conflicts/{name}"
    event = platform.instance.get_latest_materialization_event(AssetKey("conflict_summary"))
    assert type(event.asset_materialization.metadata["report"]).__name__ == "UrlMetadataValue"
