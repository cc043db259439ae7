"""Explain why two visits are a conflict, or are none.

Each condition of the rules is given with its values, which come from the engine's own parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa

from conflict_assets.domain.classification import read_visits
from conflict_assets.domain.columns.arrays import MISSING, Ints
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.contested import PairedVisits
from conflict_assets.domain.normalization import ZIP_DIGITS, normal_zip_code
from conflict_assets.domain.policy import DetectionPolicy, SpeedBand
from conflict_assets.domain.rules import NO_RULE, Rule, judge, minutes_between, overlap_minutes, trips_between
from conflict_assets.domain.visits import VISIT_SCHEMA

_FIRST, _SECOND = np.array([0]), np.array([1])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Side:
    """What judging knows of one visit.

    `start` and `end` are the interval on the visit's basis, and missing where there is none.
    """

    visit_id: str
    provider_id: str | None
    visit_date: date | None
    actual: bool
    one_actual_time: bool
    start: datetime | None
    end: datetime | None
    latitude: float | None
    longitude: float | None
    zip_code: str


@dataclass(frozen=True, kw_only=True)
class Trip:
    """The trip of rule 7 between two visits.

    It has the miles by road, the band that holds them, the minutes needed and the minutes given.
    """

    distance_miles: float
    band: SpeedBand
    eta_travel_minutes: float
    minutes_between: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Every condition of a conflict of two visits.

    `trip` is missing where one visit has no coordinates or no interval. Later conditions are given even where an
    earlier one does not hold. `rule` is the engine's verdict, and is given only if all conditions hold that make the
    two a pair.
    """

    first: Side
    second: Side
    same_caregiver: bool
    agencies_differ: bool
    days_apart: int | None
    dates_near: bool
    may_be_paired: bool
    """False when the policy ignores visits with one actual time, and one of the two visits has only one."""
    same_interval: bool
    overlap_minutes: float
    zip_codes_differ: bool
    trip: Trip | None
    rule: Rule | None

    @property
    def is_pair(self) -> bool:
        """Whether the two are compared at all."""
        return self.same_caregiver and self.agencies_differ and self.dates_near and self.may_be_paired


def explain_pair(first: Mapping[str, object], second: Mapping[str, object], policy: DetectionPolicy) -> Explanation:
    """Explain two visits, each given by the column names of `VISIT_SCHEMA`.

    Whether either visit is active or rejected is not checked.
    """
    return _Pair(first, second, policy).explained()


class _Pair:
    def __init__(self, first: Mapping[str, object], second: Mapping[str, object], policy: DetectionPolicy) -> None:
        rows = [{name: row.get(name) for name in VISIT_SCHEMA.names} for row in (first, second)]
        self._columns = VisitColumns(pa.Table.from_pylist(rows, VISIT_SCHEMA))
        self._rows = rows
        self._policy = policy
        self._visits = read_visits(self._columns)

    def explained(self) -> Explanation:
        visits, policy = self._visits, self._policy
        known = bool((visits.start != MISSING).all() and (visits.end != MISSING).all())
        dated = bool((visits.date != MISSING).all())
        days = abs(int(visits.date[1] - visits.date[0])) if dated else None
        one, other = self._side(0), self._side(1)
        found = Explanation(
            first=one,
            second=other,
            same_caregiver=self._same(visits.ssn.codes),
            agencies_differ=bool(visits.agency.codes.min() >= 0) and not self._same(visits.agency.codes),
            days_apart=days,
            dates_near=days is not None and days <= int(policy.cross_midnight),
            may_be_paired=policy.incomplete_actuals == "scheduled" or not bool(visits.one_actual.any()),
            same_interval=known and self._same(visits.start) and self._same(visits.end),
            overlap_minutes=float(overlap_minutes(self._paired, _FIRST, _SECOND)[0]) if known else 0.0,
            zip_codes_differ=one.zip_code != other.zip_code or not one.zip_code,
            trip=self._trip() if known else None,
            rule=self._rule() if known else None,
        )
        return found if found.is_pair else replace(found, rule=None)

    @cached_property
    def _paired(self) -> PairedVisits:
        visits = self._visits
        return PairedVisits(
            row=np.arange(2),
            ssn=visits.ssn.codes,
            agency=visits.agency.codes,
            date=visits.date,
            start=visits.start,
            end=visits.end,
            actual=visits.actual,
            latitude=visits.latitude,
            longitude=visits.longitude,
        )

    def _rule(self) -> Rule | None:
        number = int(judge(self._columns, self._paired, _FIRST, _SECOND, self._policy)[0])
        return None if number == NO_RULE else Rule(number)

    def _trip(self) -> Trip | None:
        trips = trips_between(self._paired, _FIRST, _SECOND, self._policy)
        if np.isnan(trips.distance[0]):
            return None
        distance = float(trips.distance[0])
        return Trip(
            distance_miles=distance,
            band=[band for band in self._policy.speed_bands if band[0] <= distance][-1],
            eta_travel_minutes=float(trips.minutes[0]),
            minutes_between=float(minutes_between(self._paired, _FIRST, _SECOND)[0]),
        )

    def _side(self, at: int) -> Side:
        visits, row = self._visits, self._rows[at]
        zip_codes = self._columns.text("p_zip_code", digits=ZIP_DIGITS).to_pylist()
        place = None if np.isnan(visits.latitude[at]) or np.isnan(visits.longitude[at]) else at
        return Side(
            visit_id=str(row["visit_id"]),
            provider_id=None if row["provider_id"] is None else str(row["provider_id"]),
            visit_date=None if visits.date[at] == MISSING else date(1970, 1, 1) + timedelta(days=int(visits.date[at])),
            actual=bool(visits.actual[at]),
            one_actual_time=bool(visits.one_actual[at]),
            start=_moment(visits.start, at),
            end=_moment(visits.end, at),
            latitude=None if place is None else float(visits.latitude[at]),
            longitude=None if place is None else float(visits.longitude[at]),
            zip_code=normal_zip_code(zip_codes[at] or ""),
        )

    @staticmethod
    def _same(codes: Ints) -> bool:
        return bool(codes[0] == codes[1] and codes[0] != MISSING and codes[0] != -1)


def _moment(instants: Ints, at: int) -> datetime | None:
    return None if instants[at] == MISSING else _EPOCH + timedelta(microseconds=int(instants[at]))
