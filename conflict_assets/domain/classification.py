"""Classify visits by whether they can be judged.

A visit that can't be judged gets a reason. A visit that can be judged may get notes about what is worth knowing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from conflict_assets.domain.columns.arrays import (
    LAST,
    MICROSECONDS_PER_DAY,
    MISSING,
    NO_CODE,
    Bools,
    Floats,
    Ints,
    lengths_of_runs,
    order_by,
)
from conflict_assets.domain.columns.texts import Codes, encode, is_blank, trim
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.duplicates import find_superseded
from conflict_assets.domain.normalization import SSN_DIGITS, is_valid_ssn, normal_ssn
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.reasons import Note, RejectReason
from conflict_assets.domain.travel import usable_coordinates

TIMES = ("visit_start_time", "visit_end_time", "sch_start_time", "sch_end_time")
REASONS = tuple(RejectReason)
GOOD = len(REASONS)
"""The outcome of a visit without a reason against it; other outcomes are positions in `REASONS`."""


@dataclass(frozen=True, eq=False)
class VisitArrays:
    """What judging needs of every visit, in the order of the input.

    `start` and `end` are the interval on the visit's basis, and `MISSING` where there is none. Coordinates that can't
    be used are NaN. `bucket` is a small number for SSN and date. The next date has the next number, and 0 follows the
    highest number. Visits of one SSN and date share a bucket, and now and then other visits share it too. So a bucket
    can rule a visit out, but it can't establish that a visit is contested.
    """

    ssn: Codes
    visit_id: pa.Array
    agency: Codes
    date: Ints
    bucket: Ints
    start: Ints
    end: Ints
    actual: Bools
    one_actual: Bools
    odd_dates: Bools
    latitude: Floats
    longitude: Floats
    bad_coordinates: Bools


@dataclass(frozen=True, eq=False)
class ClassifiedVisits:
    """Every visit's outcome: `GOOD`, or the position of its reason in `REASONS`."""

    visits: VisitArrays
    outcome: npt.NDArray[np.int8]

    @property
    def good(self) -> Bools:
        """Which visits were not rejected."""
        good: Bools = self.outcome == GOOD
        return good

    def reason_counts(self) -> dict[str, int]:
        """Count the rejected visits by reason."""
        counts = np.bincount(self.outcome, minlength=GOOD)
        return {str(reason): int(count) for reason, count in zip(REASONS, counts, strict=False)}


def classify_visits(columns: VisitColumns, policy: DetectionPolicy) -> ClassifiedVisits:
    """Normalize the visits and give each one its outcome.

    The outcome is the first reason of `RejectReason` that fits, or `GOOD`.
    """
    visits = read_visits(columns)
    outcome = np.full(len(columns), GOOD, dtype=np.int8)
    outcome[find_superseded(columns, visits.ssn, visits.visit_id, visits.agency, visits.date)] = REASONS.index(
        RejectReason.DUPLICATE_VISIT_ID
    )
    for reason, holds in _reasons_against(visits):
        outcome[holds & (outcome == GOOD)] = REASONS.index(reason)
    dense = _implausibly_dense(visits, outcome == GOOD, policy.max_visits_per_day)
    outcome[dense] = REASONS.index(RejectReason.IMPLAUSIBLE_DENSITY)
    return ClassifiedVisits(visits, outcome)


def read_visits(columns: VisitColumns) -> VisitArrays:
    """Read and normalize the columns of the visits.

    Of a visit's times, the result holds only the interval on its basis.
    """
    date, odd_dates = columns.days("visit_date")
    times = {}
    for name in TIMES:
        times[name], is_odd = columns.instants(name)
        odd_dates = odd_dates | is_odd
    actual_start, actual_end = times["visit_start_time"], times["visit_end_time"]
    has_start, has_end = actual_start != MISSING, actual_end != MISSING
    actual = has_start & has_end
    start = np.where(actual, actual_start, times["sch_start_time"])
    end = np.where(actual, actual_end, times["sch_end_time"])
    latitude, longitude, bad = _read_coordinates(columns)
    ssn = encode(columns.text("ssn", digits=SSN_DIGITS), normal_ssn)
    return VisitArrays(
        ssn=ssn,
        visit_id=trim(columns.text("visit_id")),
        agency=encode(columns.text("provider_id")),
        date=date,
        bucket=_buckets(ssn.codes, date),
        start=start,
        end=end,
        actual=actual,
        one_actual=has_start ^ has_end,
        odd_dates=odd_dates,
        latitude=latitude,
        longitude=longitude,
        bad_coordinates=bad,
    )


