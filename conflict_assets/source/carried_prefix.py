"""The contested visits of one prefix in an earlier snapshot, and which of them still hold."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from conflict_assets.domain.reasons import Note
from conflict_assets.source.cells import ChangedCells, Mask, Numbers, numbers
from conflict_assets.source.protocol import CONTESTED
from conflict_assets.source.snapshot_files import (
    VISIT_WRITTEN,
    changed_file_of,
    copy_file,
    file_of,
    write_table,
)
from conflict_assets.source.snapshot_parts import SnapshotParts

MOST_CHANGED = 0.25
"""The share of a prefix's own file that may be stale or stand in a second file, before it is written anew."""

_NEEDED = pa.schema(
    [each for each in VISIT_WRITTEN if each.name in {"ssn", "visit_date", "cell", *(str(note) for note in Note)}]
)


@dataclass(frozen=True)
class CarriedPrefix:
    """A prefix of an earlier snapshot, and the cells that are looked at again."""

    prefix: str
    parts: SnapshotParts
    changed: ChangedCells

    @cached_property
    def _own(self) -> pa.Table:
        return self.parts.own_rows(_NEEDED)

    @cached_property
    def _second(self) -> pa.Table:
        return self.parts.second_rows(_NEEDED)

    @cached_property
    def _own_holds(self) -> Mask:
        held = np.ones(self._own.num_rows, dtype=bool)
        held[self.parts.stale] = False
        return held & ~self._reached(self._own)

    @cached_property
    def _second_holds(self) -> Mask:
        return ~self._reached(self._second)

    def _reached(self, rows: pa.Table) -> Mask:
        return self.changed.reaches(numbers(rows["cell"]), rows["visit_date"])

    @property
    def rows(self) -> int:
        """How many visits the earlier snapshot has."""
        return int(self._own.num_rows) - len(self.parts.stale) + int(self._second.num_rows)

    def kept(self) -> pa.Table:
        """Return what is counted of the visits that still hold."""
        kept = pa.concat_tables(
            [self._own.filter(pa.array(self._own_holds)), self._second.filter(pa.array(self._second_holds))]
        )
        kept = kept.append_column("ssn_prefix", pa.repeat(self.prefix, kept.num_rows))
        kept = kept.append_column("outcome", pa.repeat(CONTESTED, kept.num_rows))
        return kept.append_column("surveyed_as", pa.nulls(kept.num_rows, pa.string()))

    def write(self, folder: Path, new: pa.Table) -> Numbers:
        """Write the visits that hold, and new ones, into the folder of a snapshot.

        Return the numbers of the rows of the prefix's own file that do not hold there.
        """
        own_name, second_name = file_of(self.prefix), changed_file_of(self.prefix)
        stale = np.flatnonzero(~self._own_holds)
        second = int(np.count_nonzero(self._second_holds)) + new.num_rows
        if not new.num_rows and len(stale) == len(self.parts.stale) and second == self._second.num_rows:
            for name in self.parts.names:
                copy_file(self.parts.folder / name, folder / name)
            return stale
        if len(stale) + second > MOST_CHANGED * self._own.num_rows:
            self._write_anew(folder / own_name, new)
            return np.array([], dtype=np.int64)
        copy_file(self.parts.folder / own_name, folder / own_name)
        if second:
            held = self.parts.second_rows(VISIT_WRITTEN).filter(pa.array(self._second_holds))
            write_table(folder / second_name, _in_order(pa.concat_tables([held, new])))
        return stale

    def _write_anew(self, path: Path, new: pa.Table) -> None:
        held = [
            self.parts.own_rows(VISIT_WRITTEN).filter(pa.array(self._own_holds)),
            self.parts.second_rows(VISIT_WRITTEN).filter(pa.array(self._second_holds)),
        ]
        rows = _in_order(pa.concat_tables([*held, new]))
        if rows.num_rows:
            write_table(path, rows)


def _in_order(visits: pa.Table) -> pa.Table:
    return visits.sort_by([("ssn", "ascending"), ("visit_date", "ascending"), ("visit_id", "ascending")])
