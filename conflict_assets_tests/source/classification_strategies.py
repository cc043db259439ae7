"""Small warehouses for Hypothesis, crowded around every boundary of the sorting."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from conflict_assets.source.cells import block_of
from conflict_assets.source.protocol import VisitQuery
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.warehouse import all_of

Row = dict[str, Any]
Tables = dict[str, list[Row]]
NEW_YORK = ZoneInfo("America/New_York")
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
WINDOWS = (
    (date(2025, 2, 27), date(2025, 3, 2)),
    (date(2024, 12, 30), date(2025, 1, 1)),
    (date(2025, 3, 8), date(2025, 3, 10)),
    (date(2024, 2, 28), date(2024, 3, 1)),
    (date(2025, 2, 20), date(2025, 3, 3)),
    (date(2023, 6, 15), date(2025, 8, 4)),
)
"""Round a month's end, a year's end, a change of clocks, a leap day; ends of blocks of ten days; years."""

SSNS = ("041234567", "041-23-4567", " 041 23 4567", "049876543", "171234567")
ODD_SSNS = (
    "041234567\r",
    "\u200b041\u2009-234567\0",
    "04123\u200b4567",
    "\x1f04\x1f1234567",
    "000000000",
    "999-99-9999",
    "04123456",
    "0412345678",
    "04123456x",
    "12345",
    "",
    " - ",
    None,
)
CAREGIVERS = ("C1", "C2", "C3", "C4", "C5", "C6")
AGENCIES = ("P", "Q", "R")
ODD_AGENCIES = (
    " P ",
    "p",
    "P\r\n",
    "\u2028Q",
    "\xa0",
    "EXCLUDED\x85",
    "RESTING",
    "DEMO",
    "SILENT",
    "EXCLUDED",
    "NOBODY",
    "",
    "  ",
    None,
)
STATUSES = ("Confirmed", "Confirmed", "Scheduled")
ODD_STATUSES = (
    "Cancelled",
    " cancelled",
    "Cancelled\r",
    "canceled\t",
    "\ufeffDeleted",
    "\u3000",
    "Pen\u200bding",
    "DELETED",
    "Pending ",
    "pEnDiNg",
    "Pendings",
    "",
    "  ",
    None,
)
POINTS = ("40.7,-74.0", '"40.8,-73.9"', None, None)
ODD_POINTS = (
    ",",
    "",
    '""',
    "0,0",
    "91,0",
    "40.7,-180.5",
    "unknown",
    "40.7",
    "90,-180",
    " 40.7 , -74.0 ",
    "nan,1",
    "1,2,3",
    "1_0,2_0",
    "1e1,+2.",
    "inf,1",
    "0x1,1",
)
UPDATES = (
    None,
    datetime(2025, 3, 1, tzinfo=UTC),
    datetime(2025, 3, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 1, tzinfo=UTC),
)
KEYS = ("K1", "K2", "K3")
ODD_KEYS = (" K1 ", "K1\r", "\xa0K2", "K4", "", None)
NAMES = ("a", "b", " ", "a\r", "\u2003", None)
FLAGS = (True, False, None)


def mostly(usual: tuple[Any, ...], odd: tuple[Any, ...], share: float = 0.1) -> st.SearchStrategy[Any]:
    """One of the usual values; an odd one in about this share of all draws."""
    times = max(1, round(len(odd) * (1 - share) / share / len(usual)))
    return st.sampled_from(usual * times + odd)


# Built once: to build a strategy costs more than to draw from it.
caregivers = mostly(CAREGIVERS, (" C1 ", "C1\n", "\x85C2", "nobody", "", "\u200b", None))
agencies = mostly(AGENCIES, ODD_AGENCIES, 0.15)
ids = mostly(
    ("",), ("v1", " v1 ", "v2", "v3", None, " ", "v1\r", "\0v1\x7f", "\u200dv2\u2029", "\t\ufeff", "v\r1"), 0.2
)
statuses = mostly(STATUSES, ODD_STATUSES, 0.2)
yes = mostly((False,), (True, None), 0.1)
points, keys = mostly(POINTS, ODD_POINTS, 0.3), mostly(KEYS, ODD_KEYS, 0.2)
days = mostly((0, 1, 2, 3), (-2, -1, 4, 5, None), 0.2)
ends = st.sampled_from(("first", "first", "last"))
moments = mostly((0 * HOUR,), (-TICK, 24 * HOUR - TICK, -5 * HOUR, 10 * HOUR), 0.1)
hours = mostly((9, 9, 10, 13), (0, 23, -24, 47, 48, 72), 0.1)
lengths = mostly((3, 3, 4, 1), (0, -1, 24, 25), 0.1)
jitter = mostly((0 * TICK,), (TICK, -TICK), 0.1)
known_times = mostly(("1100", "1100", "1111", "0011"), ("1110", "1101", "1000", "0010", "0000", "0110"), 0.1)
zones = st.sampled_from((UTC, NEW_YORK, ZoneInfo("Asia/Kathmandu")))
odd_moments = mostly(
    (None,),
    (datetime(1, 1, 1, 4, tzinfo=UTC), datetime(1, 1, 1, 23, tzinfo=UTC), datetime(9999, 12, 31, 5, tzinfo=UTC)),
    0.05,
)
"""What stands in for a date or a time now and then: those that can't be meant."""
updates, names, flags = st.sampled_from(UPDATES), st.sampled_from(NAMES), st.sampled_from(FLAGS)
money = st.sampled_from((None, 0.0, 21.5))
active = mostly((True,), (False, None), 0.2)


