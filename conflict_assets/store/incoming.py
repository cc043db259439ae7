"""What a run brings to a prefix, as it would be stored, and its digest: the same digest means the same rows."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.store.columns import STORED_CONFLICT, STORED_VISIT
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
        """A hash of every value, in the order in which they were found: the same visits give the same order.

        Equal rows may differ in it, and are then compared; different ones do not agree.
        """
        found = hashlib.sha256()
        for table in (self.conflict_rows, self.visits):
            found.update(f"{table.schema} {table.num_rows}".encode())
            for batch in table.combine_chunks().to_batches():
                found.update(batch.serialize())
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
