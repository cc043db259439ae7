"""An explanation in words: each condition, and the first that decides.

The conditions are shown with their values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from conflict_assets.domain.explanation import Explanation, Side, Trip
from conflict_assets.domain.labelled_names import LabelledName
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.reasons import InactiveReason, RejectReason
from conflict_assets.domain.rules import Rule
from conflict_assets.domain.window import Window

REASONS: Mapping[str, LabelledName] = {str(reason): reason for reason in (*InactiveReason, *RejectReason)}


@dataclass(frozen=True)
class Condition:
    """A condition, whether it holds, and its values in words.

    `holds` is None where the condition is not asked for.
    """

    name: str
    holds: bool | None
    values: str


def out_of_play(outcome: str, row: Mapping[str, object], policy: DetectionPolicy, window: Window) -> str | None:
    """Return why a visit of the source does not count.

    The result is None when it counts.
    """
    reason = REASONS.get(outcome)
    if reason is None:
        return None
    known = {**row, "first": window.first, "last": window.last, "max_visits_per_day": policy.max_visits_per_day}
    return reason.explanation.format_map(known)


def conditions(found: Explanation, policy: DetectionPolicy, *, time_zone: str) -> list[Condition]:
    """Return every condition of a conflict, in the order of the checks."""
    one, other, zone = found.first, found.second, ZoneInfo(time_zone)
    near = "same or neighbouring dates" if policy.cross_midnight else "the same date"
    days = "a date is missing" if found.days_apart is None else f"{found.days_apart} days apart"
    ignored = [side.visit_id for side in (one, other) if side.one_actual_time]
    return [
        Condition("same caregiver", found.same_caregiver, "the SSNs are " + _alike(found.same_caregiver)),
        Condition("two agencies", found.agencies_differ, f"{one.provider_id} and {other.provider_id}"),
        Condition(near, found.dates_near, f"{one.visit_date} and {other.visit_date}, {days}"),
        Condition(
            "no visit with one actual time" if policy.incomplete_actuals == "ignore" else "one actual time is allowed",
            found.may_be_paired,
            f"only one of {', '.join(ignored)}" if ignored else "neither has only one",
        ),
        Condition("same interval (rules 1 to 3)", found.same_interval, _intervals(one, other, zone)),
        Condition(
            "overlap (rules 4 to 6)",
            found.overlap_minutes > 0 and not found.same_interval,
            f"{found.overlap_minutes:g} minutes in common",
        ),
        *_trip_conditions(found, policy),
    ]


def _trip_conditions(found: Explanation, policy: DetectionPolicy) -> Iterator[Condition]:
    one, other, trip = found.first, found.second, found.trip
    asked = not found.same_interval and not found.overlap_minutes

    def holds(condition: bool) -> bool | None:
        return condition if asked else None

    basis = f"{_basis(one)} and {_basis(other)}"
    yield Condition("both worked (rule 7)", holds(one.actual and other.actual), basis)
    places = " and ".join(_place(side) for side in (one, other))
    yield Condition("both have coordinates", holds(one.latitude is not None and other.latitude is not None), places)
    codes = " and ".join(side.zip_code or "none" for side in (one, other))
    yield Condition("ZIP codes differ, or one is missing", holds(found.zip_codes_differ), codes)
    if trip is not None:
        yield Condition(
            "the trip takes longer than there is time", holds(_too_long(trip, policy)), _trip_text(trip, policy)
        )


def _too_long(trip: Trip, policy: DetectionPolicy) -> bool:
    late = trip.eta_travel_minutes > trip.minutes_between
    return late and (policy.back_to_back_counts or trip.minutes_between > 0)


def _trip_text(trip: Trip, policy: DetectionPolicy) -> str:
    start, end, speed = trip.band
    band = f"[{start:g}, {'no end' if end is None else format(end, 'g')})"
    text = (
        f"{trip.distance_miles:g} miles (by air x {policy.extra_distance_factor:g}), {speed:g} mph in band {band}: "
        f"{trip.eta_travel_minutes:g} minutes needed, {trip.minutes_between:g} given"
    )
    back_to_back = trip.minutes_between == 0 and not policy.back_to_back_counts
    return f"{text}; back to back does not count (BACK_TO_BACK_COUNTS)" if back_to_back else text


def verdict(found: Explanation, policy: DetectionPolicy) -> str:
    """Return the engine's verdict on two visits that count.

    It names the first condition that decides it.
    """
    if found.rule is not None:
        return f"a conflict by rule {found.rule.value}, {found.rule.flag}{_measure(found)}"
    if not found.is_pair:
        failed = next(each for each in conditions(found, policy, time_zone="UTC") if each.holds is False)
        return f"no conflict: not {failed.name} ({failed.values})"
    missing = next((each for each in _trip_conditions(found, policy) if not each.holds), None)
    reason = f", and no trip of rule 7: not {missing.name} ({missing.values})" if missing else ""
    return f"no conflict: the intervals are neither the same nor overlapping{reason}"


def _measure(found: Explanation) -> str:
    needed, given = (found.trip.eta_travel_minutes, found.trip.minutes_between) if found.trip else (None, None)
    return f": {measure_text(found.rule or 0, found.overlap_minutes, needed, given)}"


def measure_text(rule: int, overlap: float | None, needed: float | None, given: float | None) -> str:
    """Return the minutes of a conflict: of the trip, or in common."""
    if rule == Rule.DISTANCE:
        return f"{needed or 0:g} minutes needed, {given or 0:g} given"
    return f"{overlap or 0:g} minutes in common"


def _alike(same: bool) -> str:
    return "the same" if same else "different, or missing"


def _basis(side: Side) -> str:
    return "actual" if side.actual else "scheduled"


def _place(side: Side) -> str:
    return "none" if side.latitude is None else f"{side.latitude:.4f},{side.longitude:.4f}"


def _intervals(one: Side, other: Side, zone: ZoneInfo) -> str:
    return " and ".join(
        f"{_basis(side)} {moment_text(side.start, zone)} to {moment_text(side.end, zone)}" for side in (one, other)
    )


def moment_text(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant in a zone, with the zone's short name."""
    if moment is None:
        return "none"
    local = moment.astimezone(zone)
    fraction = f"{local:.%f}".rstrip("0") if local.microsecond else ""
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction} {local:%Z}"
