"""The seven rules of docs/rules.md, on arrays of pairs."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from conflict_assets.domain.columns.arrays import NO_CODE, Bools, Floats, Ints, minutes
from conflict_assets.domain.columns.texts import encode
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.contested import PairedVisits
from conflict_assets.domain.normalization import ZIP_DIGITS, normal_zip_code
from conflict_assets.domain.pairs import sweep_pairs
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.travel import great_circle_miles, miles_per_hour, road_miles, travel_minutes


class Rule(IntEnum):
    """The rules by number.

    The lower-case names are the flags' columns.
    """

    SAME_SCH_TIME = 1
    SAME_VISIT_TIME = 2
    SCH_AND_VISIT_TIME_SAME = 3
    SCH_OVER_ANOTHER_SCH_TIME = 4
    VISIT_TIME_OVER_ANOTHER_VISIT_TIME = 5
    SCH_TIME_OVER_VISIT_TIME = 6
    DISTANCE = 7

    @property
    def flag(self) -> str:
        """The name of the rule's column."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The rule in a few words."""
        return _WORDS[self].label

    @property
    def bases(self) -> str:
        """The bases of the two visits."""
        return _WORDS[self].bases

    @property
    def definition(self) -> str:
        """What must hold for the two intervals, in the words of docs/rules.md, which is written from it."""
        return _WORDS[self].definition


class _Words(NamedTuple):
    label: str
    bases: str
    definition: str


_SCHEDULED, _ACTUAL, _ONE_OF_EACH = "scheduled, scheduled", "actual, actual", "one of each"
_WORDS = {
    Rule.SAME_SCH_TIME: _Words("Same scheduled time", _SCHEDULED, "same"),
    Rule.SAME_VISIT_TIME: _Words("Same worked time", _ACTUAL, "same"),
    Rule.SCH_AND_VISIT_TIME_SAME: _Words("Scheduled = worked time", _ONE_OF_EACH, "same"),
    Rule.SCH_OVER_ANOTHER_SCH_TIME: _Words("Scheduled times overlap", _SCHEDULED, "overlap"),
    Rule.VISIT_TIME_OVER_ANOTHER_VISIT_TIME: _Words("Worked times overlap", _ACTUAL, "overlap"),
    Rule.SCH_TIME_OVER_VISIT_TIME: _Words("Scheduled, worked overlap", _ONE_OF_EACH, "overlap"),
    Rule.DISTANCE: _Words(
        "No time for the trip", _ACTUAL, "neither, and the trip from one to the other could not have been made"
    ),
}
NO_RULE = 0
CONFLICT_TYPES = ("exact", "overlap", "travel")
_TYPE_OF_RULE = np.array([0, 0, 0, 0, 1, 1, 1, 2])

RuleNumbers = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class JudgedPairs:
    """Pairs for which a rule holds, and the rule's number.

    `left` and `right` are positions among the paired visits.
    """

    left: Ints
    right: Ints
    rule: RuleNumbers

    def __len__(self) -> int:
        return len(self.rule)


@dataclass(frozen=True, eq=False)
class Trips:
    """The trip between the two visits of each pair.

    It has miles, miles an hour and minutes, which are NaN without coordinates.
    """

    distance: Floats
    speed: Floats
    minutes: Floats


def find_conflicts(columns: VisitColumns, visits: PairedVisits, policy: DetectionPolicy) -> JudgedPairs:
    """Judge every pair and return those for which a rule holds."""
    found = []
    for left, right in sweep_pairs(visits, policy):
        rule = judge(columns, visits, left, right, policy)
        holds = np.flatnonzero(rule)
        found.append(JudgedPairs(left[holds], right[holds], rule[holds]))
    nothing = np.zeros(0, dtype=np.int64)
    return JudgedPairs(
        np.concatenate([nothing, *(part.left for part in found)]),
        np.concatenate([nothing, *(part.right for part in found)]),
        np.concatenate([nothing.astype(np.int8), *(part.rule for part in found)]),
    )


def judge(columns: VisitColumns, visits: PairedVisits, left: Ints, right: Ints, policy: DetectionPolicy) -> RuleNumbers:
    """Return the number of each pair's rule, or `NO_RULE`."""
    start, end = visits.start, visits.end
    same = (start[left] == start[right]) & (end[left] == end[right])
    overlap = (start[left] < end[right]) & (start[right] < end[left]) & ~same
    both_actual = visits.actual[left] & visits.actual[right]
    one_actual = visits.actual[left] ^ visits.actual[right]
    bases = np.where(both_actual, 1, np.where(one_actual, 2, 0))
    rule = np.where(same, Rule.SAME_SCH_TIME + bases, NO_RULE)
    rule = np.where(overlap, Rule.SCH_OVER_ANOTHER_SCH_TIME + bases, rule).astype(np.int8)
    located = ~np.isnan(visits.latitude)
    apart = np.flatnonzero(both_actual & ~same & ~overlap & located[left] & located[right])
    apart = apart[_is_too_far(visits, left[apart], right[apart], policy)]
    # Last, because few pairs are left to read ZIP codes for.
    apart = apart[_zip_codes_differ(columns, visits.row[left[apart]], visits.row[right[apart]])]
    rule[apart] = Rule.DISTANCE
    return rule


def _zip_codes_differ(columns: VisitColumns, rows: Ints, con_rows: Ints) -> Bools:
    """Find pairs of input rows whose ZIP codes differ or are missing.

    A pair counts when at least one of its ZIP codes is missing.
    """
    if not columns.has("p_zip_code"):
        return np.ones(len(rows), dtype=np.bool_)
    texts = columns.text("p_zip_code", np.concatenate([rows, con_rows]), digits=ZIP_DIGITS)
    zip_code, con_zip_code = np.split(encode(texts, normal_zip_code).codes, 2)
    differ: Bools = (zip_code != con_zip_code) | (zip_code == NO_CODE)
    return differ


def _is_too_far(visits: PairedVisits, left: Ints, right: Ints, policy: DetectionPolicy) -> Bools:
    gap = minutes_between(visits, left, right)
    impossible = trips_between(visits, left, right, policy).minutes > gap
    return impossible if policy.back_to_back_counts else impossible & (gap > 0)


def minutes_between(visits: PairedVisits, left: Ints, right: Ints) -> Floats:
    """Return the minutes between the two visits of each pair.

    They run from the earlier visit's end to the later one's start, and are 0 when the visits touch or overlap.
    """
    gap = np.maximum(visits.start[left], visits.start[right]) - np.minimum(visits.end[left], visits.end[right])
    return minutes(np.maximum(gap, 0))


def overlap_minutes(visits: PairedVisits, left: Ints, right: Ints) -> Floats:
    """Return the minutes that the two intervals share.

    They are 0 when the intervals share none.
    """
    shared = np.minimum(visits.end[left], visits.end[right]) - np.maximum(visits.start[left], visits.start[right])
    return minutes(np.maximum(shared, 0))


def trips_between(visits: PairedVisits, left: Ints, right: Ints, policy: DetectionPolicy) -> Trips:
    """Return the trips between the two visits of each pair.

    They are NaN where one of the visits has no coordinates.
    """
    direct = great_circle_miles(
        visits.latitude[left], visits.longitude[left], visits.latitude[right], visits.longitude[right]
    )
    distance = road_miles(direct, policy)
    speed = miles_per_hour(distance, policy.speed_bands)
    return Trips(distance, speed, travel_minutes(distance, speed))


def conflict_types(rule: RuleNumbers) -> Ints:
    """Return the position in `CONFLICT_TYPES` of each rule."""
    return _TYPE_OF_RULE[rule]
