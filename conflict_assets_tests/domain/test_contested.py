"""Which visits are in a pair, and how many pairs there are, held against plain counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_assets.domain.columns import arrays
from conflict_assets.domain.columns.arrays import order_by
from conflict_assets.domain.contested import PairCounts, count_pairs

visits = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-2, 9)), max_size=25)
some = settings(max_examples=settings.default.max_examples // 4)


def arrays_of(rows: list[tuple[int, int, int]]) -> list[arrays.Ints]:
    return [np.array([row[field] for row in rows], dtype=np.int64) for field in range(3)]


def counted(rows: list[tuple[int, int, int]], days_apart: int) -> PairCounts:
    pairs = [
        (a, b)
        for a in range(len(rows))
        for b in range(a)
        if rows[a][0] == rows[b][0] and rows[a][1] != rows[b][1] and abs(rows[a][2] - rows[b][2]) <= days_apart
    ]
    return PairCounts(len({visit for pair in pairs for visit in pair}), len(pairs))


@pytest.mark.parametrize("cross_midnight", [True, False])
@some
@given(rows=visits)
def test_pairs_are_counted_without_making_them(rows: list[tuple[int, int, int]], cross_midnight: bool):
    ssn, agency, date = arrays_of(rows)

    found = count_pairs(ssn, agency, date, cross_midnight=cross_midnight)

    assert found == counted(rows, days_apart=int(cross_midnight))


@some
@given(rows=visits)
def test_numbers_too_large_to_join_are_sorted_all_the_same(rows: list[tuple[int, int, int]]):
    ssn, agency, date = arrays_of(rows)
    large = 1 << 40

    assert count_pairs(ssn, agency * large, date, cross_midnight=True) == counted(rows, days_apart=1)
    assert order_by(ssn * large, date * large).tolist() == sorted(
        range(len(rows)), key=lambda row: (ssn[row], date[row])
    )
