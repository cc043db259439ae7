"""What a run brings to a prefix, and its digest.

The rows have the form in which they are stored. The same digest means the same rows.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.copying import fitted
from conflict_assets.store.errors import StoreError
from conflict_assets.store.stored_columns import STORED_CONFLICT, STORED_VISIT


@dataclass(frozen=True)
class Incoming:
    """The rows of a commit, in the stored columns.

    They are conflicts whose two dates both lie in the window, and visits that are in conflict.
    """

    conflict_rows: pa.Table
    visits: pa.Table

    @property
    def rows(self) -> int:
        """Return the number of conflict rows, two for each conflict."""
        return int(self.conflict_rows.num_rows)

    @cached_property
    def conflicts(self) -> int:
        """Return the number of conflicts (pairs)."""
        return int(self.conflict_rows.select(["ssn", "pair_id"]).group_by(["ssn", "pair_id"]).aggregate([]).num_rows)

    @cached_property
    def digest(self) -> str:
        """Return a hash of every value, in the order of detection.

        The same visits give the same order. Equal rows may have different digests, and are then compared. Different
        rows do not have the same digest.
        """
        found = hashlib.sha256()
        for table in (self.conflict_rows, self.visits):
            found.update(f"{table.schema} {table.num_rows}".encode())
            for batch in table.combine_chunks().to_batches():
                found.update(batch.serialize())
        return found.hexdigest()

    def of_ssns(self, ssns: pa.Array) -> "Incoming":
        """Return the rows of some SSNs."""
        tables = (self.conflict_rows, self.visits)
        return Incoming(*(table.filter(pc.is_in(table["ssn"], ssns.cast(table["ssn"].type))) for table in tables))


def incoming_of(commit: PrefixCommit) -> Incoming:
    """Bring a commit's rows to the stored columns.

    What does not lie wholly in the window is left out.

    Raises:
        StoreError: a conflict lacks one of its two visits, so that nobody could say what it is about.
    """
    conflicts = fitted(commit.conflicts, STORED_CONFLICT)
    dates = [conflicts[name] for name in ("visit_date", "con_visit_date")]
    earlier, later = pc.min_element_wise(*dates), pc.max_element_wise(*dates)
    in_window = pc.and_(
        pc.greater_equal(earlier, pa.scalar(commit.first_date)), pc.less_equal(later, pa.scalar(commit.last_date))
    )
    incoming = Incoming(conflicts.filter(in_window), fitted(commit.visits, STORED_VISIT))
    _refuse_lost_visits(commit.prefix, incoming)
    return incoming


def _refuse_lost_visits(prefix: str, incoming: Incoming) -> None:
    rows, known = incoming.conflict_rows, visit_keys(incoming.visits, "visit_id")
    lost = [pc.invert(pc.is_in(visit_keys(rows, side), known)) for side in ("visit_id", "con_visit_id")]
    count = pc.sum(pc.or_(*lost)).as_py() or 0
    if count:
        raise StoreError(
            f"{count} of {rows.num_rows} conflict rows of prefix {prefix} name a visit that is not among the "
            f"{incoming.visits.num_rows} to be stored; allowed: none. Nothing is written. "
            f"Read the prefix anew: conflict-assets run --prefix {prefix}"
        )


def visit_keys(rows: pa.Table, visit_id: str) -> pa.ChunkedArray:
    """Return the SSN and the visit id of each row as one text.

    The text is unambiguous, since an SSN that has a prefix has nine digits.
    """
    return pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in ("ssn", visit_id)), "")
