"""The engine without Dagster, in one process.

Run it with `python -m benchmarks.night.bare --source FILE --store URL --folder FOLDER`. It reads, saves, detects and
commits as a night does, by the same functions. It has no events, no checks and no second process.
"""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.night.command import Options, options, tell
from conflict_assets.assets.prefix_detection import Batch, detection_policy, finish_prefix
from conflict_assets.assets.source_reading import visit_query
from conflict_assets.domain.reasons import RejectReason
from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import load_settings
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.protocol import VisitQuery
from conflict_assets.source.snapshot_writer import SnapshotContent
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.store.conflict_store import ConflictStore

NAME = "bare"


def main() -> None:
    """Work through a night and report the result."""
    given, settings = options(__doc__), load_settings()
    with ConflictStore(url=given.store, prefix_length=settings.ssn_prefix_length) as store:
        store.administration.prepare()
        as_of = datetime.now(tz=UTC)
        query = visit_query(settings, store, all_prefixes(settings.ssn_prefix_length), as_of)
        snapshot = read(given, query, as_of)
        keep_rejected(store, query, snapshot)
        policy = detection_policy(settings, store)
        zone, total = settings.schedule_time_zone, len(snapshot.contested_prefixes)
        batch = Batch(run_id=NAME, root_run_id=NAME, policy=policy, time_zone=zone, total=total)
        lines = [finish_prefix(store, snapshot, prefix, batch).line for prefix in snapshot.prefixes]
    tell(fetched=rows_of(snapshot), conflicts=sum(line.conflicts for line in lines))


def read(given: Options, query: VisitQuery, as_of: datetime) -> Snapshot:
    """Survey and read the source into a snapshot.

    The reader may use the memory that a night has.
    """
    source = DuckDBVisitSource(given.source, memory_limit=load_settings().source_memory, temp_directory=given.folder)
    with source.open(run_id=NAME) as reader:
        survey = reader.survey(query)
        snapshots = SnapshotStore(given.folder / "snapshots")
        return snapshots.write(
            NAME, SnapshotContent(query=query, as_of=as_of, batches=reader.read_visits(query, survey), survey=survey)
        )


def keep_rejected(store: ConflictStore, query: VisitQuery, snapshot: Snapshot) -> None:
    """List the rejected visits in the store."""
    left_out = snapshot.all_left_out().rename_columns({"outcome": "reason"})
    rejected = left_out.filter(pc.is_in(left_out["reason"], pa.array([str(reason) for reason in RejectReason])))
    store.runs.write_rejected(
        NAME, rejected, prefixes=query.prefixes, include_without_prefix=True, as_of=snapshot.as_of
    )


def rows_of(snapshot: Snapshot) -> int:
    """Count the visits that were read from the source into a snapshot."""
    return snapshot.total_counts()["contested"] + snapshot.all_left_out().num_rows


if __name__ == "__main__":
    main()