@st.composite
def visits(draw: st.DrawFn, number: int, window: tuple[date, date]) -> Row:
    """A row of the fact view, near an end of the window."""
    end, away, zone, known = draw(ends), draw(days), draw(zones), draw(known_times)
    near = window[0] if end == "first" else window[1]
    day = near + timedelta(days=(away or 0) * (1 if end == "first" else -1))
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
    spans = []
    for _ in range(2):
        start = midnight + draw(hours) * HOUR + draw(jitter)
        spans += [start, start + draw(lengths) * HOUR + draw(jitter)]
    times = [time.astimezone(zone) if bit == "1" else None for time, bit in zip(spans, known, strict=True)]
    times = [draw(odd_moments) or time for time in times]
    chosen = draw(ids)
    return {
        "Visit Id": f"own {number}" if chosen == "" else chosen,
        # Rows that are alike in all by which ties are broken would leave it open which one is used.
        "Application Visit Id": f"{number:03d}",
        "Visit Date": draw(odd_moments) or (None if away is None else midnight + draw(moments)),
        "Visit Status": draw(statuses),
        "Scheduled Start Time": times[0],
        "Scheduled End Time": times[1],
        "Visit Start Time": times[2],
        "Visit End Time": times[3],
        "Call In GPS Coordinates": draw(points),
        "Call Out GPS Coordinates": draw(points),
        "Is Missed": draw(yes),
        "Permanent Deleted": draw(yes),
        "Provider Id": draw(agencies),
        "Caregiver Id": draw(caregivers),
        "Provider Patient Id": draw(keys),
        "Payer Id": draw(keys),
        "Contract Id": draw(keys),
        "Office Id": draw(keys),
        "Service Code Id": draw(keys),
        "Visit Updated User Id": draw(keys),
        "Application Payer Id": draw(st.sampled_from((0, 7, None))),
        "Application Contract Id": draw(st.sampled_from(("0", "12", " 0", None))),
        "Billed": draw(st.sampled_from(("yes", " YES", "yes\r", "no", None))),
        "Billed Rate": draw(money),
        "Bill Rate Non-Billed": draw(money),
        "Visit Updated Timestamp": draw(updates),
        "Invoice Date": draw(odd_moments),
        "Call In Time": draw(odd_moments),
    }


def dimension(key: str, *columns: tuple[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Row]]:
    """A few rows of a dimension: keys with two rows, with none, and without a key."""
    return st.lists(st.fixed_dictionaries({key: keys, **dict(columns)}), max_size=5)


