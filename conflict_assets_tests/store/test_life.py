"""Random lives of conflicts, held to a model in dictionaries at every step."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, parse_pair
from conflict_assets.store.decision_types import DecisionValue as Word
from conflict_assets.store.errors import StaleSnapshot
from conflict_assets_tests.conftest import PROFILE
from conflict_assets_tests.pg import EMPTY_STORE, execute, rows
from conflict_assets_tests.store.model import Model, inside
from conflict_assets_tests.store.nights import DAY, START, Pair, night

WINDOW_DAYS = 6
POSSIBLE = [
    Pair("a", "b", day=DAY),
    Pair("a", "b", ssn="040000002", day=DAY),
    Pair("a", "c", day=DAY, con_agency="R"),
    Pair("d", "e", day=DAY + timedelta(days=1), con_day=DAY + timedelta(days=2)),
    Pair("f", "g", day=DAY + timedelta(days=4), agency="R"),
    Pair("h", "i", day=DAY + timedelta(days=8), con_day=DAY + timedelta(days=9)),
]
ZONES = ["America/New_York", "Pacific/Kiritimati", "Pacific/Midway"]
"""Where a date begins 5 hours after, 14 hours before and 11 hours after it does in UTC."""
LOOKS = st.sampled_from([(5, 60.0), (5, 30.0), (4, 60.0), None])
STATES = """SELECT ssn, pair_id, status, first_detected_at, last_detected_at, resolved_at, resolved_reason, decision,
    decision_outdated FROM {}"""
EVENTS = "SELECT ssn, pair_id, event, reason, rule, overlap_minutes, run_id FROM conflict_history ORDER BY event_id"


class Lives(RuleBasedStateMachine):
    """Nights, decisions and exclusions in any order; `store_url` is set by the test."""

    store_url = ""

    def __init__(self) -> None:
        super().__init__()
        execute(self.store_url, EMPTY_STORE)
        self.store = ConflictStore(url=self.store_url, prefix_length=1)
        self.store.__enter__()
        self.model = Model()
        self.number = 0
        self.first = DAY - timedelta(days=2)
        self.clock = START

    def teardown(self) -> None:
        self.store.__exit__(None, None, None)

    @rule(
        looks=st.lists(LOOKS, min_size=len(POSSIBLE), max_size=len(POSSIBLE)),
        outcomes=st.dictionaries(
            st.sampled_from("abcdefgh"), st.sampled_from(["deleted", "excluded_agency", "no_times"])
        ),
        moved=st.integers(0, 2),
        hours=st.sampled_from([0, 1, 5, 17, 24]),
        zone=st.sampled_from(ZONES),
    )
    def a_night_passes(self, looks, outcomes, moved, hours, zone):
        self.number += 1
        self.first += timedelta(days=moved)
        window = (self.first, self.first + timedelta(days=WINDOW_DAYS))
        self.clock += timedelta(hours=hours)
        pairs = [replace(p, rule=look[0], overlap=look[1]) for p, look in zip(POSSIBLE, looks, strict=True) if look]
        empty = night([], number=self.number, window=window)
        pairs = [pair for pair in pairs if inside(pair, empty)]
        own = {"window": window, "left_out": outcomes, "as_of": self.clock, "zone": zone}
        commit = night(pairs, number=self.number, prefix="0", **own)
        self.store.conflicts.replace_prefix(commit)
        self.model.commit(commit, {(pair.ssn, pair.pair_id): pair for pair in pairs}, outcomes, zone)
        self.compare()

    @precondition(lambda self: self.model.runs)
    @rule()
    def the_last_commit_is_repeated(self):
        self.store.conflicts.replace_prefix(self.model.runs[-1])
        self.compare()

    @precondition(lambda self: self.model.runs)
    @rule()
    def an_older_snapshot_comes_late(self):
        with pytest.raises(StaleSnapshot):
            self.store.conflicts.replace_prefix(
                night([Pair()], number=0, prefix="0", as_of=self.model.runs[-1].as_of - timedelta(seconds=1))
            )
        self.compare()

    @precondition(lambda self: self.model.lives)
    @rule(data=st.data(), verdict=st.sampled_from(list(Word)))
    def a_person_decides(self, data, verdict):
        pair_id = data.draw(st.sampled_from(sorted({pair_id for _, pair_id in self.model.lives})))
        self.store.decisions.decide([Decision(parse_pair(pair_id), verdict, "because")])
        self.model.decide(pair_id, str(verdict))
        self.compare()

    @rule(agency=st.sampled_from("PQR"))
    def an_exclusion_is_switched(self, agency):
        if agency in self.model.excluded:
            self.model.excluded.remove(agency)
            execute(self.store_url, "DELETE FROM excluded_agencies WHERE provider_id = %s", [agency])
        else:
            self.model.excluded.add(agency)
            execute(self.store_url, "INSERT INTO excluded_agencies VALUES (%s)", [agency])

    def compare(self):
        if not self.model.runs:
            return
        for view, keys in (("all_conflict_states", set(self.model.lives)), ("conflict_states", self.model.shown())):
            found = rows(self.store_url, STATES.format(view))
            assert len(found) == 2 * len(keys)
            assert {row[:2]: row[2:] for row in found} == {key: self.model.status(key) for key in keys}
        assert sorted(rows(self.store_url, EVENTS), key=repr) == sorted(self.model.events, key=repr)
        opened = sum(self.model.status(key)[0] in {"new", "open"} for key in self.model.lives)
        assert rows(self.store_url, "SELECT count(*) FROM open_conflicts") == [(opened,)]
        assert self.store.conflicts.count_open() == opened


def test_any_sequence_of_nights_and_decisions_agrees_with_the_model(make_store):
    machine = type("LivesInThisStore", (Lives,), {"store_url": make_store(1)})
    examples = 20 if PROFILE == "ci" else 500
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=15))
