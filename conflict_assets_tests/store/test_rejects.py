"""The visits that could not be judged: those of the latest snapshots, written only where they differ."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.nights import START

PREFIXES = ("04", "05", None)
FOUND = st.lists(
    st.tuples(st.sampled_from(PREFIXES), st.sampled_from(["a", "b", "", None]), st.sampled_from(["no_times", "x"])),
    max_size=8,
)


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def rejected(*found):
    columns = list(zip(*found, strict=True)) if found else ([], [], [])
    names = ("ssn_prefix", "visit_id", "reason")
    return pa.table({name: pa.array(list(column), pa.string()) for name, column in zip(names, columns, strict=True)})


def test_rejected_visits_are_those_of_the_latest_snapshot_of_each_prefix(store, store_url):
    first = rejected(
        ("04", "a", "no_times"), ("05", "b", "missing_key"), (None, "c", "invalid_ssn"), (None, None, "invalid_ssn")
    )
    store.runs.write_rejected("r1", first, prefixes=["04", "05"], include_without_prefix=True, as_of=START)
    store.runs.write_rejected(
        "r2", rejected(("04", "d", "no_times")), prefixes=["04"], include_without_prefix=False, as_of=START
    )
    found = rows(
        store_url, "SELECT ssn_prefix, visit_id, reason, run_id FROM rejected_visits ORDER BY run_id, visit_id"
    )
    assert found == [
        ("05", "b", "missing_key", "r1"),
        (None, "c", "invalid_ssn", "r1"),
        (None, None, "invalid_ssn", "r1"),
        ("04", "d", "no_times", "r2"),
    ]
    store.runs.write_rejected("r3", rejected(), prefixes=["04", "05"], include_without_prefix=True, as_of=START)
    assert rows(store_url, "SELECT count(*) FROM rejected_visits") == [(0,)]


def test_a_row_that_is_found_again_stays_and_names_the_run_that_saw_it_first(store, store_url):
    def write(run, *found):
        store.runs.write_rejected(run, rejected(*found), prefixes=["04"], include_without_prefix=True, as_of=START)
        return rows(store_url, "SELECT rejected_id, visit_id, run_id FROM rejected_visits ORDER BY rejected_id")

    first = write("r1", ("04", "a", "no_times"), ("04", "a", "no_times"), (None, None, "odd_id"))
    assert write("r2", ("04", "a", "no_times"), ("04", "a", "no_times"), (None, None, "odd_id")) == first
    third = write("r3", ("04", "a", "no_times"), (None, None, "odd_id"), ("04", "b", "no_times"))
    assert len(set(third) & set(first)) == 2
    assert sorted(row[1:] for row in third if row not in first) == [("b", "r3")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nights=st.lists(
        st.tuples(FOUND, st.sampled_from([["04"], ["05"], ["04", "05"]]), st.booleans()), min_size=1, max_size=4
    )
)
def test_after_each_run_its_prefixes_hold_what_it_found_as_often_as_it_was_found(nights, store, store_url):
    expected = Counter(rows(store_url, "SELECT ssn_prefix, visit_id, reason FROM rejected_visits"))
    for found, prefixes, include in nights:
        scope = {*prefixes, *([None] if include else [])}
        mine = [each for each in found if each[0] in scope]
        store.runs.write_rejected("r", rejected(*mine), prefixes=prefixes, include_without_prefix=include, as_of=START)
        expected = Counter({each: n for each, n in expected.items() if each[0] not in scope}) + Counter(mine)
        assert Counter(rows(store_url, "SELECT ssn_prefix, visit_id, reason FROM rejected_visits")) == expected
