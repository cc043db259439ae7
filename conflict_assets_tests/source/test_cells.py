"""The arithmetic of cells: where a day and an SSN are, what differs, and how far a change reaches."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from conflict_assets.source.cells import (
    MODULUS,
    ChangedCells,
    block_of,
    block_of_cells,
    bucket_count,
    cell_of_block,
    cells_outside,
    cells_with_blocks,
    coarse_cells,
    differing_cells,
    moved_blocks,
    numbers,
    prefix_of_cells,
    spans_of_cells,
)
from conflict_assets.source.protocol import CELL_SCHEMA, FIRST_BLOCK

DAY = timedelta(days=1)


def table(*rows):
    return pa.Table.from_pylist([dict(zip(CELL_SCHEMA.names, row, strict=True)) for row in rows], CELL_SCHEMA)


@pytest.mark.parametrize(
    ("visits", "length", "buckets"),
    [
        (0, 2, 1),
        (100, 2, 1),
        (256_000, 2, 1),
        (256_001, 2, 2),
        (10_000_000, 2, 64),
        (60_000_000, 2, 256),
        (10**12, 1, 4096),
    ],
)
def test_there_are_as_many_buckets_as_make_cells_of_a_good_size(visits, length, buckets):
    assert bucket_count(visits, length) == buckets


@pytest.mark.parametrize(
    ("day", "block"),
    [(FIRST_BLOCK, 0), (FIRST_BLOCK + 9 * DAY, 0), (FIRST_BLOCK + 10 * DAY, 1), (FIRST_BLOCK - DAY, -1)],
)
def test_a_day_is_in_one_block_whatever_the_window(day, block):
    assert block_of(day) == block
    assert block_of_cells(cell_of_block(np.array([7]), np.array([block]))).tolist() == [block]


def test_a_cell_tells_its_prefix():
    cells = cell_of_block(np.array([0, 3, 4, 7, 8, 4 * 100]), np.array([3] * 6))
    assert prefix_of_cells(cells, 4, 2).to_pylist() == [None, None, "00", "00", "01", "99"]


def window(first, last):
    return FIRST_BLOCK + first * DAY, FIRST_BLOCK + last * DAY


@pytest.mark.parametrize(
    ("before", "now", "blocks"),
    [
        ((5, 95), (5, 95), []),
        ((5, 95), (6, 96), [0, 9]),  # day 5 has left, day 96 has come
        ((9, 99), (10, 100), [0, 10]),  # the last day of one block, the first of another
        ((10, 98), (11, 99), [1, 9]),
        ((5, 95), (25, 115), [0, 1, 2, 9, 10, 11]),
        ((6, 96), (5, 95), [0, 9]),  # the clock was set back
        ((5, 95), (5, 96), [9]),
        ((5, 95), (20, 95), [0, 1]),
    ],
)
def test_blocks_of_days_that_only_one_window_has(before, now, blocks):
    assert moved_blocks(window(*before), window(*now)).tolist() == blocks


def test_cells_differ_by_visits_by_their_sum_and_by_being_there():
    before = table((1, 5, 50), (2, 5, 50), (3, 5, 50), (4, 5, 50))
    now = table((5, 1, 1), (4, 5, 50), (3, 5, 51), (2, 6, 50))
    assert differing_cells(before, now).tolist() == [1, 2, 3, 5]
    assert differing_cells(before, before).tolist() == []
    assert differing_cells(table(), now).tolist() == [2, 3, 4, 5]
    assert differing_cells(now, table()).tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("blocks", "spans"),
    [
        ([10], ((10, 11), (10, 11))),
        ([10, 11, 12], ((10, 11), (11, 13))),
        ([10, 12, 300, 301], ((10, 13), (300, 302))),
        ([-40, 10, 12], ((-40, -39), (10, 13))),
    ],
)
def test_days_of_cells_lie_in_two_spans_with_the_longest_gap_between(blocks, spans):
    cells = cell_of_block(np.array([7, *[3] * (len(blocks) - 1)]), np.array(blocks))
    found = spans_of_cells(np.concatenate([cells, cells[::-1]]))
    assert found == tuple(tuple(FIRST_BLOCK + 10 * block * DAY for block in span) for span in spans)


def test_visits_without_a_date_are_in_no_span():
    assert spans_of_cells(np.array([], dtype=np.int64)) is None
    assert spans_of_cells(np.array([7 * 1_000_000, *cell_of_block(np.array([7]), np.array([10]))])) is None


def test_coarse_cells_are_sums_of_four_buckets():
    cells = [int(each) for each in cell_of_block(np.array([0, 3, 4, 3]), np.array([7, 7, 7, 8]))]
    fine = table((cells[0], 1, MODULUS - 1), (cells[1], 2, 3), (cells[2], 4, 5), (cells[3], 8, 9))
    coarse = coarse_cells(fine).sort_by("cell").to_pylist()
    first, later, next_block = (
        int(cell_of_block(np.array([b]), np.array([k]))[0]) for b, k in ((0, 7), (1, 7), (0, 8))
    )
    assert coarse == [
        {"cell": first, "visits": 3, "hash_sum": 2},
        {"cell": next_block, "visits": 8, "hash_sum": 9},
        {"cell": later, "visits": 4, "hash_sum": 5},
    ]
    assert numbers(cells_outside(fine, np.array([first]))["cell"]).tolist() == [cells[2], cells[3]]


def test_cells_of_blocks_are_picked_from_the_known_ones():
    known = cell_of_block(np.array([1, 1, 2]), np.array([3, 4, 3]))
    assert cells_with_blocks(known, np.array([3])).tolist() == [known[0], known[2]]


def test_a_change_reaches_its_cell_and_the_day_before_and_after():
    changed = ChangedCells.of(cell_of_block(np.array([7]), np.array([2])))
    days = [FIRST_BLOCK + number * DAY for number in (18, 19, 20, 25, 29, 30, 31)]
    cells = cell_of_block(np.full(len(days), 7), np.array([block_of(day) for day in days]))
    dates = pa.chunked_array([pa.array(days, pa.date32())])
    assert changed.reaches(cells, dates).tolist() == [False, True, True, True, True, True, False]
    assert changed.holds(cells).tolist() == [False, False, True, True, True, False, False]
    # Another bucket's days are not reached, nor are those of a caregiver's other decades.
    assert not changed.reaches(cells + 1_000_000, dates).any()
    assert ChangedCells.of(np.array([5]), np.array([3, 5])).cells.tolist() == [3, 5]
    assert changed.with_neighbours().tolist() == [int(cells[2]) - 1, int(cells[2]), int(cells[2]) + 1]


def test_days_before_the_fixed_date_have_neighbours_too():
    changed = ChangedCells.of(cell_of_block(np.array([7]), np.array([-1])))
    days = [date(1999, 12, 21), date(1999, 12, 22), date(1999, 12, 31), date(2000, 1, 1), date(2000, 1, 2)]
    cells = cell_of_block(np.full(len(days), 7), np.array([block_of(day) for day in days]))
    dates = pa.chunked_array([pa.array(days, pa.date32())])
    assert changed.reaches(cells, dates).tolist() == [True, True, True, True, False]
