"""Visits, policies and frames for Hypothesis, crowded around every boundary of the rules."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.visits import REQUIRED_COLUMNS
from conflict_assets_tests import normal_twin
from conflict_assets_tests.domain.frames import Layout
from conflict_assets_tests.domain.places import GOOD_PLACES, PLACES
from conflict_assets_tests.domain.twin_travel import travel

Row = dict[str, Any]
NEW_YORK = ZoneInfo("America/New_York")
ZONES = (UTC, NEW_YORK, ZoneInfo("Asia/Kathmandu"))

SSNS = (
    "123456789",
    "123-45-6789",
    " 123 45 6789\u2003",
    "123456780",
    "223456789",
    "000000000",
    "012345678",
    "123\u00a0456789\r",
    "\ufeff123456789\0",
)
BAD_SSNS = (
    "12345678",
    "1234567890",
    "12345678\u200b9",
    "\r\n",
    "12345678x",
    "\uff11\uff12\uff13456789",
    "123/456789",
    "",
    "  ",
    " - ",
    None,
)
PROVIDERS = ("P", "Q", "R", " P ", "P\r", "\u200bQ", "\x85", "p", "é", "10", "9")
VISIT_IDS = tuple(f"v{number}" for number in range(20)) + tuple(f"visit-0000-{number}" for number in range(10))
ODD_VISIT_IDS = (
    " v1 ",
    "\u00a0v2",
    "v2\x1c",
    "V1",
    "10",
    "9",
    "a b",
    "é",
    "\u00ff",
    "日本",
    "\uffee",
    "\U0001d4b1",
    "visit-00",
    "visit-000",
    "visit-0é",
    "v1\0",
    "v1\r\n",
    "\u2028v2\u200b",
    "\ufeff",
    "v\0001",
    "visit-0000-" * 9,
    "1:v",
    "v1\tx",
    "",
    "  ",
    None,
)
BASE_DATES = (date(2024, 2, 28), date(2024, 3, 9), date(2024, 11, 2), date(2023, 12, 31), date(2024, 6, 5))
"""The leap day comes next, or the night of a clock change in New York, or the new year, or nothing."""

START_MINUTES = (
    *(540, 540, 540, 600, 600, 600, 480, 660),
    # Just in time from a visit that ends at 10:00: the trips along the edges of the default bands.
    *(600 + eta for eta in (20, 24, 30, 36.36, 47.98, 59.94, 74.85)),
    *(0, 60, 360, 420, 1320, 1380, 1440, 1500, -60, -1440, -1500, 2879, 2880),
)
DURATIONS = (60, 60, 60, 60, 60, 120, 120, 180, 30, 30, 240, 480, 1440, 1441, 0, -60)
JITTER = (0, 0, 0, 0, 0, 0, 1, -1)
UPDATES = (
    None,
    datetime(2024, 5, 1, tzinfo=UTC),
    datetime(2024, 5, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2024, 6, 1, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
)
ODD_DATES = (date(1, 1, 1), date(9999, 12, 31))
ODD_MOMENTS = (datetime(1, 1, 1, 23, 59, 59, 999999, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
ZIPS = (
    "10004",
    "10458",
    "10458-1234",
    "10458\r",
    10458,
    501,
    "00501",
    "501",
    "",
    "1000x",
    "12-10458",
    "1 0458",
    12,
    None,
)
MONEY = (20.0, 33.33, 47.1, None, 0.0, -5.0, inf)
RATE_TYPES = ("Hourly", "Daily", "Visit", " hourly ", "hourly\x85", "VISIT", "Weekly", "", None)
BILLS = tuple(product((False, True, None), (None, 1.0, 7.7, 0.0, -1.0, 1e-308), MONEY, MONEY, MONEY, RATE_TYPES))
MONEY_COLUMNS = ("billed", "billed_hours", "billed_rate", "bill_rate_non_billed", "rate", "rate_type")
TIME_COLUMNS = REQUIRED_COLUMNS[4:]
OPTIONAL = ("visit_status", "latitude", "longitude", "p_zip_code", *MONEY_COLUMNS, "last_updated_date")
STATUSES = ("Confirmed", "", " ", "\u200b\r", None)


def mostly(usual: Sequence[Any], odd: Sequence[Any], share: float) -> st.SearchStrategy[Any]:
    """One of the usual values; an odd one in about this share of all draws."""
    times = max(1, round(len(odd) * (1 - share) / share / len(usual)))
    return st.sampled_from((*tuple(usual) * times, *odd))


# Built once: to build a strategy costs more than to draw from it.
visit_ids = mostly(VISIT_IDS, ODD_VISIT_IDS, 0.15)
ssns = mostly(SSNS[:1] * 3 + SSNS[1:4], SSNS[4:] + BAD_SSNS, 0.05)
providers = mostly(("P", "Q", "R"), (*PROVIDERS, "", " ", None), 0.05)
days = mostly((0, 0, 0, 0, 1, 1, -1, 2), (None,), 0.02)
known_times = mostly(("1111", "0011", "0011", "1100"), ("1101", "1110", "1010", "0010", "0100", "0000"), 0.08)
absent_columns = mostly(((),), (("rate",), ("rate", "billed"), OPTIONAL, ("last_updated_date",), ("longitude",)), 0.4)
minutes, durations, jitter = st.sampled_from(START_MINUTES), st.sampled_from(DURATIONS), st.sampled_from(JITTER)
id_prefixes = st.sampled_from(("", "", "", "A-2024-", "a clinic's visit 0000-", "\u00e9" * 9))
zones, zip_codes, bills = st.sampled_from(ZONES), st.sampled_from(ZIPS), st.sampled_from(BILLS)
notes = st.sampled_from(tuple(product(STATUSES, UPDATES)))
places = st.sampled_from(PLACES)
odd_dates = mostly(((None, None),), (*product(range(4), ODD_MOMENTS), *product((4,), ODD_DATES)), 0.08)
"""Which of the four times, or the date, can't be meant; and what it is."""