dimensions = st.fixed_dictionaries(
    {
        "DIMOFFICE": dimension("Office Id", ("Is Active", active), ("Office Name", names)),
        "DIMPATIENT": dimension("Patient Id", ("Admission Id", names), ("Status", names)),
        "DIMPATIENTADDRESS": dimension(
            "Patient Id",
            ("Primary Address", active),
            ("Address Type", mostly(("GPS", "gps; home"), ("Home", None), 0.2)),
            ("Application Created UTC Timestamp", updates),
            (
                "Zip Code",
                st.sampled_from(("10458-1234", " 10458", "x", "501", "8901-0001", "12", "NY-10458", "10 458", None)),
            ),
            ("Latitude", st.sampled_from((40.9, 0.0, 91.0, None))),
            ("Longitude", st.sampled_from((-73.8, 0.0, 181.0, None))),
        ),
        "DIMPAYER": dimension("Payer Id", ("Is Active", active), ("Is Demo", yes), ("Payer Name", names)),
        "DIMCONTRACT": dimension("Contract Id", ("Is Active", active), ("Contract Name", names)),
        "DIMSERVICECODE": dimension("Service Code Id", ("Service Code", names)),
        "DIMUSER": dimension("User Id", ("User Fullname", names)),
    }
)
NAMED_AGENCIES = (
    *({"Provider Id": name, "Is Active": True, "Is Demo": False} for name in (*AGENCIES, "EXCLUDED")),
    {"Provider Id": "RESTING", "Is Active": False},
    {"Provider Id": "DEMO", "Is Active": True, "Is Demo": True},
    {"Provider Id": "SILENT"},
)
more_agencies = st.lists(
    st.fixed_dictionaries(
        {
            "Provider Id": st.sampled_from(("P", " Q", "RESTING\r", "\u2029", None)),
            "Is Active": flags,
            "Is Demo": flags,
            "Provider Name": names,
        }
    ),
    max_size=3,
)
ssns = mostly(SSNS, ODD_SSNS, 0.2)
more_caregivers = st.lists(
    st.fixed_dictionaries({"Caregiver Id": st.sampled_from(("C1", " C2", "C1\x00", "\r\n", "", None)), "SSN": ssns}),
    max_size=2,
)


@st.composite
def warehouses(draw: st.DrawFn) -> tuple[Tables, tuple[date, date]]:
    """Tables in which few caregivers have many visits near the ends of a window; and the window."""
    window = draw(st.sampled_from(WINDOWS))
    rows = [draw(visits(number, window)) for number in range(draw(st.integers(0, 30)))]
    people = [{"Caregiver Id": name, "SSN": draw(ssns)} for name in CAREGIVERS]
    tables = draw(dimensions)
    tables |= {
        FACT: rows,
        "DIMCAREGIVER": people + draw(more_caregivers),
        "DIMPROVIDER": [*NAMED_AGENCIES, *draw(more_agencies)],
    }
    return tables, window


FIRST = block_of(all_of().first_date)
blocks = st.sets(st.sampled_from([FIRST + number for number in (-1, 0, 1, 77, 78)]), max_size=3)
PREFIXES = ((2, None), (2, None), (2, ("04",)), (2, ("17", "04")), (1, None), (3, ("041", "049")))


@st.composite
def queries(draw: st.DrawFn, window: tuple[date, date]) -> VisitQuery:
    """What a run may ask for."""
    length, prefixes = draw(st.sampled_from(PREFIXES))
    every = tuple(f"{number:0{length}d}" for number in range(10**length))
    return VisitQuery(
        prefixes=prefixes or every,
        prefix_length=length,
        first_date=window[0],
        last_date=window[1],
        cross_midnight=draw(st.booleans()),
        max_visits_per_day=draw(st.sampled_from((1, 2, 3, 50, 50, 50))),
        excluded_agencies=draw(st.sampled_from(((), ("EXCLUDED",), (" EXCLUDED", "Q", "RESTING")))),
        followed=draw(st.dictionaries(st.sampled_from(("041234567", "049876543", "555555555")), blocks, max_size=2)),
        excluded_ssns=draw(st.sampled_from(((), (), ("049-87-6543", "12345")))),
    )
