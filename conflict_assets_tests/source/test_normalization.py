"""Step 0 of the rules on one table of cases: DuckDB's SQL, Snowflake's over the wire, and the engine say the same."""

import re
from datetime import date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from conflict_assets.domain.detection import detect_conflicts
from conflict_assets.domain.normalization import BLANKS, normal_ssn, normal_zip_code, trimmed
from conflict_assets.domain.reasons import INACTIVE_STATUSES
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource
from conflict_assets_tests import normal_twin
from conflict_assets_tests.normal_cases import BLANK, KEPT, NUMBERS, SSNS, ZIPS
from conflict_assets_tests.source.emulator import serve
from conflict_assets_tests.source.reading import read_all
from conflict_assets_tests.source.warehouse import Warehouse, all_of

OLD, NEW = "2025-06-01 00:00:00+00", "2025-06-02 00:00:00+00"
SIGNS = (*BLANK, *KEPT)
PREFIXES = {sign: f"{number:03d}" for number, sign in enumerate(SIGNS)}
NAMED = "\r\n"
"""The signs round the names of patient, payer and all that is looked up."""


def trims(path):
    """Under a prefix for each sign, visits whose texts have it at both ends."""
    warehouse = Warehouse(path)
    warehouse.connection.begin()
    for agency in ("P", "Q"):
        warehouse.agency(f"{NAMED}{agency}{NAMED}", **{"Provider Name": f"\u200bAgency {agency}\x85"})
    for sign, prefix in PREFIXES.items():
        inside = (lambda text, sign=sign: f"{sign}{text}{sign}") if sign in BLANK else str
        warehouse.caregiver(
            f"C{prefix}", f"{prefix}456789", **{"Caregiver Fullname": inside("Ann"), "Status": sign * 2}
        )
        who = {"Caregiver Id": inside(f"C{prefix}"), "Provider Id": inside("P"), "Visit Status": inside("Confirmed")}
        who["Call In GPS Coordinates"] = f"{inside('40.5')},{inside('-73.5')}"
        warehouse.visit(f"{sign}v{prefix}{sign}", **who, **{"Visit Updated Timestamp": NEW})
        warehouse.visit(f"w{sign}{prefix}", **{**who, "Provider Id": inside("Q")})
        if sign in BLANK:
            warehouse.visit(f"v{prefix}{sign}", **who, **{"Visit Updated Timestamp": OLD})
            warehouse.visit(sign * 3, **who)
            for status in ("Cancelled", "canceled", "DELETED", "Pending"):
                warehouse.visit(**{**who, "Visit Status": inside(status)})
            warehouse.visit(**{**who, "Provider Id": sign})
    warehouse.connection.commit()
    return warehouse.close()


def codes(path):
    """SSNs of text and ZIP codes: each SSN on two visits at two agencies, each ZIP code of one patient."""
    warehouse = Warehouse(path)
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    for number, ssn in enumerate(SSNS):
        warehouse.caregiver(f"C{number}", ssn)
        warehouse.visit(f"ssn {number}", **{"Caregiver Id": f"C{number}"})
    warehouse.caregiver("zips", "999456789")
    for number, code in enumerate(ZIPS):
        home = {"Patient Id": f"PP{number}", "Primary Address": True, "Address Type": "GPS", "Zip Code": code}
        warehouse.insert("DIMPATIENTADDRESS", home)
        warehouse.visit(
            f"zip {number}",
            **{"Caregiver Id": "zips", "Provider Patient Id": f"PP{number}", "Provider Id": "PQ"[number % 2]},
        )
    return warehouse.close()


