"""The sorting's twin: what becomes of each row of the fact view, found by plain loops over Python values.

It is written from the rules alone, knows no SQL, and is slow on purpose: each step can be read beside its sentence in
the rules. Where it and the source disagree, one of them is wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.source.protocol import VisitQuery
from conflict_assets_tests.normal_twin import DIGITS, text
from conflict_assets_tests.normal_twin import ssn as normal_ssn
from conflict_assets_tests.source.classification_twin_columns import full_row
from conflict_assets_tests.source.classification_twin_row import (
    CONTESTED,
    UNCONTESTED,
    Dimensions,
    Row,
    Tables,
    Visit,
    date_in,
    device_point,
    home_point,
    missing_last,
    utc,
)

DAY = timedelta(days=1)
FACT = "FACTVISITCALLPERFORMANCE_CR"
LISTED = set(RejectReason) - {RejectReason.MISSING_SSN}
MOMENTS = (
    *("Scheduled Start Time", "Scheduled End Time", "Visit Start Time", "Visit End Time"),
    *("Call In Time", "Call Out Time", "Visit Updated Timestamp"),
)
PLACEHOLDERS = {"000000000", "999999999"}
BLOCK_DAYS = 10
FIRST_BLOCK = date(2000, 1, 1)
TOLD_OF = {
    InactiveReason.INACTIVE_STATUS,
    InactiveReason.DELETED,
    InactiveReason.MISSED,
    InactiveReason.UNKNOWN_AGENCY,
    InactiveReason.INACTIVE_AGENCY,
}
"""Reasons that come and go in the warehouse, and take conflicts with them: such visits are told of, where asked."""


NOT_COUNTED = {
    InactiveReason.UNKNOWN_AGENCY,
    InactiveReason.INACTIVE_AGENCY,
    InactiveReason.EXCLUDED_AGENCY,
    InactiveReason.EXCLUDED_SSN,
}
"""Reasons that lie with an agency's state or an exclusion, and not with the visit."""


@dataclass(frozen=True)
class Sorting:
    """What was found: each row of the fact view in its order, the rows that travel, and the counts by prefix.

    Inactive visits are apart: the source tells of those in blocks of dates that the run follows and on contested dates,
    and may tell of others of a caregiver whom it looks at.
    """

    visits: list[Visit]
    rows: list[dict[str, Any]]
    must_tell: list[dict[str, Any]]
    may_tell: list[dict[str, Any]]
    counts: dict[str | None, dict[str, int]]