@st.composite
def spans(draw: st.DrawFn, midnight: datetime) -> tuple[datetime, datetime]:
    """The start and end of a shift, mostly on a small grid."""
    start = midnight + timedelta(minutes=draw(minutes), microseconds=draw(jitter))
    return start, start + timedelta(minutes=draw(durations), microseconds=draw(jitter))


@st.composite
def visits(draw: st.DrawFn, base: date, shifts: st.SearchStrategy[Any], points: st.SearchStrategy[Any]) -> Row:
    """One visit near `base`, as a mapping of column names to Python values."""
    day, zone, known = draw(days), draw(zones), draw(known_times)
    times = [moment if bit == "1" else None for moment, bit in zip(draw(shifts) + draw(shifts), known, strict=True)]
    latitude, longitude = draw(points)
    at, odd = draw(odd_dates)
    if at is not None and at < len(times):
        times[at] = odd
    status, last_updated_date = draw(notes)
    return {
        "visit_id": draw(visit_ids),
        "ssn": draw(ssns),
        "provider_id": draw(providers),
        "visit_date": odd if at == len(times) else None if day is None else base + timedelta(days=day),
        **dict(zip(TIME_COLUMNS, (moment and moment.astimezone(zone) for moment in times), strict=True)),
        "visit_status": status,
        "latitude": latitude,
        "longitude": longitude,
        "p_zip_code": draw(zip_codes),
        **dict(zip(MONEY_COLUMNS, draw(bills), strict=True)),
        "last_updated_date": last_updated_date,
    }


