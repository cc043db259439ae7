"""How the sorting twin reads the warehouse: one text, one point, one key of a dimension at a time."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from conflict_assets_tests.normal_twin import DIGITS, ssn, text

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
CONTESTED, UNCONTESTED = "contested", "uncontested"


def utc(value: datetime | None) -> datetime | None:
    """The instant, told in UTC; None before 0001-01-02 and after 9999-12-30."""
    in_utc = None if value is None else value.astimezone(UTC)
    return None if in_utc is None or known(in_utc.date()) is None else in_utc


def date_in(value: datetime | None, zone: ZoneInfo) -> date | None:
    """The date on the calendar of a zone."""
    try:
        return None if value is None else known(value.astimezone(zone).date())
    except OverflowError:
        return None


def known(day: date) -> date | None:
    """The date, unless it is before 0001-01-02 or after 9999-12-30."""
    return day if date(1, 1, 2) <= day <= date(9999, 12, 30) else None


@dataclass(frozen=True)
class Candidate:
    """One answer to where a visit was: whether anything was said, and the point if it is a good one."""

    is_given: bool
    point: tuple[float, float] | None

    @property
    def is_bad(self) -> bool:
        """Whether something was said that is no point."""
        return self.is_given and self.point is None


def device_point(said: str | None) -> Candidate:
    """What a device said: `lat,lon`, perhaps quoted."""
    bare = text((said or "").replace('"', ""))
    if bare is None:
        return Candidate(is_given=False, point=None)
    parts = [*bare.split(","), ""]
    return Candidate(is_given=True, point=good_point(number(parts[0]), number(parts[1])))


def home_point(address: Row | None) -> Candidate:
    """Where a patient's address is."""
    north, east = (None, None) if address is None else (address.get("Latitude"), address.get("Longitude"))
    return Candidate(is_given=north is not None or east is not None, point=good_point(north, east))


def good_point(north: float | None, east: float | None) -> tuple[float, float] | None:
    """The point, unless a part is missing or out of range, or it is 0, 0."""
    if north is None or east is None or not (math.isfinite(north) and math.isfinite(east)):
        return None
    if abs(north) > 90 or abs(east) > 180:
        return None
    return None if north == 0 and east == 0 else (north, east)


def number(said: str) -> float | None:
    """A number from text: digits and one point, perhaps with a sign and an exponent, and nothing else."""
    mantissa, *exponents = said.strip(" ").lower().split("e")
    figures = [mantissa.replace(".", "", 1), *exponents]
    bare = [each[1:] if each[:1] in ("+", "-") else each for each in figures]
    is_number = len(bare) <= 2 and all(each and all(letter in DIGITS for letter in each) for each in bare)
    return float(said) if is_number else None


def one_a_key(
    rows: Sequence[Row], key: str, order: Callable[[Row], Sequence[Any]], usable: Callable[[Row], bool] = lambda _: True
) -> dict[str, Row]:
    """Of the usable rows with one key the first by `order`, in which what is missing comes last."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if usable(row) and (name := text(row.get(key))):
            found.setdefault(name, []).append(row)
    return {name: min(same, key=lambda row: missing_last(order(row))) for name, same in found.items()}


def missing_last(values: Sequence[Any]) -> list[tuple[bool, Any]]:
    """A key to sort by that puts missing values after all others."""
    return [(value is None, value) for value in values]


def columns(*names: str) -> Callable[[Row], list[Any]]:
    """An order by these columns."""
    return lambda row: [row.get(name) for name in names]


@dataclass(eq=False)
class Visit:
    """A row of the fact view, with what it is joined to and what becomes of it."""

    row: Row
    ssn: str | None
    prefix: str | None
    caregiver: Row | None
    agency: Row | None
    address: Row | None
    candidates: tuple[Candidate, Candidate, Candidate]
    visit_id: str | None
    provider_id: str | None
    visit_date: date | None
    status: str | None
    actual: tuple[datetime | None, datetime | None]
    scheduled: tuple[datetime | None, datetime | None]
    fault: str | None = None
    outcome: str = UNCONTESTED

    @property
    def interval(self) -> tuple[datetime | None, datetime | None]:
        """The actual times when both are known, else the scheduled ones."""
        return self.scheduled if None in self.actual else self.actual

    @property
    def is_active(self) -> bool:
        """Whether nothing speaks against the visit."""
        return self.outcome in (CONTESTED, UNCONTESTED)


class Dimensions:
    """The one row that is used of each key of each dimension."""

    def __init__(self, tables: Tables) -> None:
        def pick(view: str, key: str, order: Any, usable: Callable[[Row], bool] = lambda _: True) -> dict[str, Row]:
            return one_a_key(tables.get(view, ()), key, order, usable)

        self.caregivers = pick("DIMCAREGIVER", "Caregiver Id", caregiver_order)
        self.agencies = pick("DIMPROVIDER", "Provider Id", agency_order)
        self.offices = pick("DIMOFFICE", "Office Id", columns("Office Name"), is_active)
        self.patients = pick("DIMPATIENT", "Patient Id", columns(*PATIENT))
        self.addresses = pick("DIMPATIENTADDRESS", "Patient Id", address_order, is_primary_gps)
        self.payers = pick("DIMPAYER", "Payer Id", columns("Payer Name", "Payer State"), is_active_and_real)
        self.contracts = pick("DIMCONTRACT", "Contract Id", columns("Contract Name"), is_active)
        self.services = pick("DIMSERVICECODE", "Service Code Id", columns("Service Code"))
        self.users = pick("DIMUSER", "User Id", columns("User Fullname"))


PATIENT = ("Admission Id", "Medicaid Number", "Patient Lastname", "Patient Firstname", "Status")


def caregiver_order(row: Row) -> list[Any]:
    """By the normal SSN, then by what is left."""
    names = ("Caregiver Code", "Caregiver Fullname", "Caregiver Firstname", "Caregiver Lastname", "Status")
    return [ssn(row.get("SSN")), *columns(*names)(row)]


def agency_order(row: Row) -> list[Any]:
    """An active one before others, a real one before a demo, then by what is left."""
    active = row.get("Is Active")
    names = ("Provider Name", "Phone Number 1", "Federal Tax Number", "Address State")
    return [None if active is None else not active, row.get("Is Demo"), *columns(*names)(row)]


def address_order(row: Row) -> list[Any]:
    """The newest first, then by what is left."""
    created = utc(row.get("Application Created UTC Timestamp"))
    names = ("Address Line 1", "City", "Address State", "Zip Code", "County", "Latitude", "Longitude")
    return [None if created is None else datetime.max.replace(tzinfo=UTC) - created, *columns(*names)(row)]


def is_active(row: Row) -> bool:
    """Whether a row says that it is active."""
    return row.get("Is Active") is True


def is_active_and_real(row: Row) -> bool:
    """Whether a row is active and no demo; what is silent about demos is none."""
    return is_active(row) and row.get("Is Demo") is not True


def is_primary_gps(row: Row) -> bool:
    """Whether an address is a primary one whose type speaks of GPS."""
    return row.get("Primary Address") is True and "GPS" in (row.get("Address Type") or "").upper()