class Twin:
    """One sorting of some tables."""

    def __init__(self, tables: Tables, query: VisitQuery, time_zone: str, *, has_status: bool) -> None:
        self.query = query
        self.zone = ZoneInfo(time_zone)
        self.has_status = has_status
        self.dimensions = Dimensions(tables)
        self.excluded_agencies = {text(agency) for agency in query.excluded_agencies}
        self.excluded_ssns = PLACEHOLDERS | {normal_ssn(ssn) for ssn in query.excluded_ssns}
        visits = [self.read(row) for row in tables.get(FACT, ())]
        self.visits = [visit for visit in visits if query.all_prefixes or visit.prefix in query.prefixes]

    def read(self, row: Row) -> Visit:
        """Join and normalize one row."""
        caregiver = self.dimensions.caregivers.get(text(row.get("Caregiver Id")) or "")
        ssn = normal_ssn(caregiver.get("SSN")) if caregiver else None
        is_ssn = ssn is not None and len(ssn) == 9 and all(letter in DIGITS for letter in ssn)
        address = self.dimensions.addresses.get(text(row.get("Provider Patient Id")) or "")
        candidates = (
            device_point(row.get("Call In GPS Coordinates")),
            device_point(row.get("Call Out GPS Coordinates")),
            home_point(address),
        )
        return Visit(
            row=row,
            ssn=ssn,
            prefix=ssn[: self.query.prefix_length] if is_ssn else None,
            caregiver=caregiver,
            agency=self.dimensions.agencies.get(text(row.get("Provider Id")) or ""),
            address=address,
            candidates=candidates,
            visit_id=text(row.get("Visit Id")),
            provider_id=text(row.get("Provider Id")),
            visit_date=date_in(row.get("Visit Date"), self.zone),
            status=text(row.get("Visit Status")) if self.has_status else None,
            actual=(utc(row.get("Visit Start Time")), utc(row.get("Visit End Time"))),
            scheduled=(utc(row.get("Scheduled Start Time")), utc(row.get("Scheduled End Time"))),
        )

    def sort(self) -> Sorting:
        """Ask the questions of the rules, in their order."""
        for visit in self.visits:
            visit.fault = self.why_not_active(visit) or why_rejected(visit)
        self.leave_out_duplicates()
        suspects = self.suspects()
        self.leave_out_dense_days()
        good = [visit for visit in self.visits if visit.is_active]
        for visit in self.contested(good):
            visit.outcome = CONTESTED
        contested = {(visit.ssn, visit.visit_date) for visit in good if visit.outcome == CONTESTED}
        told_of = [visit for visit in self.visits if visit.prefix and visit.outcome in TOLD_OF]
        return Sorting(
            visits=self.visits,
            rows=self.travelling(visit for visit in self.visits if visit.outcome in (CONTESTED, *LISTED)),
            must_tell=self.travelling(
                visit for visit in told_of if self.follows(visit) or (visit.ssn, visit.visit_date) in contested
            ),
            may_tell=self.travelling(
                visit for visit in told_of if visit.ssn in suspects or visit.ssn in self.query.followed
            ),
            counts=self.counts(),
        )

    def why_not_active(self, visit: Visit) -> str | None:
        """The first reason why a visit is not active."""
        day, agency = visit.visit_date, visit.agency
        fits = {
            InactiveReason.INACTIVE_STATUS: (visit.status or "").upper()
            in ("CANCELLED", "CANCELED", "DELETED", "PENDING"),
            InactiveReason.DELETED: visit.row.get("Permanent Deleted"),
            InactiveReason.MISSED: visit.row.get("Is Missed"),
            InactiveReason.OUT_OF_WINDOW: day and not self.query.first_date <= day <= self.query.last_date,
            InactiveReason.UNKNOWN_AGENCY: agency is None,
            InactiveReason.INACTIVE_AGENCY: agency and (not agency.get("Is Active") or agency.get("Is Demo")),
            InactiveReason.EXCLUDED_AGENCY: visit.provider_id in self.excluded_agencies,
            InactiveReason.EXCLUDED_SSN: visit.ssn in self.excluded_ssns,
        }
        return next((reason for reason, does in fits.items() if does), None)

    def leave_out_duplicates(self) -> None:
        """Of rows with one SSN and visit id the newest stays, whatever speaks against it; ties go a fixed way."""
        namesakes = defaultdict(list)
        for visit in self.visits:
            visit.outcome = visit.fault or UNCONTESTED
            if visit.ssn and visit.visit_id:
                namesakes[visit.ssn, visit.visit_id].append(visit)
        for same in namesakes.values():
            kept = min(same, key=order_of_duplicates)
            for visit in same:
                if visit is not kept:
                    visit.outcome = RejectReason.DUPLICATE_VISIT_ID

    def leave_out_dense_days(self) -> None:
        """Reject the good visits of an SSN's date that holds too many, also of agencies that don't count now."""
        crowds = Counter((visit.ssn, visit.visit_date) for visit in self.visits if is_in_crowd(visit))
        for visit in [visit for visit in self.visits if visit.is_active]:
            if crowds[visit.ssn, visit.visit_date] > self.query.max_visits_per_day:
                visit.outcome = RejectReason.IMPLAUSIBLE_DENSITY

    def suspects(self) -> set[str | None]:
        """The SSNs that have good visits at two agencies, or more visits than a day may hold; at whatever dates."""
        agencies, visits = defaultdict(set), Counter()
        for visit in self.visits:
            if visit.fault is None:
                agencies[visit.ssn].add(visit.provider_id)
            if visit.fault is None or visit.fault in NOT_COUNTED:
                visits[visit.ssn] += 1
        return {ssn for ssn in agencies if len(agencies[ssn]) > 1 or visits[ssn] > self.query.max_visits_per_day}

    def follows(self, visit: Visit) -> bool:
        """Whether the run follows the block of dates of a visit."""
        if visit.visit_date is None:
            return False
        block = (visit.visit_date - FIRST_BLOCK).days // BLOCK_DAYS
        return block in self.query.followed.get(visit.ssn or "", ())

    def contested(self, visits: Sequence[Visit]) -> list[Visit]:
        """Those on dates where the SSN has visits at two agencies or more, perhaps counting neighbouring dates."""
        agencies = defaultdict(set)
        for visit in visits:
            agencies[visit.ssn, visit.visit_date].add(visit.provider_id)
        near = (-1, 0, 1) if self.query.cross_midnight else (0,)

        def is_contested(visit: Visit) -> bool:
            around = [agencies.get((visit.ssn, visit.visit_date + days * DAY), set()) for days in near]
            return len(set().union(*around)) > 1

        return [visit for visit in visits if is_contested(visit)]

    def travelling(self, visits: Iterable[Visit]) -> list[dict[str, Any]]:
        """The rows that the source sends of visits, in their order: in full of contested ones alone."""
        return sorted((self.row_of(visit) for visit in visits), key=order_of_rows)

    def row_of(self, visit: Visit) -> dict[str, Any]:
        """A visit as it travels."""
        full = full_row(visit, self.dimensions, self.zone)
        if visit.outcome == CONTESTED:
            return {"surveyed_as": None, **full, **self.notes(visit)}
        filled = ("ssn_prefix", "outcome", "visit_id")
        row = {name: value if name in filled else None for name, value in full.items()}
        return {"surveyed_as": visit.fault and str(visit.fault), **row, **dict.fromkeys(map(str, Note))}

    def notes(self, visit: Visit) -> dict[str, bool]:
        """What is worth knowing about a contested visit."""
        return {
            str(Note.BAD_COORDINATES): any(one.is_bad for one in visit.candidates),
            str(Note.MISSING_STATUS): self.has_status and visit.status is None,
            str(Note.ODD_TIMES): self.is_odd_time(visit),
            str(Note.ODD_DATES): self.has_odd_date(visit),
            str(Note.ONE_ACTUAL_TIME): visit.actual.count(None) == 1,
        }

    def counts(self) -> dict[str | None, dict[str, int]]:
        """Visits by prefix and by what was found."""
        return {
            prefix: count_of([visit for visit in self.visits if visit.prefix == prefix], self)
            for prefix in {visit.prefix for visit in self.visits}
        }

    def is_odd_time(self, visit: Visit) -> bool:
        """Whether a visit lasts over a day, or starts over a day away from its date in the schedule's zone."""
        start, end = visit.interval
        midnight = datetime.combine(visit.visit_date, time(), self.zone).astimezone(UTC)
        return end - start > DAY or start < midnight - DAY or start >= midnight + 2 * DAY

    def has_odd_date(self, visit: Visit) -> bool:
        """Whether a date or time of the row, or of its address, is there but can't be meant."""
        moments = [visit.row.get(name) for name in MOMENTS]
        moments.append((visit.address or {}).get("Application Created UTC Timestamp"))
        invoiced = visit.row.get("Invoice Date")
        return any(each is not None and utc(each) is None for each in moments) or (
            invoiced is not None and date_in(invoiced, self.zone) is None
        )