@st.composite
def nights(draw: st.DrawFn, max_size: int = 12, *, settled: bool = True) -> list[Row]:
    """The visits of a few caregivers around one night, with or without the optional columns."""
    base = draw(st.sampled_from(BASE_DATES))
    midnight = datetime.combine(base, time(), draw(st.sampled_from((UTC, NEW_YORK)))).astimezone(UTC)
    shifts = draw(st.lists(spans(midnight), min_size=2, max_size=6))
    shift = st.sampled_from(shifts)
    point = st.sampled_from(draw(st.lists(places, min_size=1, max_size=4)))
    fewest = draw(st.sampled_from((max_size // 2, max_size // 2, 0)))
    rows = draw(st.lists(visits(base, shift, point), min_size=fewest, max_size=max_size))
    absent = draw(absent_columns)
    prefix = draw(id_prefixes)
    rows = [{name: value for name, value in row.items() if name not in absent} for row in rows]
    rows = [{**row, "visit_id": row["visit_id"] and prefix + row["visit_id"]} for row in rows]
    return settle_ties(rows) if settled else rows


def settle_ties(rows: list[Row]) -> list[Row]:
    """Make rows that the order of duplicates can't tell apart wholly equal: then any of them may stay."""
    seen: dict[tuple[Any, ...], Row] = {}
    key = (*REQUIRED_COLUMNS, "last_updated_date")
    return [
        seen.setdefault(tuple(_bare(name, row.get(name)) for name in key), row)  # the first of its kind
        for row in rows
    ]


def _bare(name: str, value: Any) -> Any:
    if isinstance(value, date):
        in_utc = value.astimezone(UTC) if isinstance(value, datetime) else value
        return None if in_utc in {*ODD_DATES, *ODD_MOMENTS} else in_utc
    if name == "ssn":
        return normal_twin.ssn(value)
    return normal_twin.text(value) if isinstance(value, str) else value


@st.composite
def trips(draw: st.DrawFn) -> list[Row]:
    """One worked shift, and others around it that begin just as the trip there can be done, or not."""
    ends = datetime(2024, 3, 10, 6, tzinfo=UTC)
    here = draw(st.sampled_from((PLACES[0], *GOOD_PLACES)))
    rows = [_worked("v0", "P", ends - timedelta(hours=1), here, draw(st.sampled_from(ZIPS)))]
    for number in range(1, draw(st.integers(2, 5))):
        there = draw(st.sampled_from(GOOD_PLACES))
        trip = travel_between(here, there, draw(st.sampled_from(TRAVEL_POLICIES)))
        slack = timedelta(microseconds=draw(st.sampled_from((0, -1, 1, -600_000, 600_000))))
        gap = draw(st.sampled_from((trip + slack, timedelta(0), slack)))
        zip_code = draw(st.sampled_from(ZIPS))
        rows.append(_worked(f"v{number}", draw(st.sampled_from("PQR")), ends + gap, there, zip_code))
    return draw(st.permutations(rows))


def _worked(visit_id: str, provider_id: str, start: datetime, place: tuple[float, float], zip_code: Any) -> Row:
    return {
        "visit_id": visit_id,
        "ssn": "123456789",
        "provider_id": provider_id,
        "visit_date": start.date(),
        "sch_start_time": None,
        "sch_end_time": None,
        "visit_start_time": start,
        "visit_end_time": start + timedelta(hours=1),
        "latitude": place[0],
        "longitude": place[1],
        "p_zip_code": zip_code,
    }


def travel_between(here: tuple[float, float], there: tuple[float, float], policy: DetectionPolicy) -> timedelta:
    """The time that the trip needs under this policy, to the microsecond."""
    needed = travel(here, there, policy)
    return timedelta(microseconds=round(needed.eta * 60_000_000))


BANDS = (
    ((0, None, 30.0),),
    ((0, 5, 4.0), (5, 20, 0.5), (20, None, 1000.0)),
    ((0, 0.01, 1.0), (0.01, None, 60.0)),
)
TRAVEL_POLICIES = (DetectionPolicy(), *(DetectionPolicy(speed_bands=bands) for bands in BANDS))
policies = st.one_of(
    st.just(DetectionPolicy()),
    st.just(DetectionPolicy(cross_midnight=False, back_to_back_counts=False, incomplete_actuals="ignore")),
    st.builds(
        DetectionPolicy,
        cross_midnight=st.booleans(),
        extra_distance_factor=st.sampled_from((1.25, 1.0, 1, 2.5)),
        speed_bands=st.sampled_from((DetectionPolicy().speed_bands, *BANDS)),
        back_to_back_counts=st.booleans(),
        incomplete_actuals=st.sampled_from(("scheduled", "ignore")),
        max_visits_per_day=st.sampled_from((50, 50, 50, 2, 3, 4)),
    ),
)


layouts = st.one_of(
    st.just(Layout()),
    st.builds(
        Layout,
        times=st.sampled_from(("utc", "new_york", "naive", "nanoseconds", "objects", "arrow")),
        dates=st.sampled_from(("date", "midnight", "arrow")),
        texts=st.sampled_from(("str", "object", "nan", "category", "arrow")),
        index=st.sampled_from(("range", "repeated", "text")),
    ),
)
