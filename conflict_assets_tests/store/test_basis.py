"""A commit that knows which SSNs have changed compares those alone, and writes what a whole comparison would."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.store import replace as replacing
from conflict_assets.store.commit import Basis
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.pg import execute
from conflict_assets_tests.store.nights import DAY, WINDOW, Pair, night
from conflict_assets_tests.store.test_hands import HANDS
from conflict_assets_tests.store.test_repeat import OWN, all_rows

AB, AC, DE, FG = Pair("a", "b"), Pair("a", "c"), Pair("d", "e", ssn="040000002"), Pair("f", "g", ssn="040000003")
CONTENT, NEXT = "visits of the night", "visits of the next night"
OTHER_SSN = [DE.ssn]


@pytest.fixture
def stores(store_url, make_store):
    """Two stores with the same commit: the other one has no basis in what follows."""
    with (
        ConflictStore(url=store_url, prefix_length=2) as store,
        ConflictStore(url=make_store(2), prefix_length=2) as twin,
    ):
        for each in (store, twin):
            each.conflicts.replace_prefix(night([AB, AC, DE, FG], number=1, content=CONTENT))
        yield store, twin


@pytest.fixture
def compared(monkeypatch):
    """The SSNs whose rows were compared, commit by commit."""
    seen = []
    stage = replacing.stage

    def watched(connection, incoming):
        seen.append(sorted({*incoming.conflict_rows["ssn"].to_pylist(), *incoming.visits["ssn"].to_pylist()}))
        stage(connection, incoming)

    monkeypatch.setattr(replacing, "stage", watched)
    return seen


def commit_both(stores, pairs, *, basis, **changes):
    """Commit the same to both, to one with a basis, and hold that both have the same afterwards."""
    store, twin = stores
    commit = night(pairs, **{"number": 2, "content": NEXT} | changes)
    outcome = store.conflicts.replace_prefix(replace(commit, basis=basis))
    assert replace(outcome, write_seconds=0) == replace(twin.conflicts.replace_prefix(commit), write_seconds=0)
    assert all_rows(store.session.url, OWN) == all_rows(twin.session.url, OWN)
    return outcome


@pytest.mark.parametrize(
    ("pairs", "counts"),
    [
        ([AB, AC, replace(DE, overlap=15.0), FG], (0, 1, 0)),
        ([AB, AC, FG], (0, 0, 1)),
        ([AB, AC, DE, Pair("d", "h", ssn=DE.ssn), FG], (1, 0, 0)),
        ([AB, AC, Pair("h", "i", ssn=DE.ssn), FG], (1, 0, 1)),
    ],
    ids=["changed", "gone", "new", "another"],
)
def test_only_the_changed_ssns_are_compared(stores, compared, pairs, counts):
    outcome = commit_both(stores, pairs, basis=Basis(CONTENT, pa.array(OTHER_SSN)))
    assert (outcome.new, outcome.changed, outcome.resolved) == counts
    with_basis, without = compared
    assert set(with_basis) <= {DE.ssn}
    assert len(without) >= 2


def test_nights_after_one_another_each_go_by_the_last(stores, compared):
    commit_both(stores, [AB, AC, FG], basis=Basis(CONTENT, pa.array(OTHER_SSN)))
    commit_both(stores, [AB, AC, DE, FG], number=3, content="third", basis=Basis(NEXT, pa.array(OTHER_SSN)))
    outcome = commit_both(stores, [AC, DE, FG], number=4, content="fourth", basis=Basis("third", pa.array([AB.ssn])))
    assert outcome.resolved == 1
    assert compared[::2] == [[], [DE.ssn], [AB.ssn]]


def test_a_later_window_lets_go_of_what_leaves_it(stores, compared):
    early = Pair("k", "l", day=WINDOW[0], ssn="040000004")
    for each in stores:
        each.conflicts.replace_prefix(night([AB, DE, early], number=2, content=NEXT))
    moved = (WINDOW[0] + timedelta(days=1), WINDOW[1] + timedelta(days=1))
    basis = Basis(NEXT, pa.array([DE.ssn, early.ssn]))
    commit_both(stores, [AB, replace(DE, overlap=15.0)], number=3, content="third", window=moved, basis=basis)
    assert compared[-2] == [DE.ssn]


@pytest.mark.parametrize(
    "changes",
    [
        {"basis": Basis("visits of another night", pa.array(OTHER_SSN))},
        {
            "basis": Basis(CONTENT, pa.array(OTHER_SSN)),
            "policy": DetectionPolicy(cross_midnight=not DetectionPolicy().cross_midnight),
        },
        {"basis": None},
    ],
    ids=["another content", "another policy", "no basis"],
)
def test_without_a_basis_that_holds_everything_is_compared(stores, compared, changes):
    outcome = commit_both(stores, [replace(AB, overlap=15.0), AC, replace(DE, overlap=15.0), FG], **changes)
    assert outcome.changed == 2
    assert compared == [[AB.ssn, DE.ssn, FG.ssn]] * 2


@pytest.mark.parametrize("hand", HANDS)
def test_what_somebody_has_touched_is_compared_whole(stores, compared, hand):
    for each in stores:
        execute(each.session.url, HANDS[hand])
    commit_both(stores, [AB, AC, replace(DE, overlap=15.0), FG], basis=Basis(CONTENT, pa.array(OTHER_SSN)))
    assert all(len(ssns) == 3 for ssns in compared)


def test_an_older_conflict_that_comes_back_into_the_window_is_compared(stores):
    """As when somebody sets the clock back: it is of an SSN that the snapshots say nothing of."""
    day = DAY + timedelta(days=30)
    late = Pair("o", "p", day=day, ssn="040000005")
    wide, narrow = (WINDOW[0], day), (WINDOW[0], DAY)
    for each in stores:
        each.conflicts.replace_prefix(night([AB, DE, late], number=2, window=wide, content="wide"))
        each.conflicts.replace_prefix(night([AB, DE], number=3, window=narrow, content="narrow"))
    basis = Basis("narrow", pa.array(OTHER_SSN))
    outcome = commit_both(stores, [AB, DE], number=4, content="wide again", window=wide, basis=basis)
    assert outcome.resolved == 1