def classify_visits(
    tables: Tables, query: VisitQuery, *, time_zone: str = "America/New_York", has_status: bool = True
) -> Sorting:
    """Sort the visits of tables, given as lists of mappings of the warehouse's column names to Python values."""
    return Twin(tables, query, time_zone, has_status=has_status).sort()


def why_rejected(visit: Visit) -> str | None:
    """The first reason to reject a visit that can be seen on it alone."""
    start, end = visit.interval
    if visit.ssn is None:
        return RejectReason.MISSING_SSN
    if visit.prefix is None:
        return RejectReason.INVALID_SSN
    if visit.visit_id is None or visit.provider_id is None or visit.visit_date is None:
        return RejectReason.MISSING_KEY
    if start is None or end is None:
        return RejectReason.NO_TIMES
    return RejectReason.EMPTY_INTERVAL if end <= start else None


def is_in_crowd(visit: Visit) -> bool:
    """Whether a visit has an agency id and is good, but perhaps for its agency's state or an exclusion."""
    return visit.is_active or (visit.outcome in NOT_COUNTED and why_rejected(visit) is None)


def order_of_duplicates(visit: Visit) -> list[tuple[bool, Any]]:
    """The newest first, then by agency, date and times, then what is good before what is not, then by the other id."""
    updated = utc(visit.row.get("Visit Updated Timestamp"))
    age = None if updated is None else datetime.max.replace(tzinfo=UTC) - updated
    known = missing_last([age, visit.provider_id, visit.visit_date, *visit.actual, *visit.scheduled])
    return [
        *known,
        (visit.fault is not None, visit.fault),
        *missing_last([text(visit.row.get("Application Visit Id"))]),
    ]


def count_of(visits: Iterable[Visit], twin: Twin) -> dict[str, int]:
    """Count visits of one prefix by outcome, and contested ones by note."""
    visits = list(visits)
    outcomes = Counter(str(visit.outcome) for visit in visits)
    contested = [visit for visit in visits if visit.outcome == CONTESTED]
    notes = Counter(note for visit in contested for note, holds in twin.notes(visit).items() if holds)
    return {
        "visits_seen": len(visits),
        "active": sum(visit.is_active for visit in visits),
        "contested": len(contested),
        **{str(reason): outcomes[str(reason)] for reason in (*InactiveReason, *RejectReason)},
        **{str(note): notes[str(note)] for note in Note},
        "contested_caregivers": len({visit.ssn for visit in contested}),
    }


def order_of_rows(row: dict[str, Any]) -> list[tuple[bool, Any]]:
    """The order in which rows travel: no prefix first, then by prefix, SSN, date, id and outcome."""
    prefix = row["ssn_prefix"]
    names = ("ssn", "visit_date", "visit_id", "outcome")
    return [(prefix is not None, prefix), *missing_last([row[name] for name in names])]
