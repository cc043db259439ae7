"""Runs of `visit_conflicts` in this process, over a few prefixes whose snapshots are made up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from dagster import AssetMaterialization, DagsterInstance, materialize

from conflict_assets.assets.conflict_summary import conflict_summary
from conflict_assets.assets.resources import Platform
from conflict_assets.assets.visit_conflicts import visit_conflicts
from conflict_assets.automation.jobs import range_tags
from conflict_assets.settings import Settings, read_settings
from conflict_assets.source.snapshot_files import MANIFEST
from conflict_assets.source.snapshot_writer import SnapshotContent
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets.source.survey import Survey
from conflict_assets_tests.source.test_snapshots import batch
from conflict_assets_tests.source.warehouse import all_of

NIGHT = datetime(2025, 6, 15, 6, tzinfo=UTC)
A_DAY = timedelta(days=1)
NINE = datetime(2025, 6, 10, 13, tzinfo=UTC)


class SmallPlatform(Platform):
    """The platform of a folder and a store."""

    folder: str
    url: str

    @property
    def settings(self) -> Settings:
        return read_settings(conflicts_data_dir=self.folder, conflicts_postgres_url=self.url, ssn_prefix_length=2)


@dataclass
class SmallRuns:
    """Runs over the prefixes from `first` to `last`; a snapshot is taken a day after the one before unless told."""

    folder: Path
    url: str
    instance: DagsterInstance
    first: str = "36"
    last: str = "38"
    as_of: datetime = field(default=NIGHT, init=False)

    @cached_property
    def platform(self) -> SmallPlatform:
        return SmallPlatform(folder=str(self.folder), url=self.url)

    def take_snapshot(
        self, conflicts: Mapping[str, int], later: timedelta = A_DAY, contents: Mapping[str, str] | None = None
    ) -> None:
        """Keep a snapshot of all prefixes in which some hold so many conflicts; the others have no contested visit.

        `contents` says what the snapshot tells of the content of each prefix: nothing, unless it is given.
        """
        self.as_of += later
        prefixes = tuple(f"{number:02}" for number in range(int(self.first), int(self.last) + 1))
        batches = [visits(prefix, conflicts[prefix]) for prefix in prefixes if conflicts.get(prefix)]
        survey = Survey({prefix: {"good": 2 * conflicts.get(prefix, 0) + 1} for prefix in prefixes})
        snapshot = SnapshotStore(self.platform.settings.data_dir / "snapshots").write(
            f"night-{self.as_of:%d-%H}",
            SnapshotContent(query=all_of(prefixes=prefixes), as_of=self.as_of, batches=batches, survey=survey),
        )
        file = snapshot.folder / MANIFEST
        manifest = json.loads(file.read_text(encoding="utf-8")) | {"content": dict(contents or {})}
        file.write_text(json.dumps(manifest), encoding="utf-8")

    def run(
        self,
        conflicts: Mapping[str, int] | None = None,
        later: timedelta = A_DAY,
        contents: Mapping[str, str] | None = None,
    ) -> str:
        """Run over the newest snapshot, or over a new one with so many conflicts; the run's id."""
        if conflicts is not None:
            self.take_snapshot(conflicts, later, contents)
        done = materialize(
            [visit_conflicts],
            resources={"platform": self.platform},
            instance=self.instance,
            tags=range_tags(self.first, self.last),
            raise_on_error=False,
        )
        return done.run_id

    def sum_up(self) -> str:
        """Materialize the summary; the run's id."""
        return materialize([conflict_summary], resources={"platform": self.platform}, instance=self.instance).run_id

    def said(self, run: str) -> list[str]:
        """What the assets have said in the log of a run, and what was said into it from outside."""
        return [
            entry.user_message if entry.dagster_event is None else str(entry.dagster_event.message)
            for entry in self.instance.all_logs(run)
            if entry.dagster_event is None or entry.dagster_event.is_engine_event
        ]

    def steps(self, run: str) -> set[str]:
        """The steps of a run that have begun, by their short names."""
        events = (entry.dagster_event for entry in self.instance.all_logs(run))
        return {str(event.step_key).rpartition(".")[2] for event in events if event and event.is_step_start}

    def metadata(self, run: str) -> dict[str, dict[str, object]]:
        """What a run has told of each prefix in its materialization."""
        events = (entry.dagster_event for entry in self.instance.all_logs(run))
        found = [
            event.step_materialization_data.materialization
            for event in events
            if event and event.is_step_materialization
        ]
        return {str(each.partition): told(each) for each in found}


def told(materialization: AssetMaterialization) -> dict[str, object]:
    """Metadata as plain values."""
    return {name: value.value for name, value in materialization.metadata.items()}


def visits(prefix: str, conflicts: int) -> pa.RecordBatch:
    """The contested visits of so many conflicts, each of a caregiver of its own: two agencies at the same time."""
    rows = batch(prefix, 2 * conflicts)
    columns = {
        "ssn": [f"{prefix}{number // 2:07}" for number in range(2 * conflicts)],
        "provider_id": ["P", "Q"] * conflicts,
        "visit_date": [NINE.date()] * 2 * conflicts,
        "sch_start_time": [NINE] * 2 * conflicts,
        "sch_end_time": [NINE + timedelta(hours=2)] * 2 * conflicts,
    }
    for name, values in columns.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values, rows.schema.field(at).type))
    return rows
