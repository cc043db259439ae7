"""Each check can fail, and says why in counts and names."""

import pyarrow as pa
import pytest
from dagster import AssetCheckSeverity

from conflict_assets.assets.checks import Verdict, judge_active_visits, judge_conflicts
from conflict_assets.domain.conflicts import CONFLICT_SCHEMA
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.store.records import PrefixCounts


def visits(**columns: list[object]) -> pa.Table:
    length = len(next(iter(columns.values())))
    return pa.table(
        {field.name: pa.array(columns.get(field.name, [None] * length), field.type) for field in VISIT_SCHEMA}
    )


def conflicts(ssns: list[str], agencies: list[tuple[str, str]]) -> pa.Table:
    given = {"ssn": ssns, "provider_id": [a for a, _ in agencies], "con_provider_id": [b for _, b in agencies]}
    return pa.table(
        {field.name: pa.array(given.get(field.name, [None] * len(ssns)), field.type) for field in CONFLICT_SCHEMA}
    )


def stored(**changes: int | None) -> PrefixCounts:
    values = {"rows": 2, "one_sided": 0, "previous_conflicts": None, "previous_visits": None}
    return PrefixCounts(**values | changes)


def verdict(verdicts: list[Verdict], name: str) -> Verdict:
    return next(each for each in verdicts if each.name == name)


COUNTS = {"visits_seen": 5, "active": 3, "contested": 2}
TWO = visits(ssn=["041111111", "041111111"], visit_status=["Completed", None])
PAIR = conflicts(["041111111", "041111111"], [("P", "Q"), ("Q", "P")])


def test_a_good_snapshot_passes_every_check():
    assert all(each.passed for each in judge_active_visits(TWO, COUNTS, left_out=2))


def test_counts_that_do_not_add_up_are_reported():
    assert not verdict(judge_active_visits(TWO, COUNTS, left_out=1), "counts").passed
    assert not verdict(judge_active_visits(TWO, {**COUNTS, "contested": 3}, left_out=2), "counts").passed


@pytest.mark.parametrize("status", ["Cancelled", " deleted ", "PENDING"])
def test_an_inactive_status_is_reported_in_any_spelling(status):
    found = verdict(judge_active_visits(visits(ssn=["04"], visit_status=[status]), COUNTS, 2), "no_inactive_status")
    assert not found.passed
    assert found.metadata == {"inactive_visits": 1}


def test_a_missing_or_changed_column_is_named():
    changed = TWO.drop_columns(["office"]).set_column(0, "visit_id", pa.array([1, 2]))
    found = verdict(judge_active_visits(changed, COUNTS, 2), "dtypes")
    assert not found.passed
    assert found.metadata["wrong"] == "visit_id: int64, not string, office: missing, not string"


def test_good_conflicts_pass_every_check():
    assert all(each.passed for each in judge_conflicts("04", PAIR, 5, stored()))


def test_rows_of_another_prefix_are_counted_not_shown():
    found = verdict(judge_conflicts("05", PAIR, 5, stored()), "rows_belong_to_prefix")
    assert not found.passed
    assert found.metadata == {"rows_of_other_prefixes": 2}


def test_a_pair_within_one_agency_is_reported():
    same = conflicts(["041111111"] * 2, [("P", "P"), ("P", "P")])
    assert not verdict(judge_conflicts("04", same, 5, stored()), "no_pair_within_one_agency").passed


@pytest.mark.parametrize(
    ("counts", "severity"),
    [
        (stored(rows=1), AssetCheckSeverity.ERROR),
        (stored(one_sided=1), AssetCheckSeverity.WARN),
        (stored(previous_conflicts=3, previous_visits=5), AssetCheckSeverity.WARN),
    ],
    ids=["not all written", "one direction missing", "less than half of last time's"],
)
def test_counts_of_conflicts_are_held_to_the_store_and_to_the_last_run(counts, severity):
    found = verdict(judge_conflicts("04", PAIR, 5, counts), "counts")
    assert (found.passed, found.severity) == (False, severity)


def test_fewer_conflicts_of_far_fewer_visits_are_no_surprise():
    counts = stored(previous_conflicts=3, previous_visits=10)
    assert verdict(judge_conflicts("04", PAIR, 5, counts), "counts").passed