def numbers(path):
    """SSNs and a ZIP code in columns of whole numbers."""
    types = {("DIMCAREGIVER", "SSN"): "BIGINT", ("DIMPATIENTADDRESS", "Zip Code"): "INTEGER"}
    warehouse = Warehouse(path, types=types)
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    warehouse.insert(
        "DIMPATIENTADDRESS", {"Patient Id": "PP", "Primary Address": True, "Address Type": "GPS", "Zip Code": 501}
    )
    for number, ssn in enumerate(NUMBERS):
        warehouse.caregiver(f"C{number}", ssn)
        for agency in ("P", "Q"):
            warehouse.visit(f"{number} {agency}", **{"Caregiver Id": f"C{number}", "Provider Id": agency})
    return warehouse.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("normal")
    made = {"TRIMS": trims, "CODES": codes, "NUMBERS": numbers}
    return {name: make(folder / f"{name}.duckdb") for name, make in made.items()}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory, files):
    with serve(tmp_path_factory.mktemp("emulator"), files) as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", pytest.param("snowflake", marks=pytest.mark.snowflake)])
def read_by_sql(request, files):
    """Read one of the warehouses, by either engine."""
    if request.param == "duckdb":
        return lambda name: read_all(DuckDBVisitSource(files[name]), all_of(3), name)
    url = request.getfixturevalue("emulator").url
    login = SnowflakeLogin(account="acme", user="READER", password="secret", url=url)  # noqa: S106 - the emulator takes any
    return lambda name: read_all(SnowflakeVisitSource(login, schema=name, network_seconds=60), all_of(3), name)


@pytest.fixture(scope="module")
def trimmed_by_sql(read_by_sql):
    counts, rows = read_by_sql("TRIMS")
    return counts, rows.to_pylist()


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_sql_trims_every_blank_and_nothing_else_from_both_ends(trimmed_by_sql, sign):
    counts, rows = trimmed_by_sql
    prefix = PREFIXES[sign]
    own = [row for row in rows if row["ssn_prefix"] == prefix and row["outcome"] == "contested"]
    first = f"v{prefix}" if sign in BLANK else f"{sign}v{prefix}{sign}"

    assert {row["visit_id"] for row in own} == {first, f"w{sign}{prefix}"}
    for row in own:
        assert (row["visit_status"], row["aide_name"], row["caregiver_id"]) == ("Confirmed", "Ann", f"C{prefix}")
        assert row["provider_name"] == f"Agency {row['provider_id']}"
        assert (row["latitude"], row["longitude"]) == (40.5, -73.5)
        assert row["aide_status"] == (None if sign in BLANK else sign * 2)
    assert {row["provider_id"] for row in own} == {"P", "Q"}
    if sign in BLANK:
        found = {name: count for name, count in counts[prefix].items() if count}
        bad = {"duplicate_visit_id": 1, "missing_key": 1, "inactive_status": 4, "unknown_agency": 1}
        assert found == {"visits_seen": 9, "active": 2, "contested": 2, "contested_caregivers": 1, **bad}
        listed = [(row["visit_id"], row["outcome"]) for row in rows if row["ssn_prefix"] == prefix and row not in own]
        assert {(f"v{prefix}", "duplicate_visit_id"), (None, "missing_key")} <= set(listed)


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_the_engine_trims_every_blank_and_nothing_else_from_both_ends(sign):
    span = {"sch_start_time": datetime(2025, 6, 2, 13), "sch_end_time": datetime(2025, 6, 2, 16)}  # noqa: DTZ001 - naive is UTC
    plain = {
        "visit_date": date(2025, 6, 2),
        "ssn": "041456789",
        "visit_start_time": None,
        "visit_end_time": None,
        **span,
    }
    inside = (lambda text: f"{sign}{text}{sign}") if sign in BLANK else str
    old, new = pd.Timestamp(OLD), pd.Timestamp(NEW)
    rows = [
        {**plain, "visit_id": f"{sign}v{sign}", "provider_id": inside("P"), "last_updated_date": new},
        {**plain, "visit_id": f"w{sign}x", "provider_id": inside("Q"), "last_updated_date": new},
        {**plain, "visit_id": f"v{sign}", "provider_id": inside("P"), "last_updated_date": old},
        {**plain, "visit_id": sign * 3, "provider_id": inside("P"), "last_updated_date": new},
        {**plain, "visit_id": "y", "provider_id": sign, "last_updated_date": new},
    ]
    result = detect_conflicts(pd.DataFrame(rows if sign in BLANK else rows[:2]))

    first = "v" if sign in BLANK else f"{sign}v{sign}"
    assert set(result.conflicts["visit_id"]) == {first, f"w{sign}x"}
    assert set(result.conflicts["provider_id"]) == {"P", "Q"}
    reasons = ["duplicate_visit_id", "missing_key", "missing_key"] if sign in BLANK else []
    assert sorted(result.rejected["reason"]) == reasons


