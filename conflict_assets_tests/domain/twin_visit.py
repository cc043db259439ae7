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
        visit_date=row.get("visit_date"),
        actual=(instant(row.get("visit_start_time")), instant(row.get("visit_end_time"))),
        scheduled=scheduled,
        last_updated_date=instant(row.get("last_updated_date")),
        zip_code=zip_code(row.get("p_zip_code")),
        point=point,
        has_bad_coordinates=has_bad_coordinates,
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
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(found) else found


def instant(value: datetime | None) -> datetime | None:
    """A moment in UTC; one that names no zone is in UTC already."""
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def coordinates(latitude: object, longitude: object) -> tuple[tuple[float, float] | None, bool]:
    """The point, if it is one; and whether something was given that is none."""
    given = [value for value in (latitude, longitude) if text(value) is not None]
    if not given:
        return None, False
    try:
        north, east = (float(value) for value in (latitude, longitude))
    except (TypeError, ValueError):
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
