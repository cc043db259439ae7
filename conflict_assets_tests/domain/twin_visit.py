"""How the twin reads a visit: one row, normalized by hand."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from conflict_assets_tests.normal_twin import ssn, text, zip_code

MINUTE = timedelta(minutes=1)
Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, eq=False)
class Visit:
    """A visit as the rules speak of it: text trimmed, times in UTC, None where nothing is known."""

    visit_id: str | None
    ssn: str | None
    provider_id: str | None
    visit_date: date | None
    actual: Span
    scheduled: Span
    last_updated_date: datetime | None
    zip_code: str | None
    point: tuple[float, float] | None
    has_bad_coordinates: bool
    has_missing_status: bool
    has_odd_dates: bool
    billed: bool
    rate: float | None
    rate_type: str | None
    hours: float | None
    other_ties: tuple[object, ...]

    @property
    def basis(self) -> str | None:
        """`actual` when both actual times are known, else `scheduled`; None when neither span is full."""
        if None not in self.actual:
            return "actual"
        return "scheduled" if None not in self.scheduled else None

    @property
    def start(self) -> datetime:
        """The start of the interval on the visit's basis."""
        return (self.actual if self.basis == "actual" else self.scheduled)[0]

    @property
    def end(self) -> datetime:
        """The end of the interval on the visit's basis, itself not in the interval."""
        return (self.actual if self.basis == "actual" else self.scheduled)[1]

    @property
    def has_one_actual_time(self) -> bool:
        """Whether exactly one of the two actual times is known."""
        return self.actual.count(None) == 1


def read_visit(row: Mapping[str, Any]) -> Visit:
    """Normalize one row; a key that the row lacks is a column that the frame lacks."""
    scheduled = (instant(row.get("sch_start_time")), instant(row.get("sch_end_time")))
    point, has_bad_coordinates = coordinates(row.get("latitude"), row.get("longitude"))
    billed = row.get("billed") is True
    return Visit(
        visit_id=text(row.get("visit_id")),
        ssn=ssn(row.get("ssn")),
        provider_id=text(row.get("provider_id")),
        visit_date=day(row.get("visit_date")),
        actual=(instant(row.get("visit_start_time")), instant(row.get("visit_end_time"))),
        scheduled=scheduled,
        last_updated_date=instant(row.get("last_updated_date")),
        zip_code=zip_code(row.get("p_zip_code")),
        point=point,
        has_bad_coordinates=has_bad_coordinates,
        has_odd_dates=has_odd_dates(row),
        has_missing_status="visit_status" in row and text(row["visit_status"]) is None,
        billed=billed,
        rate=rate(row, billed=billed),
        rate_type=(text(row.get("rate_type")) or "").lower(),
        hours=row.get("billed_hours") if billed else span_hours(scheduled),
        other_ties=other_ties(row, billed=billed),
    )


def other_ties(row: Mapping[str, Any], *, billed: bool) -> tuple[object, ...]:
    """What else is read of a row, in the order in which it decides between two that are the same visit."""
    texts = (given_text(row.get(name)) for name in ("p_zip_code", "rate_type", "visit_status"))
    names = ("latitude", "longitude", "billed_hours", "rate", "billed_rate", "bill_rate_non_billed")
    return (*texts, *(number(row.get(name)) for name in names), billed)


def given_text(value: object) -> str | None:
    """A text, or a number as the ZIP code that it stands for."""
    return f"{value:05d}" if isinstance(value, int) and value >= 100 else text(value)


def number(value: object) -> float | None:
    """A number, also from text; None where there is none."""
    if isinstance(value, str) and not is_number(value):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(found) else found


def is_number(said: str) -> bool:
    """Whether a text is digits with one point, perhaps with a sign and an exponent, and nothing else."""
    mantissa, *exponents = said.strip().lower().split("e")
    whole, *parts = mantissa.removeprefix("-" if mantissa.startswith("-") else "+").split(".")
    signless = [each.removeprefix("-" if each.startswith("-") else "+") for each in exponents]
    figures = [whole + "".join(parts), *signless]
    return len(parts) <= 1 and len(exponents) <= 1 and all(each and set(each) <= set("0123456789") for each in figures)


def instant(value: datetime | None) -> datetime | None:
    """A moment in UTC; one that names no zone is in UTC already. None before 0001-01-02 and after 9999-12-30."""
    if value is None:
        return None
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return None if day(moment.date()) is None else moment


def day(value: date | None) -> date | None:
    """A date that can be meant."""
    return value if value is not None and date(1, 1, 2) <= value <= date(9999, 12, 30) else None


def has_odd_dates(row: Mapping[str, Any]) -> bool:
    """Whether a date or a time is given that can't be meant."""
    times = ("sch_start_time", "sch_end_time", "visit_start_time", "visit_end_time", "last_updated_date")
    given = [(row.get("visit_date"), day), *((row.get(name), instant) for name in times)]
    return any(value is not None and read(value) is None for value, read in given)


def coordinates(latitude: object, longitude: object) -> tuple[tuple[float, float] | None, bool]:
    """The point, if it is one; and whether something was given that is none."""
    given = [value for value in (latitude, longitude) if text(value) is not None]
    if not given:
        return None, False
    north, east = number(latitude), number(longitude)
    if north is None or east is None:
        return None, True
    usable = math.isfinite(north) and math.isfinite(east) and abs(north) <= 90 and abs(east) <= 180
    if not usable or (north == 0 and east == 0):
        return None, True
    return (north, east), False


def rate(row: Mapping[str, Any], *, billed: bool) -> float | None:
    """The rate that counts: the column `rate` where there is one, else the one that fits `billed`."""
    if "rate" in row:
        return row["rate"]
    return row.get("billed_rate") if billed else row.get("bill_rate_non_billed")


def span_hours(span: Span) -> float | None:
    """The length of a span, in hours; None when one of its ends is missing."""
    start, end = span
    # Minutes first, as the rules count everything: to divide once by an hour may differ in the last bit.
    return None if start is None or end is None else (end - start) / MINUTE / 60
