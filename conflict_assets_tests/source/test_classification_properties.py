"""What must hold for any warehouse: source and twin agree on every row and number, whatever the order of rows."""

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conflict_assets_tests.conftest import PROFILE
from conflict_assets_tests.source.classification_bench import Bench, in_full_order
from conflict_assets_tests.source.classification_strategies import queries, warehouses
from conflict_assets_tests.source.classification_twin import FACT

# Each example is two statements, which take longer to plan than to run: to shrink one takes minutes.
phases = [Phase.explicit, Phase.reuse, Phase.generate, *([] if PROFILE == "ci" else [Phase.shrink])]
some = settings(max_examples=settings.default.max_examples // 10, phases=phases)
few = settings(max_examples=settings.default.max_examples // 100, phases=phases)


@pytest.fixture(scope="module")
def bench():
    return Bench()


@some
@given(data=st.data(), warehouse=warehouses())
def test_source_and_twin_agree_on_every_row_and_number(bench, data, warehouse: Any):
    tables, window = warehouse
    bench.sort(tables, data.draw(queries(window)))


@few
@given(data=st.data(), warehouse=warehouses(), random=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(bench, data, warehouse: Any, random: Any):
    tables, window = warehouse
    query = data.draw(queries(window))
    shuffled = {view: random.sample(rows, len(rows)) for view, rows in tables.items()}

    found, expected = bench.sort(shuffled, query), bench.sort(tables, query)
    assert found.counts == expected.counts
    assert in_full_order(found.rows) == in_full_order(expected.rows)


@few
@given(data=st.data(), warehouse=warehouses())
def test_one_prefix_alone_brings_what_it_brings_among_all(bench, data, warehouse: Any):
    tables, window = warehouse
    query = data.draw(queries(window).filter(lambda each: each.all_prefixes and each.prefix_length == 2))
    every = bench.sort(tables, query)

    alone = bench.sort(tables, type(query)(**{**vars(query), "prefixes": ("04",)}))

    assert alone.counts == {prefix: counts for prefix, counts in every.counts.items() if prefix == "04"}
    assert in_full_order(alone.rows) == in_full_order(row for row in every.rows if row["ssn_prefix"] == "04")


@few
@given(data=st.data(), warehouse=warehouses())
def test_without_a_status_column_only_the_flags_decide(bench, data, warehouse: Any):
    tables, window = warehouse
    query = data.draw(queries(window))

    found = bench.sort(tables, query, status_column=None)

    without = {**tables, FACT: [row | {"Visit Status": None} for row in tables[FACT]]}
    expected = bench.sort(without, query)
    assert not any(row["missing_status"] for row in found.rows)
    for one, other in zip(in_full_order(found.rows), in_full_order(expected.rows), strict=True):
        assert one | {"missing_status": None} == other | {"missing_status": None}
    silent = {prefix: counts | {"missing_status": 0} for prefix, counts in expected.counts.items()}
    assert found.counts == silent
