"""What a run brings to a prefix, as it would be stored, and its digest: the same digest means the same rows."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.store.columns import CONFLICT_KEY, STORED_CONFLICT, STORED_VISIT, VISIT_KEY
from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.copying import fitted


@dataclass(frozen=True)
class Incoming:
    """Rows in the stored columns: conflicts whose two dates both lie in the window, and visits in conflict."""

    conflict_rows: pa.Table
    visits: pa.Table

    @property
    def rows(self) -> int:
        """Conflict rows, two to a conflict."""
        return int(self.conflict_rows.num_rows)

    @cached_property
    def conflicts(self) -> int:
        """Conflicts (pairs)."""
        return int(self.conflict_rows.select(["ssn", "pair_id"]).group_by(["ssn", "pair_id"]).aggregate([]).num_rows)

    @cached_property
    def digest(self) -> str:
        """A hash of every value, in the order of the keys. Equal rows may differ in it; different ones do not agree."""
        found = hashlib.sha256()
        for table, key in ((self.conflict_rows, CONFLICT_KEY), (self.visits, VISIT_KEY)):
            found.update(f"{table.schema} {table.num_rows}".encode())
            # Sorted rows lie in new arrays: no slices, so that their buffers hold the values and nothing else.
            for column in table.sort_by([(name, "ascending") for name in key]).combine_chunks().columns:
                for chunk in column.chunks:
                    for buffer in chunk.buffers():
                        found.update(buffer if buffer is not None else b"-")
        return found.hexdigest()


def incoming_of(commit: PrefixCommit) -> Incoming:
    """Bring a commit's rows to the stored columns, and leave out what is not wholly in the window."""
    conflicts = fitted(commit.conflicts, STORED_CONFLICT)
    dates = [conflicts[name] for name in ("visit_date", "con_visit_date")]
    earlier, later = pc.min_element_wise(*dates), pc.max_element_wise(*dates)
    in_window = pc.and_(
        pc.greater_equal(earlier, pa.scalar(commit.first_date)), pc.less_equal(later, pa.scalar(commit.last_date))
    )
    return Incoming(conflicts.filter(in_window), fitted(commit.visits, STORED_VISIT))
