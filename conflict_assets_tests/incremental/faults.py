"""Faults of a reading, planted on purpose: the histories must find them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from conflict_assets.source.snapshot import Snapshot
from conflict_assets.source.snapshot_files import LEFT_OUT, MANIFEST, file_of
from conflict_assets_tests.incremental.histories import Fault


class ChangedSnapshot(Fault):
    """A snapshot that differs a little from what was read, in nights where it can."""

    def __init__(self, change: Callable[[Snapshot], None]) -> None:
        self.tamper = change  # type: ignore[method-assign]


def lose_a_visit(snapshot: Snapshot) -> None:
    """Lose the last visit of a prefix."""
    _change_visits(snapshot, lambda table: table.slice(0, table.num_rows - 1))


def repeat_a_visit(snapshot: Snapshot) -> None:
    """Hold the first visit of a prefix twice."""
    _change_visits(snapshot, lambda table: pa.concat_tables([table.slice(0, 1), table]))


def keep_a_stale_value(snapshot: Snapshot) -> None:
    """Hold what one cell of one visit was before."""

    def change(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows[0]["p_city"] = "where the client lived"
        return pa.Table.from_pylist(rows, schema=table.schema)

    _change_visits(snapshot, change)


def lose_what_was_left_out(snapshot: Snapshot) -> None:
    """Lose one of the visits that travelled without being contested."""
    _change_file(snapshot.folder / LEFT_OUT, lambda table: table.slice(0, table.num_rows - 1))


def count_one_too_many(snapshot: Snapshot) -> None:
    """Count a visit that is not there."""
    file = snapshot.folder / MANIFEST
    manifest: dict[str, Any] = json.loads(file.read_text())
    for counts in manifest["counts"].values():
        counts["missed"] += 1
        break
    file.write_text(json.dumps(manifest))
    vars(snapshot).pop("_manifest", None)


def _change_visits(snapshot: Snapshot, change: Callable[[pa.Table], pa.Table]) -> None:
    for prefix in snapshot.contested_prefixes[:1]:
        _change_file(snapshot.folder / file_of(prefix), change)


def _change_file(file: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = pq.read_table(file)
    if table.num_rows:
        pq.write_table(change(table), file)
