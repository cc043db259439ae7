"""The contested visits of one prefix in an earlier snapshot, and which of them still hold."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    [
        each
        for each in VISIT_WRITTEN
        if each.name in {"ssn", "visit_date", "cell", "row_hash", *(str(note) for note in Note)}
    ]
)


@dataclass(frozen=True)
class CarriedPrefix:
    """A prefix of an earlier snapshot, the cells that are looked at again, and the visits that were found there.

    Visits that were `found` as they were (`VISIT_WRITTEN`) are not written again.
    """

    prefix: str
    parts: SnapshotParts
    changed: ChangedCells
    found: pa.Table

    @cached_property
    def _own(self) -> pa.Table:
        return self.parts.own_rows(_NEEDED)

    @cached_property
    def _second(self) -> pa.Table:
        return self.parts.second_rows(_NEEDED)

    @cached_property
    def _own_is_valid(self) -> Mask:
        valid = np.ones(self._own.num_rows, dtype=bool)
        valid[self.parts.stale] = False
        return valid

    @cached_property
    def _own_is_reached(self) -> Mask:
        return self._reached(self._own)

    @cached_property
    def _second_is_reached(self) -> Mask:
        return self._reached(self._second)

    def _reached(self, rows: pa.Table) -> Mask:
        return self.changed.reaches(numbers(rows["cell"]), rows["visit_date"])

    @cached_property
    def _own_holds(self) -> Mask:
        return self._own_is_valid & (~self._own_is_reached | self._found_again(self._own))

    @cached_property
    def _second_holds(self) -> Mask:
        return ~self._second_is_reached | self._found_again(self._second)

    def _found_again(self, rows: pa.Table) -> Mask:
        return np.isin(numbers(rows["row_hash"]), numbers(self.found["row_hash"]))

    @cached_property
    def _new(self) -> pa.Table:
        """The found visits that are new, or not as they were."""
        own, second = self._own.filter(pa.array(self._own_holds)), self._second.filter(pa.array(self._second_holds))
        known = np.concatenate([numbers(own["row_hash"]), numbers(second["row_hash"])])
        return self.found.filter(pa.array(~np.isin(numbers(self.found["row_hash"]), known)))

    def kept(self) -> pa.Table:
        """Return what is counted of the visits that were not looked at again."""
        kept = pa.concat_tables(
            [
                self._own.filter(pa.array(self._own_is_valid & ~self._own_is_reached)),
                self._second.filter(pa.array(~self._second_is_reached)),
            ]
        )
        kept = kept.append_column("ssn_prefix", pa.repeat(self.prefix, kept.num_rows))
        kept = kept.append_column("outcome", pa.repeat(CONTESTED, kept.num_rows))
        return kept.append_column("surveyed_as", pa.nulls(kept.num_rows, pa.string()))

    def changed_ssns(self) -> pa.Array:
        """Return the SSNs whose visits are not those of the earlier snapshot."""
        gone = self._own.filter(pa.array(self._own_is_valid & ~self._own_holds))
        gone_second = self._second.filter(pa.array(~self._second_holds))
        ssns = [chunk for each in (gone, gone_second, self._new) for chunk in each["ssn"].chunks]
        return pc.unique(pa.chunked_array(ssns, pa.string())).sort()

    def write(self, folder: Path) -> Numbers:
        """Write the visits that hold, and the new ones, into the folder of a snapshot.

        Return the numbers of the rows of the prefix's own file that do not hold there.
        """
        own_name, second_name = file_of(self.prefix), changed_file_of(self.prefix)
        stale = np.flatnonzero(~self._own_holds)
        if not len(self.changed_ssns()):
            for name in self.parts.names:
                copy_file(self.parts.folder / name, folder / name)
            return stale
        second = int(np.count_nonzero(self._second_holds)) + self._new.num_rows
        if len(stale) + second > MOST_CHANGED * self._own.num_rows:
            self._write_anew(folder / own_name)
            return np.array([], dtype=np.int64)
        copy_file(self.parts.folder / own_name, folder / own_name)
        if second:
            held = self.parts.second_rows(VISIT_WRITTEN).filter(pa.array(self._second_holds))
            write_table(folder / second_name, _in_order(pa.concat_tables([held, self._new])))
        return stale

    def _write_anew(self, path: Path) -> None:
        held = [
            self.parts.own_rows(VISIT_WRITTEN).filter(pa.array(self._own_holds)),
            self.parts.second_rows(VISIT_WRITTEN).filter(pa.array(self._second_holds)),
        ]
        rows = _in_order(pa.concat_tables([*held, self._new]))
        if rows.num_rows:
            write_table(path, rows)


def _in_order(visits: pa.Table) -> pa.Table:
    return visits.sort_by([("ssn", "ascending"), ("visit_date", "ascending"), ("visit_id", "ascending")])
