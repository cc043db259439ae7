"""Dates that can't be meant and numbers that are none cost their value, and nothing else; by each way to the source."""

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest

from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource
from conflict_assets_tests.source.emulator import serve
from conflict_assets_tests.source.reading import read_all
from conflict_assets_tests.source.warehouse import Warehouse, all_of

ODD_MOMENTS = (
    "infinity",
    "-infinity",
    "20251-01-01 12:00:00",
    "290000-01-01 12:00:00",
    "0044-03-15 (BC) 12:00:00",
    "0001-01-01 12:00:00",
    "9999-12-31 12:00:00",
)
FAR_MOMENTS = ("0001-01-02 12:00:00", "9999-12-30 12:00:00")
"""The first and the last day that are dates like any other."""

COLUMNS = {
    "Scheduled Start Time": "sch_start_time",
    "Scheduled End Time": "sch_end_time",
    "Visit Start Time": "visit_start_time",
    "Visit End Time": "visit_end_time",
    "Call In Time": "evv_start_time",
    "Call Out Time": "evv_end_time",
    "Invoice Date": "billed_date",
    "Visit Updated Timestamp": "last_updated_date",
}
NUMBERS = [(view, name) for view, columns in CONTRACT.items() for name, kind in columns.items() if kind is Kind.NUMBER]
ODD_NUMBERS = (float("inf"), float("-inf"), float("nan"))
POINTS = {
    "40.7,-74.0": (40.7, -74.0),
    "+40.7,-.5": (40.7, -0.5),
    "4.07e1,-7.4E+1": (40.7, -74.0),
    "40.,-74": (40.0, -74.0),
    "1_0,2_0": None,
    "1 0,2 0": None,
    "inf,1": None,
    "nan,1": None,
    "0x10,1": None,
    "1e,2": None,
    "e1,2": None,
    ".,2": None,
    "1.2.3,4": None,
    "--1,2": None,
    "1e400,2": None,
    "\u0661,\u0662": None,
    "40,7": (40.0, 7.0),
    "40;7": None,
}
WHEN = {"zoned": "TIMESTAMPTZ", "zoneless": "TIMESTAMP", "seconds": "TIMESTAMP_S", "milliseconds": "TIMESTAMP_MS"}
INSTANTS = [(view, name) for view, each in CONTRACT.items() for name, kind in each.items() if kind is Kind.INSTANT]


def worked(**row):
    """Both spans, so that either may lose a time and the visit keeps an interval."""
    return {
        "Visit Start Time": "2025-06-02 13:00:00",
        "Visit End Time": "2025-06-02 16:00:00",
        "Call In GPS Coordinates": "40.7,-74.0",
        **row,
    }


def fill(path, types=None):
    """A warehouse with a pair of visits for each odd value in each column; the odd one is at agency P."""
    warehouse = Warehouse(path, types={**dict.fromkeys(NUMBERS, "DOUBLE"), **(types or {})})
    warehouse.agency("P")
    warehouse.agency("Q")
    cases = [(column, value) for column in (*COLUMNS, "Visit Date") for value in (*ODD_MOMENTS, *FAR_MOMENTS)]
    cases += [(column, value) for view, column in NUMBERS if view == FACT for value in ODD_NUMBERS]
    for number, (column, value) in enumerate(cases):
        pair(warehouse, f"{column} {value}", f"{number:03d}456789", {column: value})
    for number, value in enumerate((*ODD_MOMENTS, *FAR_MOMENTS, *ODD_NUMBERS), 800):
        moment = value if isinstance(value, str) else "2025-01-01 00:00:00"
        place = 40.7 if isinstance(value, str) else value
        address = {"Application Created UTC Timestamp": moment, "Latitude": place, "Longitude": place}
        row = {"Patient Id": f"PP{value}", "Primary Address": True, "Address Type": "GPS", **address}
        warehouse.insert("DIMPATIENTADDRESS", row)
        own = {"Provider Patient Id": f"PP{value}", "Call In GPS Coordinates": None}
        pair(warehouse, f"address {value}", f"{number}456789", own)
    for number, said in enumerate(POINTS, 500):
        pair(warehouse, f"point {said}", f"{number}456789", {"Call In GPS Coordinates": said})
    return warehouse.close()


