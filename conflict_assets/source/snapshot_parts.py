"""The files of one prefix of a snapshot.

A prefix has its own file. When a later night has carried it over, some of its rows are stale, and a second file holds
the visits that are new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.cells import Numbers, numbers
from conflict_assets.source.snapshot_files import (
    STALE,
    STALE_SCHEMA,
    VISIT_WRITTEN,
    changed_file_of,
    file_of,
    read_rows,
    written_schema,
)

_FOR_LATER_NIGHTS = {*VISIT_WRITTEN.names} - {*VISIT_SCHEMA.names}


@dataclass(frozen=True)
class SnapshotParts:
    """The files of a prefix in a snapshot's folder, those of them that the checksums name."""

    folder: Path
    prefix: str
    checksums: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files that the prefix has."""
        return tuple(name for name in (file_of(self.prefix), changed_file_of(self.prefix)) if name in self.checksums)

    @cached_property
    def stale(self) -> Numbers:
        """The numbers of the rows of the prefix's own file that no longer hold."""
        if STALE not in self.checksums:
            return np.array([], dtype=np.int64)
        return numbers(read_rows(self.folder / STALE, STALE_SCHEMA, self.prefix)["row"])

    def written_schema(self) -> pa.Schema:
        """The schema of the prefix's files as they were written, but for what only a later night needs."""
        schema = written_schema(self.folder / self.names[0])
        return pa.schema([each for each in schema if each.name not in _FOR_LATER_NIGHTS])

    def own_rows(self, schema: pa.Schema) -> pa.Table:
        """Read all rows of the prefix's own file, also those that no longer hold."""
        return self._rows(file_of(self.prefix), schema)

    def second_rows(self, schema: pa.Schema) -> pa.Table:
        """Read the rows of the second file."""
        return self._rows(changed_file_of(self.prefix), schema)

    def rows(self, schema: pa.Schema) -> pa.Table:
        """Read the rows that hold, in the order in which the source gives them."""
        own, second = self.own_rows(schema), self.second_rows(schema)
        if len(self.stale):
            held = np.ones(own.num_rows, dtype=bool)
            held[self.stale] = False
            own = own.filter(pa.array(held))
        if not second.num_rows:
            return own
        order = [(name, "ascending") for name in ("ssn", "visit_date", "visit_id") if name in schema.names]
        rows = pa.concat_tables([own, second])
        return rows.sort_by(order) if order else rows

    def _rows(self, name: str, schema: pa.Schema) -> pa.Table:
        return read_rows(self.folder / name, schema) if name in self.checksums else schema.empty_table()
