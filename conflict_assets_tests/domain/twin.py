"""The engine's twin: the same conflicts, found by plain loops over one visit and one pair at a time.

It is written from the rules alone, shares no code with the engine, and is slow on purpose: each step can be read
beside its sentence in the rules. Where both disagree, one of them is wrong.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.reasons import Note, RejectReason
from conflict_assets_tests.domain.twin_travel import Trip, is_on_rounding_edge, travel
from conflict_assets_tests.domain.twin_visit import Visit, read_visit

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FLAGS = {
    ("same", "scheduled", "scheduled"): "same_sch_time",
    ("same", "actual", "actual"): "same_visit_time",
    ("same", "actual", "scheduled"): "sch_and_visit_time_same",
    ("overlap", "scheduled", "scheduled"): "sch_over_another_sch_time",
    ("overlap", "actual", "actual"): "visit_time_over_another_visit_time",
    ("overlap", "actual", "scheduled"): "sch_time_over_visit_time",
    ("apart", "actual", "actual"): "distance",
}
"""The flag of a pair that holds, by how its intervals lie and by its two bases in order of the alphabet."""
TYPES = {"same": "exact", "overlap": "overlap", "apart": "travel"}


@dataclass(frozen=True)
class Verdict:
    """What was found. `on_rounding_edge`: some distance lies so near to half a hundredth of a mile that two
    correct ways to compute a sine may round it differently."""

    conflicts: list[dict[str, Any]]
    rejected: list[tuple[str | None, str]]
    counts: dict[str, int]
    on_rounding_edge: bool


def judge(rows: Iterable[Mapping[str, Any]], policy: DetectionPolicy | None = None) -> Verdict:
    """Judge visits given as mappings of the product's column names to Python values, None where missing."""
    policy = policy or DetectionPolicy()
    visits = [read_visit(row) for row in rows]
    reasons = reject(visits, policy)
    kept = [visit for visit in visits if visit not in reasons]
    pairs = [(a, b) for a in kept for b in kept if is_pair(a, b, policy)]
    conflicts = [row for a, b in pairs if (row := judge_side(a, b, policy))]
    add_groups(conflicts)
    conflicts.sort(key=lambda row: (row["ssn"], row["visit_id"], row["con_visit_id"]))
    return Verdict(
        conflicts=conflicts,
        rejected=[(visit.visit_id, reason) for visit, reason in reasons.items()],
        counts=count(visits, kept, reasons, pairs, conflicts),
        on_rounding_edge=any(is_on_rounding_edge(a.point, b.point, policy) for a, b in pairs),
    )


def reject(visits: list[Visit], policy: DetectionPolicy) -> dict[Visit, str]:
    """Find the visits that can't be judged, each with the first reason that fits."""
    reasons: dict[Visit, str] = {}
    namesakes = defaultdict(list)
    for visit in visits:
        if visit.ssn and visit.visit_id:
            namesakes[visit.ssn, visit.visit_id].append(visit)
    for same in namesakes.values():
        kept = min(same, key=order_of_duplicates)
        reasons |= {visit: RejectReason.DUPLICATE_VISIT_ID.value for visit in same if visit is not kept}
    for visit in visits:
        if visit not in reasons and (reason := first_fault(visit)):
            reasons[visit] = reason
    good = [visit for visit in visits if visit not in reasons]
    density = Counter((visit.ssn, visit.visit_date) for visit in good)
    for visit in good:
        if density[visit.ssn, visit.visit_date] > policy.max_visits_per_day:
            reasons[visit] = RejectReason.IMPLAUSIBLE_DENSITY.value
    return reasons


def order_of_duplicates(visit: Visit) -> list[tuple[bool, Any]]:
    """The key by which the first of several rows with one SSN and visit id stays: newest, then fixed ties."""
    age = None if visit.last_updated_date is None else datetime.max.replace(tzinfo=UTC) - visit.last_updated_date
    ties = (visit.provider_id, visit.visit_date, *visit.actual, *visit.scheduled, *visit.other_ties)
    return [(value is None, value) for value in (age, *ties)]


def first_fault(visit: Visit) -> str | None:
    """The first reason to reject this visit that can be seen on it alone."""
    if visit.ssn is None:
        return RejectReason.MISSING_SSN.value
    if len(visit.ssn) != 9 or any(letter not in "0123456789" for letter in visit.ssn):
        return RejectReason.INVALID_SSN.value
    if visit.visit_id is None or visit.provider_id is None or visit.visit_date is None:
        return RejectReason.MISSING_KEY.value
    if visit.basis is None:
        return RejectReason.NO_TIMES.value
    if visit.end <= visit.start:
        return RejectReason.EMPTY_INTERVAL.value
    return None


def is_pair(a: Visit, b: Visit, policy: DetectionPolicy) -> bool:
    """Whether the two are to be compared at all."""
    if a is b or a.ssn != b.ssn or a.provider_id == b.provider_id:
        return False
    if policy.incomplete_actuals == "ignore" and (a.has_one_actual_time or b.has_one_actual_time):
        return False
    return abs(a.visit_date - b.visit_date) <= (DAY if policy.cross_midnight else timedelta(0))