def pair(warehouse, name, ssn, changes):
    warehouse.caregiver(f"C {name}", ssn)
    warehouse.visit(f"{name}", **worked(**{"Caregiver Id": f"C {name}", **changes}))
    warehouse.visit(f"beside {name}", **worked(**{"Caregiver Id": f"C {name}", "Provider Id": "Q"}))


@pytest.fixture(scope="module", params=list(WHEN))
def read(request, tmp_path_factory):
    """Counts by prefix and rows by visit id, of columns of each type of time."""
    types = dict.fromkeys(INSTANTS, WHEN[request.param])
    path = fill(tmp_path_factory.mktemp("odd") / "odd.duckdb", types)
    counts, rows = read_all(DuckDBVisitSource(path, time_zone="UTC"), all_of(3), "odd")
    assert sum(counted["visits_seen"] for counted in counts.values()) == seen(path)
    return counts, {row["visit_id"]: row for row in rows.to_pylist()}


def seen(path):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f'SELECT count(*) FROM "BI"."{FACT}"').fetchone()[0]  # noqa: S608 - a constant


@pytest.mark.parametrize("value", ODD_MOMENTS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_time_that_can_not_be_meant_is_missing_and_noted(read, column, value):
    _, rows = read
    row = rows[f"{column} {value}"]
    assert row["outcome"] == "contested"
    assert row[COLUMNS[column]] is None
    assert row["odd_dates"] is True
    beside = rows[f"beside {column} {value}"]
    assert beside["outcome"] == "contested"
    assert beside["odd_dates"] is False


@pytest.mark.parametrize("value", ODD_MOMENTS)
def test_a_visit_date_that_can_not_be_meant_is_a_missing_key(read, value):
    counts, rows = read
    row = rows[f"Visit Date {value}"]
    assert row["outcome"] == "missing_key"
    assert row["surveyed_as"] == "missing_key"
    assert f"beside Visit Date {value}" not in rows, "it is alone"
    assert sum(counted["missing_key"] for counted in counts.values()) == len(ODD_MOMENTS)


@pytest.mark.parametrize("value", FAR_MOMENTS)
@pytest.mark.parametrize("column", [*COLUMNS, "Visit Date"])
def test_the_first_and_the_last_day_of_the_calendar_are_kept(read, column, value):
    counts, rows = read
    name = f"{column} {value}"
    moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
    prefix = f"{[*COLUMNS, 'Visit Date'].index(column) * 9 + 7 + FAR_MOMENTS.index(value):03d}"
    if column == "Visit Date":
        assert counts[prefix]["out_of_window"] == 1
    elif name in rows and rows[name]["outcome"] == "contested":
        row = rows[name]
        assert row[COLUMNS[column]] == (moment.date() if column == "Invoice Date" else moment)
        assert row["odd_dates"] is False
    else:
        assert counts[prefix]["empty_interval"] == 1, "it ends before it starts, which is known"


@pytest.mark.parametrize("value", ODD_MOMENTS)
def test_the_age_of_an_address_may_be_odd_too(read, value):
    _, rows = read
    row = rows[f"address {value}"]
    assert (row["outcome"], row["odd_dates"], row["latitude"]) == ("contested", True, 40.7)


@pytest.mark.parametrize("value", ODD_NUMBERS, ids=str)
def test_a_number_that_is_none_is_no_reason_to_fail(read, value):
    _, rows = read
    row = rows[f"address {value}"]
    assert (row["outcome"], row["bad_coordinates"], row["latitude"]) == ("contested", True, None)
    for view, column in NUMBERS:
        if view == FACT:
            assert rows[f"{column} {value}"]["outcome"] == "contested"


def test_nanoseconds_may_be_infinite(tmp_path):
    warehouse = Warehouse(tmp_path / "nano.duckdb", types=dict.fromkeys(INSTANTS, "TIMESTAMP_NS"))
    warehouse.agency("P")
    warehouse.agency("Q")
    for column in COLUMNS:
        for value in ODD_MOMENTS[:2]:
            name = f"{column} {value}"
            pair(warehouse, name, f"{len(name):03d}4{len(value):05d}", {column: value})

    _, rows = read_all(DuckDBVisitSource(warehouse.close(), time_zone="UTC"), all_of(), "nano")

    odd = [row for row in rows.to_pylist() if not row["visit_id"].startswith("beside")]
    assert len(odd) == 2 * len(COLUMNS)
    assert all(row["odd_dates"] for row in odd)


def test_a_row_with_an_infinite_update_is_not_the_newest(tmp_path):
    warehouse = Warehouse(tmp_path / "update.duckdb")
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    warehouse.caregiver()
    warehouse.visit("v", **{"Visit Updated Timestamp": "infinity", "Visit Status": "Cancelled"})
    warehouse.visit("v", **{"Visit Updated Timestamp": "2025-06-01 00:00:00+00"})
    warehouse.visit("w", **{"Provider Id": "Q"})

    counts, _ = read_all(DuckDBVisitSource(warehouse.close()), all_of(), "update")

    assert (counts["04"]["duplicate_visit_id"], counts["04"]["contested"]) == (1, 2)


@pytest.mark.parametrize(
    ("zone", "first", "end"),
    [
        ("America/New_York", "0001-01-02 04:56:02+00", "9999-12-31 05:00:00+00"),
        ("Asia/Tokyo", "0001-01-01 14:41:01+00", "9999-12-30 15:00:00+00"),
    ],
)
def test_a_date_is_in_the_calendar_by_the_clock_of_its_zone(tmp_path, zone, first, end):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        moments = f"[TIMESTAMPTZ '{first}', TIMESTAMPTZ '{end}']"
        before, last = connection.execute(
            f"SELECT list_transform({moments}, lambda m: (m - INTERVAL 1 MICROSECOND)::VARCHAR)"
        ).fetchone()[0]
    warehouse = Warehouse(tmp_path / "zone.duckdb")
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    for number, moment in enumerate((before, first, last, end)):
        pair(warehouse, f"{number}", f"{number:03d}456789", {"Invoice Date": moment})

    _, rows = read_all(DuckDBVisitSource(warehouse.close(), time_zone=zone), all_of(), "zone")

    found = {row["visit_id"]: (row["billed_date"], row["odd_dates"]) for row in rows.to_pylist()}
    assert [found[f"{number}"] for number in range(4)] == [
        (None, True),
        (date(1, 1, 2), False),
        (date(9999, 12, 30), False),
        (None, True),
    ]


@pytest.mark.parametrize("said", POINTS)
def test_a_point_is_made_of_digits(read, said):
    _, rows = read
    row = rows[f"point {said}"]
    assert (row["latitude"], row["longitude"]) == (POINTS[said] or (None, None))
    assert row["bad_coordinates"] is (POINTS[said] is None)


@pytest.mark.snowflake
def test_over_the_wire_all_of_it_is_the_same(tmp_path):
    path = fill(tmp_path / "odd.duckdb", dict.fromkeys(INSTANTS[::2], "TIMESTAMP"))
    with serve(tmp_path, {"BI": path}) as emulator:
        login = SnowflakeLogin(account="acme", user="READER", password="any", url=emulator.url)  # noqa: S106 - the emulator takes any
        counts, rows = read_all(SnowflakeVisitSource(login, network_seconds=60), all_of(3), "odd")
    expected_counts, expected = read_all(DuckDBVisitSource(path), all_of(3), "odd")
    assert counts == expected_counts
    assert same_but_for_nan(rows, expected)


def same_but_for_nan(one, other):
    """Whether two tables are equal where NaN equals itself."""

    def told(table):
        return [
            [str(value) if isinstance(value, float) else value for value in column.to_pylist()]
            for column in pa.table(table).columns
        ]

    return told(one) == told(other)


def test_no_extension_is_fetched(tmp_path):
    warehouse = Warehouse(tmp_path / "plain.duckdb")
    with DuckDBVisitSource(warehouse.close()).open(run_id="test") as reader:
        settings = dict(
            reader._connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%_known_extensions'"
            ).fetchall()
        )
    assert settings == {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
