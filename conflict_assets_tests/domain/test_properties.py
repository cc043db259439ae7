"""What must hold for any visits: engine and twin agree, and nothing depends on what it must not depend on."""

from collections import Counter, defaultdict
from typing import Any
from unittest.mock import patch

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conflict_assets.domain import pairs
from conflict_assets.domain.detection import detect_conflicts
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.reasons import Note, RejectReason
from conflict_assets_tests.domain.agreement import assert_agree, by_text, detect
from conflict_assets_tests.domain.frames import Layout, frame_of
from conflict_assets_tests.domain.strategies import (
    Row,
    layouts,
    nights,
    policies,
    settle_ties,
    trips,
)
from conflict_assets_tests.domain.twin import FLAGS, Verdict, judge
from conflict_assets_tests.domain.twin_visit import read_visit

SIDES = {
    "visit_id": "con_visit_id",
    "con_visit_id": "visit_id",
    "provider_id": "con_provider_id",
    "con_provider_id": "provider_id",
    "visit_date": "con_visit_date",
    "con_visit_date": "visit_date",
}
some = settings(max_examples=settings.default.max_examples // 5)
"""Fewer examples for the properties that agreement with the twin makes all but sure."""
OWN = {"visit_type", "cost_type", "rate_per_minute", "shift_amount", "overlap_amount"}
"""Columns that speak of the row's own visit alone."""


@given(rows=nights(), policy=policies, layout=layouts)
def test_engine_and_twin_agree_on_every_row_flag_and_number(rows: list[Row], policy: DetectionPolicy, layout: Layout):
    twin = judge(rows, policy)
    assume(not twin.on_rounding_edge)

    assert_agree(detect(rows, policy, layout), twin)


@given(rows=trips(), policy=policies)
def test_engine_and_twin_agree_on_trips_that_take_exactly_the_time_given(rows: list[Row], policy: DetectionPolicy):
    twin = judge(rows, policy)
    assume(not twin.on_rounding_edge)

    assert_agree(detect(rows, policy), twin)


@some
@given(rows=nights(settled=False), policy=policies, layout=layouts, random=st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_index_of_visits_matters(rows: list[Row], policy, layout: Layout, random: Any):
    shuffled = random.sample(rows, len(rows))

    first, second = (detect_conflicts(frame, policy) for frame in (frame_of(rows), frame_of(shuffled, layout)))

    pd.testing.assert_frame_equal(first.conflicts, second.conflicts)
    pd.testing.assert_frame_equal(first.rejected, second.rejected)
    assert dict(first.counts) == dict(second.counts)


@some
@given(rows=nights(), policy=policies, layout=layouts)
def test_the_engine_leaves_its_input_as_it_was(rows: list[Row], policy: DetectionPolicy, layout: Layout):
    frame = frame_of(rows, layout)
    before = frame.copy(deep=True)

    detect_conflicts(frame, policy)

    pd.testing.assert_frame_equal(frame, before)


@some
@given(rows=nights(), policy=policies)
def test_every_conflict_has_both_directions_that_tell_the_same(rows: list[Row], policy: DetectionPolicy):
    conflicts = detect(rows, policy).conflicts

    seen = {(row["ssn"], row["visit_id"], row["con_visit_id"]): row for row in conflicts}
    assert len(seen) == len(conflicts)
    for row in conflicts:
        mirror = seen[row["ssn"], row["con_visit_id"], row["visit_id"]]
        assert {name: row[SIDES.get(name, name)] for name in row if name not in OWN} == {
            name: mirror[name] for name in mirror if name not in OWN
        }


@some
@given(rows=nights(), policy=policies)
def test_every_conflict_row_obeys_exactly_one_rule(rows: list[Row], policy: DetectionPolicy):
    for row in detect(rows, policy).conflicts:
        (rule,) = (number for number, flag in enumerate(FLAGS.values(), 1) if row[flag])
        assert row["conflict_type"] == ("exact" if rule <= 3 else "overlap" if rule <= 6 else "travel")
        assert (row["overlap_minutes"] > 0) == (rule != 7)
        assert rule == 7 or row["minutes_between"] == 0
        assert rule != 7 or row["eta_travel_minutes"] > row["minutes_between"] >= 0
        assert row["provider_id"] != row["con_provider_id"]
        assert row["crosses_midnight"] == (row["visit_date"] != row["con_visit_date"])
        assert policy.cross_midnight or not row["crosses_midnight"]


@some
@given(rows=nights(), policy=policies)
def test_counts_add_up(rows: list[Row], policy: DetectionPolicy):
    verdict = detect(rows, policy)
    counts = verdict.counts

    reasons = Counter(reason for _, reason in verdict.rejected)
    assert {reason.value: counts[reason.value] for reason in RejectReason} == {
        reason.value: reasons[reason.value] for reason in RejectReason
    }
    assert counts["visits"] == len(rows) == counts["active"] + len(verdict.rejected)
    assert counts["conflict_rows"] == len(verdict.conflicts) == 2 * counts["conflicts"]
    assert counts["conflicts"] <= counts["pairs_compared"]
    assert counts["paired_visits"] <= counts["active"]
    assert all(counts[note.value] <= counts["active"] for note in Note)


@some
@given(rows=nights(), others=nights(max_size=6), policy=policies)
def test_visits_of_another_caregiver_change_nothing(rows: list[Row], others: list[Row], policy: DetectionPolicy):
    assume(rows)
    renamed = [{**{name: other.get(name) for name in rows[0]}, "ssn": "999-00-1234"} for other in others]
    strangers = settle_ties(renamed)

    alone, together = detect(rows, policy), detect([*rows, *strangers], policy)

    assert [row for row in together.conflicts if row["ssn"] != "999001234"] == alone.conflicts
    assert by_text(together.rejected) >= by_text(alone.rejected)
    apart = detect(strangers, policy)
    assert {name: alone.counts[name] + apart.counts[name] for name in alone.counts} == together.counts


@some
@given(rows=nights(), policy=policies, length=st.integers(1, 3))
def test_splitting_by_prefix_and_joining_gives_the_whole(rows: list[Row], policy: DetectionPolicy, length: int):
    parts = defaultdict(list)
    for row in rows:
        parts[(read_visit(row).ssn or "")[:length]].append(row)

    whole, split = detect(rows, policy), [detect(part, policy) for _, part in sorted(parts.items())]

    assert [row for part in split for row in part.conflicts] == whole.conflicts
    assert sum((by_text(part.rejected) for part in split), Counter()) == by_text(whole.rejected)
    assert whole.counts == {name: sum(part.counts[name] for part in split) for name in whole.counts}


@some
@given(rows=nights(), policy=policies, step=st.sampled_from((1, 37, 10_000_000)))
def test_a_crowd_of_caregivers_with_the_same_night_has_the_same_conflicts_each(rows, policy, step: int):
    crowd = [f"{100_000_000 + step * number}" for number in range(40)]
    night = {ssn: settle_ties([{**row, "ssn": ssn} for row in rows]) for ssn in crowd}

    one, all_ = detect(night[crowd[0]], policy), detect([row for ssn in crowd for row in night[ssn]], policy)

    assert all_.conflicts == [{**row, "ssn": ssn} for ssn in crowd for row in one.conflicts]
    assert all_.counts == {name: len(crowd) * count for name, count in one.counts.items()}


@some
@given(rows=nights(), policy=policies, at_once=st.integers(1, 5))
def test_how_many_pairs_are_judged_at_once_does_not_matter(rows: list[Row], policy: DetectionPolicy, at_once: int):
    with patch.object(pairs, "PAIRS_AT_ONCE", at_once):
        few = detect(rows, policy)

    assert few == detect(rows, policy)


@some
@given(rows=nights(), policy=policies)
def test_groups_are_the_visits_that_hang_together(rows: list[Row], policy: DetectionPolicy):
    conflicts = detect(rows, policy).conflicts

    groups = defaultdict(set)
    for row in conflicts:
        groups[row["ssn"], row["visit_id"]].add(row["group_id"])
        groups[row["ssn"], row["con_visit_id"]].add(row["group_id"])
    assert all(len(ids) == 1 for ids in groups.values())


@some
@given(rows=nights(), policy=policies)
def test_without_cross_midnight_only_conflicts_across_midnight_are_gone(rows: list[Row], policy: DetectionPolicy):
    wide, narrow = (detect(rows, changed(policy, cross_midnight=value)) for value in (True, False))

    assert pairs_of(narrow) == {pair for pair, row in pairs_of(wide, keep=True).items() if not row["crosses_midnight"]}


@some
@given(rows=trips(), policy=policies)
def test_without_back_to_back_only_trips_without_a_gap_are_gone(rows: list[Row], policy: DetectionPolicy):
    strict, mild = (detect(rows, changed(policy, back_to_back_counts=value)) for value in (True, False))

    kept = {
        pair
        for pair, row in pairs_of(strict, keep=True).items()
        if not (row["distance"] and row["minutes_between"] == 0)
    }
    assert pairs_of(mild) == kept


def changed(policy: DetectionPolicy, **choices: Any) -> DetectionPolicy:
    """The same policy but for these choices."""
    return DetectionPolicy(**{**vars(policy), **choices})


def pairs_of(verdict: Verdict, *, keep: bool = False) -> Any:
    """The pairs in conflict by SSN and visit ids; with their rows when asked to keep them."""
    rows = {(row["ssn"], row["visit_id"], row["con_visit_id"]): row for row in verdict.conflicts}
    return rows if keep else set(rows)