def _read_coordinates(columns: VisitColumns) -> tuple[Floats, Floats, Bools]:
    latitude, has_latitude = columns.numbers("latitude")
    longitude, has_longitude = columns.numbers("longitude")
    usable = usable_coordinates(latitude, longitude)
    bad = (has_latitude | has_longitude) & ~usable
    if not bad.any():
        return latitude, longitude, bad
    return np.where(usable, latitude, np.nan), np.where(usable, longitude, np.nan), bad


def _reasons_against(visits: VisitArrays) -> Iterator[tuple[RejectReason, Bools]]:
    ssn = visits.ssn.codes
    valid = np.array([*map(is_valid_ssn, visits.ssn.values), False], dtype=np.bool_)
    yield RejectReason.MISSING_SSN, ssn == NO_CODE
    yield RejectReason.INVALID_SSN, ~valid[ssn]
    no_id = visits.visit_id.is_null().to_numpy(zero_copy_only=False)
    yield RejectReason.MISSING_KEY, no_id | (visits.agency.codes == NO_CODE) | (visits.date == MISSING)
    yield RejectReason.NO_TIMES, (visits.start == MISSING) | (visits.end == MISSING)
    yield RejectReason.EMPTY_INTERVAL, visits.end <= visits.start


def _buckets(ssn: Ints, date: Ints) -> Ints:
    known = date[date != MISSING] if len(date) and date.min() == MISSING else date
    if len(known) == 0:
        return np.zeros(len(date), dtype=np.int64)
    first, last = int(known.min()), int(known.max())
    return (ssn * (last - first + 2) + (date - first)) & ((1 << len(date).bit_length()) - 1)


def _implausibly_dense(visits: VisitArrays, good: Bools, limit: int) -> Ints:
    """Find good visits on dates with more than `limit` of them.

    The limit is for the good visits of one SSN on one date.
    """
    in_bucket = np.bincount(visits.bucket, minlength=1)
    if in_bucket.max() <= limit:
        return np.zeros(0, dtype=np.int64)
    suspects = np.flatnonzero((in_bucket > limit)[visits.bucket] & good)
    order = suspects[order_by(visits.ssn.codes[suspects], visits.date[suspects])]
    is_new = (np.diff(visits.ssn.codes[order], prepend=-1) != 0) | (np.diff(visits.date[order], prepend=LAST) != 0)
    starts = np.flatnonzero(is_new)
    per_visit = np.repeat(lengths_of_runs(starts, len(order)), lengths_of_runs(starts, len(order)))
    dense: Ints = order[per_visit > limit]
    return dense


def note_counts(columns: VisitColumns, classified_visits: ClassifiedVisits) -> dict[str, int]:
    """Count the notes on the visits that were not rejected.

    A visit may have several notes.
    """
    visits, good = classified_visits.visits, classified_visits.good
    notes = {
        Note.BAD_COORDINATES: visits.bad_coordinates,
        Note.MISSING_STATUS: _lacks_status(columns),
        Note.ODD_TIMES: _has_odd_times(visits, good),
        Note.ODD_DATES: visits.odd_dates | _has_odd_update(columns),
        Note.ONE_ACTUAL_TIME: visits.one_actual,
    }
    return {str(note): int(np.count_nonzero(notes[note] & good)) for note in Note}


def _lacks_status(columns: VisitColumns) -> Bools:
    if not columns.has("visit_status"):
        return np.zeros(len(columns), dtype=np.bool_)
    return is_blank(columns.text("visit_status"))


def _has_odd_update(columns: VisitColumns) -> Bools:
    if not columns.has("last_updated_date"):
        return np.zeros(len(columns), dtype=np.bool_)
    return columns.instants("last_updated_date")[1]


def _has_odd_times(visits: VisitArrays, good: Bools) -> Bools:
    """Find visits that start far from their date or last too long.

    A start is far from the date when it is more than a day before or after it (in UTC). More than 24 hours are too
    long.
    """
    midnight = np.where(good, visits.date, 0) * MICROSECONDS_PER_DAY
    start, end = np.where(good, visits.start, 0), np.where(good, visits.end, 0)
    far = (start < midnight - MICROSECONDS_PER_DAY) | (start >= midnight + 2 * MICROSECONDS_PER_DAY)
    return far | (end - start > MICROSECONDS_PER_DAY)
