"""Random values that fit a column of the contract, missing and odd ones among them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from conflict_assets.source.contract import Kind
from conflict_assets_tests.source.warehouse import WHOLE_NUMBERS

NEW_YORK = ZoneInfo("America/New_York")
SOME_DAY = datetime(2025, 6, 2, 13, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1990, 2090
"""Instants outside these years are not counted from."""
SSNS = ("041234567", "049999999", "112345678", "412345678", "443322110", "487654321", "700000007", "912345678")
"""The SSNs of the caregivers: several under a prefix, and prefixes that are empty until somebody gets a new SSN."""
BAD_SSNS = (None, "", "  ", "12345", "12345678X", "999999999", "000-00-0000", "0412345678")
ODD_TEXTS = (None, "", "  ", "\u00a0", "\u200b \t", "0", "É ß 漢", 'O\'Brien, "Q"', "x" * 300, "a\x00b", "-1", "yes")
ODD_INSTANTS = (
    None,
    "infinity",
    "-infinity",
    "0001-01-01 00:00:00+00",
    "9999-12-31 12:00:00+00",
    "20000-01-01 00:00:00+00",
)
ODD_NUMBERS = (None, 0.0, -1.0, 1e-9, 1e12, 1e300, float("nan"), float("inf"))
ODD_WHOLE_NUMBERS = (None, 0, -1, 10**30)
COMMON: Mapping[str, Sequence[Any]] = {
    "Visit Status": ("Confirmed", "Confirmed", "Scheduled", "In Progress", None, "Cancelled", " pending ", "DELETED"),
    "Billed": ("yes", "no", " YES", None, "maybe"),
    "Bill Type": ("Hourly", "Daily", "Visit", None, "Weekly"),
    "Call In GPS Coordinates": ("40.70,-74.00", '"40.85,-73.88"', "40.75,-73.95", ",", "0,0", "91,10", "here", None),
    "Call Out GPS Coordinates": ("40.71,-74.01", '"40.86,-73.87"', ",", "0,0", "40.7,-181", "4_0,1", None),
    "Application Contract Id": ("0", "1", "2", None),
    "Application Payer Id": (0, 1, 2, None),
    "Zip Code": ("10004", "10458-1234", "10458", "501", "ab", None),
    "Address Type": ("Home GPS", "gps", "GPS, billing", "Home", None),
    "Latitude": (40.70, 40.85, 40.75, 41.4, 0.0, 95.0, None),
    "Longitude": (-74.00, -73.88, -73.95, -73.1, 0.0, 200.0, None),
}
"""What is usual in columns whose values decide something."""


def text_of(moment: datetime) -> str:
    """An instant as the tables hold it."""
    return moment.astimezone(UTC).isoformat(" ")


def midnight(day: date) -> str:
    """When a day begins in the agencies' zone."""
    return text_of(datetime.combine(day, time(), NEW_YORK))


def moment_of(text: str | None) -> datetime:
    """The instant that a table holds, or some instant where it is missing or odd."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return SOME_DAY
    return moment if FIRST_YEAR < moment.year < LAST_YEAR else SOME_DAY


def written_ssn(rng: Random, ssn: str) -> str:
    """An SSN as an agency may write it."""
    return rng.choice((ssn, ssn, f"{ssn[:3]}-{ssn[3:5]}-{ssn[5:]}", f" {ssn}\u00a0"))


def new_value(rng: Random, column: str, kind: Kind, now: Any, others: Sequence[Any]) -> Any:
    """Another value for a cell that holds `now`, in a column whose other cells hold `others`."""
    if column == "SSN":
        return written_ssn(rng, rng.choice(SSNS)) if rng.random() < 0.7 else rng.choice(BAD_SSNS)
    if column in COMMON and rng.random() < 0.85:
        return rng.choice(COMMON[column])
    if column in WHOLE_NUMBERS:
        return rng.choice(ODD_WHOLE_NUMBERS) if rng.random() < 0.3 else rng.randint(1, 99)
    return _BY_KIND[kind](rng, column, now, others)


def _text(rng: Random, column: str, now: Any, others: Sequence[Any]) -> Any:
    is_key = column.endswith(" Id")
    share = rng.random()
    if others and share < (0.75 if is_key else 0.3):
        return rng.choice(others)
    if share < 0.85:
        return f" {now}\u00a0" if now and share < 0.8 else f"{column} {rng.randint(1, 999)}"
    return rng.choice(ODD_TEXTS)


def _boolean(rng: Random, _column: str, now: Any, _others: Sequence[Any]) -> Any:
    return rng.choice((not now, not now, True, False, None))


def _instant(rng: Random, _column: str, now: Any, _others: Sequence[Any]) -> Any:
    if rng.random() < 0.2:
        return rng.choice(ODD_INSTANTS)
    step = rng.choice((timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=5), timedelta(days=1)))
    return text_of(moment_of(now) + step * rng.randint(-3, 3) + timedelta(microseconds=rng.choice((0, 0, 1))))


def _number(rng: Random, _column: str, _now: Any, _others: Sequence[Any]) -> Any:
    return rng.choice(ODD_NUMBERS) if rng.random() < 0.25 else round(rng.uniform(1, 60), 2)


_BY_KIND: Mapping[Kind, Callable[[Random, str, Any, Sequence[Any]], Any]] = {
    Kind.TEXT: _text,
    Kind.DIGITS: _text,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
}
