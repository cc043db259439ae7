"""Cells: the pieces by which a night finds out what has changed in the source.

A cell is a bucket of the SSNs of one prefix, and a block of ten days. Its number says both: the bucket's number times
`CELLS_A_BUCKET`, plus the block's. Blocks are counted from a fixed date, and visits without a date have a block that no
day has. Bucket numbers below `buckets` are those of visits without a prefix.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from conflict_assets.source.protocol import BLOCK_DAYS, CELL_SCHEMA, FIRST_BLOCK, Span

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CELLS_A_BUCKET = 1_000_000
CELL_OF_FIRST_BLOCK = 100_000
"""What is added to a block's number, so that blocks before the fixed date have a place as well."""

MODULUS = 9_007_199_254_740_881
"""The largest prime below 2 to the 53rd: sums of hashes are taken modulo this number, and fit into any database's."""

BUCKETS_TOGETHER = 4
"""How many buckets of SSNs are one in a coarse cell."""

VISITS_A_CELL = 32
MOST_BUCKETS = 4096
USUAL_BLOCKS = 80

_DAY = timedelta(days=1)
_DAYS_TO_FIRST = (FIRST_BLOCK - date(1970, 1, 1)).days


def bucket_count(visits: int, prefix_length: int) -> int:
    """Return how many buckets make cells of a good size: a power of two."""
    wanted = visits / (VISITS_A_CELL * USUAL_BLOCKS * 10**prefix_length)
    return min(MOST_BUCKETS, 1 << max(0, int(np.ceil(np.log2(wanted))))) if wanted > 1 else 1


