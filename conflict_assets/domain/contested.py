"""Contested visits: those in a pair, two visits of one SSN at different agencies on the same or neighbouring dates."""

from dataclasses import dataclass

import numpy as np

from conflict_assets.domain.arrays import NO_CODE, Bools, Floats, Ints
from conflict_assets.domain.columns import VisitColumns
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.sorting import SortedVisits
from conflict_assets.domain.texts import encode

ZIP_DIGITS = 5


@dataclass(frozen=True)
class PairCounts:
    """How much there was to compare: visits in at least one pair, and unordered pairs."""

    paired_visits: int
    pairs_compared: int


@dataclass(frozen=True, eq=False)
class PairedVisits:
    """The visits that are in a pair, sorted by SSN and start; `row` is the visit's place in the input."""

    row: Ints
    ssn: Ints
    agency: Ints
    date: Ints
    start: Ints
    end: Ints
    actual: Bools
    latitude: Floats
    longitude: Floats
    zip_code: Ints

    def __len__(self) -> int:
        return len(self.row)

    @property
    def located(self) -> Bools:
        """Which visits have coordinates."""
        return ~np.isnan(self.latitude)


def find_paired(
    columns: VisitColumns, sorted_visits: SortedVisits, policy: DetectionPolicy
) -> tuple[PairedVisits, PairCounts]:
    """Keep the visits that are in a pair, and count them and their pairs."""
    visits = sorted_visits.visits
    eligible = sorted_visits.good
    if policy.incomplete_actuals == "ignore":
        eligible &= ~visits.one_actual
    rows = np.flatnonzero(eligible)
    rows = _possibly_contested(rows, visits.ssn.codes[rows], visits.agency.codes[rows], visits.date[rows])
    paired, counts = _contested(
        visits.ssn.codes[rows], visits.agency.codes[rows], visits.date[rows], cross_midnight=policy.cross_midnight
    )
    rows = rows[paired]
    rows = rows[_by_ssn_and_start(visits.ssn.codes[rows], visits.start[rows])]
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
        zip_code=_zip_codes(columns, rows),
    )
    return paired_visits, counts


def _zip_codes(columns: VisitColumns, rows: Ints) -> Ints:
    if not columns.has("p_zip_code"):
        return np.full(len(rows), NO_CODE)
    return encode(columns.text("p_zip_code", rows, digits=ZIP_DIGITS), clean_zip_code).codes


def clean_zip_code(text: str) -> str:
    """Return the first five digits of a ZIP code; empty when it doesn't start with five digits."""
    first = text.strip()[:ZIP_DIGITS]
    return first if len(first) == ZIP_DIGITS and first.isascii() and first.isdigit() else ""


def _possibly_contested(rows: Ints, ssn: Ints, agency: Ints, date: Ints) -> Ints:
    """Drop most rows whose SSN has one agency only around their date; never one that is in a pair.

    Each (SSN, date) has a bucket, its next date the next one. Buckets are shared, which only keeps too many rows.
    """
    if len(rows) == 0:
        return rows
    days = date - date.min()
    mask = (1 << (2 * len(rows)).bit_length()) - 1
    bucket = (ssn * (int(days.max()) + 2) + days) & mask
    last_agency = np.full(mask + 1, -1, dtype=np.int32)
    last_agency[bucket] = agency
    several = np.zeros(mask + 1, dtype=np.bool_)
    several[bucket[last_agency[bucket] != agency]] = True
    here, before, after = last_agency[bucket], last_agency[(bucket - 1) & mask], last_agency[(bucket + 1) & mask]
    keep = several[bucket] | several[(bucket - 1) & mask] | several[(bucket + 1) & mask]
    keep |= ((before != here) & (before >= 0)) | ((after != here) & (after >= 0))
    kept: Ints = rows[keep]
    return kept


def _contested(ssn: Ints, agency: Ints, date: Ints, *, cross_midnight: bool) -> tuple[Bools, PairCounts]:
    """Find the rows that are in a pair, and count the pairs without making them.

    Pairs of a cell (SSN, date) are its pairs of visits less those within one agency; likewise between a cell and the
    next date's.
    """
    if len(ssn) == 0:
        return np.zeros(0, dtype=np.bool_), PairCounts(0, 0)
    days = date - date.min()
    cells, cell, visits = np.unique(ssn * (int(days.max()) + 2) + days, return_inverse=True, return_counts=True)
    agencies = int(agency.max()) + 1
    groups, in_group = np.unique(cell * agencies + agency, return_counts=True)
    first = np.flatnonzero(np.diff(groups // agencies, prepend=-1))
    lowest = groups[first] % agencies
    highest = groups[np.append(first[1:], len(groups)) - 1] % agencies
    pairs = _pairs_within(visits) - _pairs_within(in_group)
    if cross_midnight:
        before = np.flatnonzero(np.diff(cells) == 1)
        pairs += int(visits[before] @ visits[before + 1])
        pairs -= _pairs_of_one_agency(groups, in_group, agencies, before)
        lowest, highest = _with_neighbours(lowest, before, np.minimum), _with_neighbours(highest, before, np.maximum)
    paired = (lowest != highest)[cell]
    return paired, PairCounts(int(np.count_nonzero(paired)), pairs)


def _pairs_within(sizes: Ints) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _pairs_of_one_agency(groups: Ints, in_group: Ints, agencies: int, before: Ints) -> int:
    """Count the pairs within one agency between the cells `before` and the cells after them."""
    has_next = np.zeros(int(groups[-1]) // agencies + 1, dtype=np.bool_)
    has_next[before] = True
    own = np.flatnonzero(has_next[groups // agencies])
    wanted = groups[own] + agencies
    found = np.minimum(np.searchsorted(groups, wanted), len(groups) - 1)
    same = groups[found] == wanted
    return int(in_group[own[same]] @ in_group[found[same]])


def _with_neighbours(values: Ints, before: Ints, extreme: np.ufunc) -> Ints:
    """Return each cell's extreme value over itself and its neighbouring dates."""
    result = values.copy()
    result[before] = extreme(result[before], values[before + 1])
    result[before + 1] = extreme(result[before + 1], values[before])
    return result


def _by_ssn_and_start(ssn: Ints, start: Ints) -> Ints:
    """Return the order by SSN, then start."""
    if len(ssn) == 0:
        return ssn
    since = start - start.min()
    span = int(since.max()) + 1
    if (int(ssn.max()) + 1) * span < 1 << 63:
        return np.argsort(ssn * span + since)
    return np.lexsort((start, ssn))
