"""A platform in one process: the real jobs over a small warehouse, a store and a Dagster instance of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    DagsterRun,
    Definitions,
    JobDefinition,
    in_process_executor,
)
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan, execute_run
from dagster._core.execution.plan.state import KnownExecutionState

from conflict_assets.assets import check_events
from conflict_assets.assets.active_visits import active_visits
from conflict_assets.assets.asset_metadata import described
from conflict_assets.assets.partition_definitions import SSN_PREFIXES
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.visit_conflicts import visit_conflicts
from conflict_assets.automation.jobs import NIGHTLY_JOB, nightly_conflicts, range_tags
from conflict_assets.settings import Settings, load_settings
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.source.warehouse import Warehouse

PREFIXES = list(SSN_PREFIXES.get_partition_keys())
BUSY = ("01", "02", "03", "50", "60")
"""The prefixes with a conflict; the others have no visits."""


def _job() -> JobDefinition:
    definitions = Definitions(
        [described(active_visits), described(visit_conflicts)],
        jobs=[nightly_conflicts],
        resources={"platform": Platform()},
        executor=in_process_executor,
    )
    return definitions.resolve_job_def(NIGHTLY_JOB)


@dataclass
class SmallPlatform:
    """What tests do with it, and what is seen of it."""

    folder: Path
    store: str
    instance: DagsterInstance

    @property
    def source(self) -> Path:
        return self.folder / "visits.duckdb"

    @property
    def snapshots(self) -> SnapshotStore:
        return SnapshotStore(self.folder / "data" / "snapshots")

    def job(self) -> JobDefinition:
        return _job()

    def run(
        self, *bounds: str, assets: tuple[str, ...] = (), reading: Mapping[str, bool] | None = None, **tags: str
    ) -> DagsterRun:
        """Run the nightly job over a range of prefixes, or over no partition at all.

        `reading` is what the launchpad says to `active_visits`.
        """
        given = (range_tags(bounds[0], bounds[-1]) if bounds else {}) | tags
        selection = [AssetKey(asset) for asset in assets] or None
        result = _job().execute_in_process(
            run_config={"ops": {"active_visits": {"config": dict(reading)}}} if reading else {},
            instance=self.instance,
            tags=given,
            asset_selection=selection,
            raise_on_error=False,
        )
        return self.stored(result.run_id)

    def night(self) -> DagsterRun:
        return self.run(PREFIXES[0], PREFIXES[-1])

    def reexecute(self, parent: DagsterRun, *, from_failure: bool = True, **given: str) -> DagsterRun:
        """Re-execute a run, as the UI does: from failure, or all its steps."""
        root = parent.root_run_id or parent.run_id
        tags = {**parent.tags, "dagster/parent_run_id": parent.run_id, "dagster/root_run_id": root} | given
        tags.pop("dagster/is_resume_retry", None)
        job, steps, state = _job(), None, None
        if parent.asset_selection:
            job = job.get_subset(asset_selection=parent.asset_selection)
        if from_failure:
            steps, state = KnownExecutionState.build_resume_retry_reexecution(self.instance, parent_run=parent)
            tags["dagster/is_resume_retry"] = "true"
        plan = create_execution_plan(job, parent.run_config, steps, known_state=state, instance_ref=None)
        run = self.instance.create_run_for_job(
            job, plan, run_config=parent.run_config, tags=tags, root_run_id=root, parent_run_id=parent.run_id,
            asset_selection=parent.asset_selection,
        )  # fmt: skip
        execute_run(InMemoryJob(job), run, self.instance)
        return self.stored(run.run_id)

    def stored(self, run_id: str) -> DagsterRun:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run

    def query(self, text: str) -> list[tuple[Any, ...]]:
        return rows(self.store, text)

    @contextmanager
    def refusing(self, *prefixes: str, fault: str = "RAISE EXCEPTION 'injected'") -> Iterator[None]:
        """A store that refuses each commit of these prefixes."""
        listed = ", ".join(f"'{prefix}'" for prefix in prefixes)
        execute(
            self.store,
            f"""CREATE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS
                  $$ BEGIN IF NEW.ssn_prefix IN ({listed}) THEN {fault}; END IF; RETURN NEW; END $$;
                CREATE TRIGGER injected BEFORE INSERT ON prefix_runs FOR EACH ROW EXECUTE FUNCTION injected()""",
        )
        try:
            yield
        finally:
            execute(self.store, "DROP FUNCTION IF EXISTS injected() CASCADE")

    # What the UI shows

    def partitions(self, asset: str = "visit_conflicts") -> dict[str, list[str]]:
        """Partitions by status."""
        statuses = self.instance.get_status_by_partition(AssetKey(asset), PREFIXES, SSN_PREFIXES) or {}
        found: dict[str, list[str]] = {}
        for prefix, status in sorted(statuses.items()):
            if status is not None:
                found.setdefault(status.value, []).append(prefix)
        return found

    def checked(self, asset: str = "visit_conflicts", check: str = "counts") -> dict[str, set[str]]:
        """Partitions of a check by status, as GraphQL answers; those that are in none of them show as missing."""
        key = AssetCheckKey(AssetKey(asset), check)
        state = self.instance.event_log_storage.get_asset_check_state([(key, SSN_PREFIXES)])[key]
        subsets = {status.value: set(each.subset_value.get_partition_keys()) for status, each in state.subsets.items()}
        return {status: prefixes for status, prefixes in subsets.items() if prefixes}

    def said(self, run: DagsterRun) -> list[str]:
        """The lines that a run has logged."""
        return [e.user_message for e in self.instance.all_logs(run.run_id) if e.dagster_event is None]

    def failures(self, run: DagsterRun) -> dict[str, str]:
        """What each step that failed has failed by: what was said, else the class of the error."""
        found = {}
        for entry in self.instance.all_logs(run.run_id):
            if entry.dagster_event is not None and entry.dagster_event.is_step_failure:
                data = entry.dagster_event.step_failure_data
                said = data.user_failure_data.description if data.user_failure_data else data.error.cls_name
                found[entry.dagster_event.step_key] = said
        return found

    def agrees_with_store(self) -> None:
        """Hold the materialization that Dagster shows of each prefix to what the store holds of it."""
        newest = check_events.newest_materializations(self.instance, "visit_conflicts", PREFIXES)
        told = {
            prefix: (
                record.asset_materialization.metadata["as_of"].value,
                record.asset_materialization.metadata["conflicts"].value,
            )
            for prefix, record in newest.items()
        }
        held = self.query("SELECT ssn_prefix, as_of, conflicts FROM prefix_runs WHERE latest")
        assert told == {prefix: (as_of.isoformat(), conflicts) for prefix, as_of, conflicts in held}


def fill(path: Path) -> None:
    """Two visits at once, at two agencies, in each busy prefix."""
    warehouse = Warehouse(path)
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    start = datetime.now(tz=UTC).replace(hour=15, minute=0) - timedelta(days=10)
    for prefix in BUSY:
        warehouse.caregiver(f"C{prefix}", f"{prefix}1234567")
        for agency in ("P", "Q"):
            warehouse.visit(
                f"{prefix}{agency}",
                **{
                    "Visit Date": start.replace(hour=5),
                    "Scheduled Start Time": start,
                    "Scheduled End Time": start + timedelta(hours=2),
                    "Provider Id": agency,
                    "Caregiver Id": f"C{prefix}",
                },
            )
    warehouse.close()


@pytest.fixture
def small(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallPlatform]:
    """An empty store, a filled warehouse, and an instance that knows of no run."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    fill(tmp_path / "visits.duckdb")
    monkeypatch.setenv("CONFLICTS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SOURCE_FILE", str(tmp_path / "visits.duckdb"))
    monkeypatch.setenv("CONFLICTS_POSTGRES_URL", store_url)
    load_settings.cache_clear()
    with DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield SmallPlatform(tmp_path, store_url, instance)
    load_settings.cache_clear()
