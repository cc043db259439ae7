"""Contested visits are the visits that are in a pair.

A pair is two visits of one SSN at different agencies, on the same date or on neighbouring dates.
"""

from dataclasses import dataclass

import numpy as np

from conflict_assets.domain.classification import ClassifiedVisits
from conflict_assets.domain.columns.arrays import (
    NO_CODE,
    Bools,
    Floats,
    Ints,
    lengths_of_runs,
    order_by,
    sort_pairs,
    starts_of_runs,
)
from conflict_assets.domain.policy import DetectionPolicy


@dataclass(frozen=True)
class PairCounts:
    """The counts of visits and pairs that there were to compare.

    `paired_visits` are the visits in at least one pair, and `pairs_compared` are unordered pairs.
    """

    paired_visits: int
    pairs_compared: int


@dataclass(frozen=True, eq=False)
class PairedVisits:
    """The visits that are in a pair, sorted by SSN and start.

    A few more visits may be among them. `row` is a visit's place in the input.
    """

    row: Ints
    ssn: Ints
    agency: Ints
    date: Ints
    start: Ints
    end: Ints
    actual: Bools
    latitude: Floats
    longitude: Floats

    def __len__(self) -> int:
        return len(self.row)


def find_paired(classified_visits: ClassifiedVisits, policy: DetectionPolicy) -> tuple[PairedVisits, PairCounts]:
    """Select the visits that may be in a pair, and count pairs.

    The counts are of the visits that are in a pair, and of their pairs.
    """
    visits = classified_visits.visits
    eligible = classified_visits.good
    if policy.incomplete_actuals == "ignore":
        eligible &= ~visits.one_actual
    rows = np.flatnonzero(eligible & _near_another_agency(visits.bucket, visits.agency.codes))
    counts = count_pairs(
        visits.ssn.codes[rows], visits.agency.codes[rows], visits.date[rows], cross_midnight=policy.cross_midnight
    )
    rows = rows[order_by(visits.ssn.codes[rows], visits.start[rows])]
    paired_visits = PairedVisits(
        row=rows,
        ssn=visits.ssn.codes[rows],
        agency=visits.agency.codes[rows],
        date=visits.date[rows],
        start=visits.start[rows],
        end=visits.end[rows],
        actual=visits.actual[rows],
        latitude=visits.latitude[rows],
        longitude=visits.longitude[rows],
    )
    return paired_visits, counts


def _near_another_agency(bucket: Ints, agency: Ints) -> Bools:
    """Find visits with another agency in or next to their bucket.

    These are all visits that are in a pair, and some more. The search remembers one agency of each bucket, because a
    visit of another agency differs from it.
    """
    size = 1 << len(bucket).bit_length()
    some_agency = np.full(size, NO_CODE, dtype=np.int32)
    some_agency[bucket] = agency
    several = np.zeros(size, dtype=np.bool_)
    several[bucket[some_agency[bucket] != agency]] = True
    following = np.roll(some_agency, -1)
    unlike_following = (some_agency != following) & (some_agency != NO_CODE) & (following != NO_CODE)
    unlike_following |= several | np.roll(several, -1)
    near: Bools = (unlike_following | np.roll(unlike_following, 1))[bucket]
    return near


def count_pairs(ssn: Ints, agency: Ints, date: Ints, *, cross_midnight: bool) -> PairCounts:
    """Count the visits in a pair, and the pairs, without making them.

    The pairs of a cell (SSN, date) are its pairs of visits less those within one agency. The same holds between a cell
    and the cell of the next date.
    """
    if len(ssn) == 0:
        return PairCounts(0, 0)
    days = date - date.min()
    cell, agency = sort_pairs(ssn * (int(days.max()) + 2) + days, agency)
    first = starts_of_runs(cell)
    visits = lengths_of_runs(first, len(cell))
    lowest, highest = agency[first], agency[first + visits - 1]
    # Cells of neighbouring dates get neighbouring numbers, and all others leave one number free between them. So the
    # numbers are small enough to be joined with the agency in one number.
    number = np.cumsum(np.minimum(np.diff(cell[first], prepend=cell[0]), 2))
    agencies = int(agency.max()) + 1
    group = np.repeat(number, visits) * agencies + agency
    group_first = starts_of_runs(group)
    group, in_group = group[group_first], lengths_of_runs(group_first, len(group))
    pairs = _pairs_within(visits) - _pairs_within(in_group)
    if cross_midnight:
        before = np.flatnonzero(np.diff(number) == 1)
        pairs += int(visits[before] @ visits[before + 1]) - _pairs_of_one_agency(group, in_group, agencies)
        lowest, highest = _with_neighbours(lowest, before, np.minimum), _with_neighbours(highest, before, np.maximum)
    return PairCounts(int(visits[lowest != highest].sum()), pairs)


def _pairs_within(sizes: Ints) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _pairs_of_one_agency(group: Ints, in_group: Ints, agencies: int) -> int:
    """Count the pairs within one agency between neighbouring cells.

    The groups of neighbouring cells are `agencies` numbers apart.
    """
    found = np.searchsorted(group, group + agencies)
    found[found == len(group)] = 0
    same = group[found] == group + agencies
    return int(in_group[same] @ in_group[found[same]])


def _with_neighbours(values: Ints, before: Ints, extreme: np.ufunc) -> Ints:
    """Return each cell's extreme value over itself and its neighbouring dates."""
    result = values.copy()
    result[before] = extreme(result[before], values[before + 1])
    result[before + 1] = extreme(result[before + 1], values[before])
    return result