def test_the_table_holds_every_blank_that_there_is():
    every = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    blank = {sign for sign in every if normal_twin.is_blank(sign)}
    assert set(BLANK) == set(BLANKS) == blank
    assert {sign for sign in every if not trimmed(sign)} == blank


def test_ssns_of_text_are_the_same_everywhere(read_by_sql):
    counts, _ = read_by_sql("CODES")
    good = sum(1 for normal in SSNS.values() if normal and re.fullmatch("[0-9]{9}", normal))
    missing = sum(1 for normal in SSNS.values() if normal is None)

    assert counts["041"]["active"] == good
    assert counts[None]["missing_ssn"] == missing
    assert counts[None]["invalid_ssn"] == len(SSNS) - good - missing


@pytest.mark.parametrize(("written", "normal"), SSNS.items(), ids=ascii)
def test_the_engine_reads_an_ssn_of_text_as_the_table_says(written, normal):
    assert normal_ssn(written) == (normal or "")
    assert normal_twin.ssn(written) == normal


def test_ssns_and_zip_codes_of_whole_numbers_get_lost_zeros_back(read_by_sql):
    _, rows = read_by_sql("NUMBERS")
    found = {row["visit_id"][0]: row["ssn"] for row in rows.to_pylist() if row["outcome"] == "contested"}
    invalid = {row["visit_id"][0] for row in rows.to_pylist() if row["outcome"] == "invalid_ssn"}

    assert found == {str(n): ssn for n, ssn in enumerate(NUMBERS.values()) if len(ssn) == 9}
    assert invalid == {str(n) for n, ssn in enumerate(NUMBERS.values()) if len(ssn) != 9}
    assert set(rows["p_zip_code"].drop_null().to_pylist()) == {"00501"}


@pytest.mark.parametrize("as_column", [pa.array, lambda values: pa.array([*map(float, values)]), lambda values: values])
def test_the_engine_gives_lost_zeros_back_to_ssns_of_whole_numbers(as_column):
    rows = {
        "visit_id": [f"{n}{agency}" for n in range(len(NUMBERS)) for agency in "PQ"],
        "provider_id": ["P", "Q"] * len(NUMBERS),
        "ssn": as_column([ssn for ssn in NUMBERS for _ in "PQ"]),
        "visit_date": date(2025, 6, 2),
        "sch_start_time": pd.Timestamp("2025-06-02 13:00"),
        "sch_end_time": pd.Timestamp("2025-06-02 16:00"),
        "visit_start_time": pd.NaT,
        "visit_end_time": pd.NaT,
    }
    result = detect_conflicts(pd.DataFrame(rows))

    assert set(result.conflicts["ssn"]) == {ssn for ssn in NUMBERS.values() if len(ssn) == 9}
    assert result.counts["invalid_ssn"] == 2 * sum(1 for ssn in NUMBERS.values() if len(ssn) != 9)


def test_zip_codes_are_the_same_everywhere(read_by_sql):
    _, rows = read_by_sql("CODES")
    found = {row["visit_id"]: row["p_zip_code"] for row in rows.to_pylist() if row["ssn_prefix"] == "999"}

    assert found == {f"zip {number}": normal for number, normal in enumerate(ZIPS.values())}


@pytest.mark.parametrize(("written", "normal"), ZIPS.items(), ids=ascii)
def test_the_engine_reads_a_zip_code_as_the_table_says(written, normal):
    assert normal_zip_code(written) == (normal or "")
    assert normal_twin.zip_code(written) == normal


def test_the_statuses_of_the_statement_are_those_of_the_domain():
    assert sorted(INACTIVE_STATUSES) == ["canceled", "cancelled", "deleted", "pending"]
