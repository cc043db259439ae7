"""Digests of pairs and groups, and what hangs together."""

import hashlib

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_assets.domain.conflict_ids import digests, lowest_connected, measure, pair_id

some = settings(max_examples=settings.default.max_examples // 4)


def test_a_digest_is_the_first_half_of_the_hash_of_measured_ids():
    ids = measure(pa.array(["v1", "é"]))

    pair = hashlib.sha256("2:v12:é".encode()).hexdigest()[:32]
    single = hashlib.sha256(b"2:v1").hexdigest()[:32]
    assert digests(ids.slice(0, 1), ids.slice(1, 1)).to_pylist() == [pair]
    assert digests(ids).to_pylist()[0] == single
    assert digests(ids.slice(0, 0)).to_pylist() == []
    assert pair_id("v1", "é") == pair_id("é", "v1") == pair


edges = st.integers(1, 40).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=60)
    )
)


@some
@given(graph=edges)
def test_each_node_gets_the_lowest_that_it_hangs_together_with(graph: tuple[int, list[tuple[int, int]]]):
    size, pairs = graph
    expected = list(range(size))
    for _ in range(size):
        for left, right in pairs:
            expected[left] = expected[right] = min(expected[left], expected[right])

    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))

    assert lowest_connected(size, left, right).tolist() == expected


def test_a_long_chain_is_one_group():
    size = 100_000
    chain = np.random.default_rng(3).permutation(size)

    assert not lowest_connected(size, chain[:-1], chain[1:]).any()
