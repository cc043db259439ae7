"""What an incremental night takes over from an earlier snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.source.carried_prefix import CarriedPrefix
from conflict_assets.source.cells import ChangedCells, numbers, prefix_of_cells
from conflict_assets.source.protocol import CONTESTED, SourceError, VisitQuery
from conflict_assets.source.snapshot import Snapshot


class CarryingError(SourceError):
    """An earlier snapshot can't be carried over, so that everything has to be read."""


@contextmanager
def carrying(snapshot: Snapshot) -> Iterator[None]:
    """Raise what goes wrong with the files of an earlier snapshot as `CarryingError`."""
    try:
        yield
    except CarryingError:
        raise
    except (SourceError, OSError):
        raise CarryingError(f"the snapshot of run {snapshot.root_run_id} is damaged or gone") from None


@dataclass(frozen=True)
class CarriedRows:
    """An earlier snapshot, the visit ids that were on several rows then, and the cells that are looked at again."""

    snapshot: Snapshot
    seen_repeated: pa.Table
    changed: ChangedCells
    query: VisitQuery

    def judged(self, rows: pa.Table) -> pa.Table:
        """Return the rows (`ROW_SCHEMA`) that take the place of earlier ones.

        The others were read for their sake.
        """
        cells = numbers(rows["cell"])
        is_contested = pc.equal(rows["outcome"], CONTESTED)
        held = pa.array(self.changed.holds(cells))
        contested = rows.filter(is_contested)
        reached = self.changed.reaches(numbers(contested["cell"]), contested["visit_date"])
        return pa.concat_tables(
            [rows.filter(pc.and_(held, pc.invert(is_contested))), contested.filter(pa.array(reached))]
        )

    def of_prefix(self, prefix: str, found: pa.Table) -> CarriedPrefix:
        """Return the contested visits of a prefix, with those that were found now (`VISIT_WRITTEN`)."""
        return CarriedPrefix(prefix, self.snapshot.parts(prefix), self.changed, found)

    def content(self, prefix: str) -> str | None:
        """Return the text that says which rows the earlier snapshot holds of a prefix."""
        return self.snapshot.content(prefix)

    def left_out(self) -> pa.Table:
        """Return the other rows that are as they were (`LEFT_OUT_WRITTEN`)."""
        rows = self._asked(self._left_out)
        return rows.filter(pa.array(~self.changed.holds(numbers(rows["cell"]))))

    def repeated(self) -> pa.Table:
        """Return the visit ids that were on several rows of cells that are as they were (`REPEATED_SCHEMA`)."""
        rows = self._asked(self.seen_repeated)
        return rows.filter(pa.array(~self.changed.holds(numbers(rows["cell"]))))

    @cached_property
    def _left_out(self) -> pa.Table:
        with carrying(self.snapshot):
            return self.snapshot.written_left_out()

    def _asked(self, rows: pa.Table) -> pa.Table:
        return of_asked_prefixes(rows, self.query)


def of_asked_prefixes(rows: pa.Table, query: VisitQuery) -> pa.Table:
    """Return the rows whose `cell` is of a prefix that a query asks for."""
    if query.all_prefixes:
        return rows
    prefixes = prefix_of_cells(numbers(rows["cell"]), query.buckets, query.prefix_length)
    return rows.filter(pc.is_in(prefixes, pa.array(query.prefixes)))