def prefix_of_cells(cells: Numbers, buckets: int, prefix_length: int) -> pa.Array:
    """Return the prefix of each cell, null where its visits have none."""
    names = pa.array([None, *(f"{number:0{prefix_length}d}" for number in range(10**prefix_length))])
    return names.take(pa.array(cells // CELLS_A_BUCKET // buckets))


def cell_of_block(bucket: Numbers, block: Numbers) -> Numbers:
    """Return the cells of buckets and blocks."""
    return bucket * CELLS_A_BUCKET + block + CELL_OF_FIRST_BLOCK


def block_of_cells(cells: Numbers) -> Numbers:
    """Return the block of each cell. Cells of visits without a date have one that no day has."""
    return cells % CELLS_A_BUCKET - CELL_OF_FIRST_BLOCK


def block_of(day: date) -> int:
    """Return the block of a day."""
    return (day - FIRST_BLOCK).days // BLOCK_DAYS


def moved_blocks(before: tuple[date, date], now: tuple[date, date]) -> Numbers:
    """Return the blocks of the days that are in one of two windows only.

    Whether a visit of such a day is in the window has changed, though the visit has not.
    """
    (first, last), (new_first, new_last) = before, now
    moved = (
        (min(first, new_first), max(first, new_first) - _DAY),
        (min(last, new_last) + _DAY, max(last, new_last)),
    )
    blocks = {block for begin, end in moved if begin <= end for block in range(block_of(begin), block_of(end) + 1)}
    return np.array(sorted(blocks), dtype=np.int64)


def spans_of_cells(cells: Numbers) -> tuple[Span, Span] | None:
    """Return two spans of dates in which all days of some cells lie, with the longest gap between them.

    There are none where a cell is of visits without a date.
    """
    blocks = np.unique(block_of_cells(cells))
    if not len(blocks) or blocks[0] == -CELL_OF_FIRST_BLOCK:
        return None
    split = int(np.argmax(np.diff(blocks))) + 1 if len(blocks) > 1 else 1
    first, second = blocks[:split], blocks[split:] if len(blocks) > 1 else blocks
    return _span(first), _span(second)


def _span(blocks: Numbers) -> Span:
    begin, end = (FIRST_BLOCK + int(block) * BLOCK_DAYS * _DAY for block in (blocks[0], blocks[-1] + 1))
    return begin, end


def differing_cells(before: pa.Table, now: pa.Table) -> Numbers:
    """Return the cells that only one of two tables has, or that differ in them (`CELL_SCHEMA`)."""
    cells, new_cells = numbers(before["cell"]), numbers(now["cell"])
    order = np.argsort(cells)
    known = _is_in(new_cells, cells[order])
    places = order[np.searchsorted(cells, new_cells[known], sorter=order)]
    same = np.ones(len(places), dtype=bool)
    for name in ("visits", "hash_sum"):
        same &= numbers(before[name])[places] == numbers(now[name])[known]
    vanished = cells[~_is_in(cells, np.sort(new_cells))]
    return np.unique(np.concatenate([new_cells[~known], new_cells[known][~same], vanished]))


def coarse_cells(cells: pa.Table) -> pa.Table:
    """Return cells (`CELL_SCHEMA`) with several buckets of SSNs taken together, as the warehouse does it."""
    coarse = cells.set_column(0, "cell", pa.array(_coarse(numbers(cells["cell"]))))
    summed = coarse.group_by("cell").aggregate([("visits", "sum"), ("hash_sum", "sum")])
    sums = numbers(summed["hash_sum_sum"]) % MODULUS
    return pa.table([summed["cell"], summed["visits_sum"], pa.array(sums)], schema=CELL_SCHEMA)


def cells_outside(cells: pa.Table, coarse: Numbers) -> pa.Table:
    """Return the cells (`CELL_SCHEMA`) that are in none of some coarse ones."""
    return cells.filter(pa.array(~_is_in(_coarse(numbers(cells["cell"])), coarse)))


def _coarse(cells: Numbers) -> Numbers:
    return cells // CELLS_A_BUCKET // BUCKETS_TOGETHER * CELLS_A_BUCKET + cells % CELLS_A_BUCKET


@dataclass(frozen=True)
class ChangedCells:
    """The cells that a night looks at again."""

    cells: Numbers
    """Their numbers, sorted."""

    @classmethod
    def of(cls, *parts: Numbers) -> "ChangedCells":
        """Take the cells of several arrays."""
        return cls(np.unique(np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])))

    def holds(self, cells: Numbers) -> Mask:
        """Return of each cell whether it is among these."""
        return _is_in(cells, self.cells)

    def reaches(self, cells: Numbers, dates: pa.ChunkedArray) -> Mask:
        """Return of each visit whether it may be contested now and was not, or the other way round.

        The visit is in one of these cells, or on the day before or after one.
        """
        days = np.mod(numbers(dates.cast(pa.int32())) - _DAYS_TO_FIRST, BLOCK_DAYS)
        before = (days == BLOCK_DAYS - 1) & _is_in(cells + 1, self.cells)
        after = (days == 0) & _is_in(cells - 1, self.cells)
        return np.asarray(self.holds(cells) | before | after)

    def with_neighbours(self) -> Numbers:
        """Return these cells, with those of the blocks before and after."""
        return np.unique(np.concatenate([self.cells - 1, self.cells, self.cells + 1]))


def numbers(column: pa.ChunkedArray) -> Numbers:
    """Return a column of whole numbers as an array."""
    return np.asarray(column.to_numpy(), dtype=np.int64)


def cells_with_blocks(known: Numbers, blocks: Collection[int] | Numbers) -> Numbers:
    """Return those of the known cells that are of some blocks."""
    return known[np.isin(block_of_cells(known), np.asarray(blocks, dtype=np.int64))]


def _is_in(cells: Numbers, sorted_cells: Numbers) -> Mask:
    """Return of each cell whether it is in a sorted array."""
    if not len(sorted_cells):
        return np.zeros(len(cells), dtype=bool)
    places = np.minimum(np.searchsorted(sorted_cells, cells), len(sorted_cells) - 1)
    return np.asarray(sorted_cells[places] == cells)