def position(a: Visit, b: Visit) -> str:
    """How two half-open intervals lie: `same`, `overlap` or `apart`."""
    if a.start == b.start and a.end == b.end:
        return "same"
    return "overlap" if a.start < b.end and b.start < a.end else "apart"


def judge_side(a: Visit, b: Visit, policy: DetectionPolicy) -> dict[str, Any] | None:
    """The conflict row of this pair as `a` sees it, still without its group; None when no rule holds."""
    lie = position(a, b)
    trip = travel(a.point, b.point, policy)
    gap = max(timedelta(0), a.start - b.end, b.start - a.end) / MINUTE
    if lie == "apart" and not is_impossible_trip(a, b, trip, gap, policy):
        return None
    rule = FLAGS[lie, *sorted([a.basis, b.basis])]
    overlap = (min(a.end, b.end) - max(a.start, b.start)) / MINUTE if lie != "apart" else 0.0
    rate = rate_per_minute(a)
    return {
        "ssn": a.ssn,
        "visit_id": a.visit_id,
        "con_visit_id": b.visit_id,
        "provider_id": a.provider_id,
        "con_provider_id": b.provider_id,
        "visit_date": a.visit_date,
        "con_visit_date": b.visit_date,
        **{flag: flag == rule for flag in FLAGS.values()},
        "distance_miles": trip.distance if trip else None,
        "average_miles_per_hour": trip.speed if trip else None,
        "eta_travel_minutes": trip.eta if trip else None,
        "conflict_type": TYPES[lie],
        "overlap_minutes": overlap,
        "minutes_between": gap,
        "crosses_midnight": a.visit_date != b.visit_date,
        "pair_id": digest(*sorted([a.visit_id, b.visit_id])),
        "group_id": None,
        "visit_type": "billed" if a.billed else {"actual": "confirmed", "scheduled": "scheduled"}[a.basis],
        "cost_type": "recovery" if a.billed else "avoidance",
        "rate_per_minute": rate,
        "shift_amount": None if rate is None else rate * ((a.end - a.start) / MINUTE),
        "overlap_amount": None if rate is None else rate * overlap,
    }


def is_impossible_trip(a: Visit, b: Visit, trip: Trip | None, gap: float, policy: DetectionPolicy) -> bool:
    """Rule 7, for two visits that lie apart."""
    if a.basis != "actual" or b.basis != "actual" or trip is None:
        return False
    if a.zip_code is not None and a.zip_code == b.zip_code:
        return False
    if not policy.back_to_back_counts and gap == 0:
        return False
    return trip.eta > gap


def rate_per_minute(visit: Visit) -> float | None:
    """Money a minute; None when rate or hours are missing or not above zero, or the rate type is unknown."""
    if visit.rate is None or not visit.rate > 0:
        return None
    if visit.rate_type == "hourly":
        rate = visit.rate / 60
    elif visit.rate_type in {"daily", "visit"}:
        if visit.hours is None or not visit.hours > 0:
            return None
        rate = visit.rate / visit.hours / 60
    else:
        return None
    return rate if math.isfinite(rate) else None


def digest(*visit_ids: str) -> str:
    """The first 32 hex digits of SHA-256 over the ids, each preceded by its length in bytes and a colon."""
    encoded = [visit_id.encode() for visit_id in visit_ids]
    return sha256(b"".join(b"%d:%b" % (len(text), text) for text in encoded)).hexdigest()[:32]


def add_groups(conflicts: list[dict[str, Any]]) -> None:
    """Give each row the digest of the smallest visit id that it hangs together with, within its SSN."""
    neighbours = defaultdict(set)
    for row in conflicts:
        neighbours[row["ssn"], row["visit_id"]].add((row["ssn"], row["con_visit_id"]))
    for row in conflicts:
        group, fringe = set(), {(row["ssn"], row["visit_id"])}
        while fringe:
            visit = fringe.pop()
            group.add(visit)
            fringe |= neighbours[visit] - group
        row["group_id"] = digest(min(visit_id for _, visit_id in group))


def count(visits, kept, reasons, pairs, conflicts) -> dict[str, int]:
    """Count what was seen, left out, noted, compared and found."""
    left_out = Counter(reasons.values())
    return {
        "visits": len(visits),
        "active": len(kept),
        **{reason.value: left_out[reason.value] for reason in RejectReason},
        Note.BAD_COORDINATES.value: sum(visit.has_bad_coordinates for visit in kept),
        Note.MISSING_STATUS.value: sum(visit.has_missing_status for visit in kept),
        Note.ODD_TIMES.value: sum(has_odd_times(visit) for visit in kept),
        Note.ODD_DATES.value: sum(visit.has_odd_dates for visit in kept),
        Note.ONE_ACTUAL_TIME.value: sum(visit.has_one_actual_time for visit in kept),
        "paired_visits": len({visit for pair in pairs for visit in pair}),
        "pairs_compared": len(pairs) // 2,
        "conflicts": len(conflicts) // 2,
        "conflict_rows": len(conflicts),
    }


def has_odd_times(visit: Visit) -> bool:
    """Whether a visit starts over a day away from its date, or lasts over 24 hours."""
    midnight = datetime.combine(visit.visit_date, time(), UTC)
    return visit.start < midnight - DAY or visit.start >= midnight + 2 * DAY or visit.end - visit.start > DAY
