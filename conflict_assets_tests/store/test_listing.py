"""The costliest new conflicts of a run are its own, and those that nobody has decided on."""

from datetime import timedelta

import pytest

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets_tests.pg import execute
from conflict_assets_tests.store.nights import START, Pair, night


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        yield store


def named(conflicts):
    return [each.visits[0].visit_id for each in conflicts]


def test_new_ones_of_a_run_are_those_that_it_found_first_the_costliest_first(store):
    old, later = Pair("a", "b"), Pair("c", "d", overlap=30.0)
    other = Pair("e", "f", ssn="170000017", overlap=45.0)
    store.conflicts.replace_prefix(night([old]))
    again = START + timedelta(days=1, hours=1)
    store.conflicts.replace_prefix(night([old, later], number=2, as_of=again))
    store.conflicts.replace_prefix(night([other], number=2, prefix="17", as_of=again))
    assert named(store.conflicts.costliest_new(["run-2"], 3)) == ["e", "c"]
    assert named(store.conflicts.costliest_new(["run-2"], 1)) == ["e"]
    assert named(store.conflicts.costliest_new(["run-1", "run-2"], 3)) == ["a", "e", "c"]
    assert store.conflicts.costliest_new(["run-3"], 3) == ()


def test_what_is_decided_or_gone_is_not_among_them(store):
    store.conflicts.replace_prefix(night([Pair("a", "b"), Pair("c", "d"), Pair("e", "f")]))
    store.decisions.decide([Decision(parse_pair("a,b"), DecisionValue.IGNORED, "known")])
    store.conflicts.replace_prefix(
        night([Pair("a", "b"), Pair("c", "d")], number=2, as_of=START + timedelta(days=1, hours=1))
    )
    assert named(store.conflicts.costliest_new(["run-1"], 3)) == ["c"]


def test_amounts_beyond_every_number_are_listed_too(store, store_url):
    store.conflicts.replace_prefix(night([Pair("a", "b"), Pair("c", "d")]))
    execute(store_url, "UPDATE visit_conflicts SET overlap_amount = 1.7e308, shift_amount = 1.7e308 WHERE ssn <> ''")
    assert [each.amount for each in store.conflicts.costliest_new(["run-1"], 3)] == [2e290, 2e290]
