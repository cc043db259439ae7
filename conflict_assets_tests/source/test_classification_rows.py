"""What a contested visit becomes on its way: points, ZIP codes, contracts, rates, names and notes, one case a row."""

from datetime import UTC, date

import pytest

from conflict_assets_tests import normal_cases
from conflict_assets_tests.source.classification_bench import Bench, assert_agreement
from conflict_assets_tests.source.classification_cases import AGENCIES, midnight, visit
from conflict_assets_tests.source.classification_pairs import Pairs, patient
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.reading import TOLD_SCHEMA
from conflict_assets_tests.source.warehouse import all_of, at

FROM, TO, START, END = "Scheduled Start Time", "Scheduled End Time", "Visit Start Time", "Visit End Time"


@pytest.fixture(scope="module")
def bench():
    return Bench()


def home(key, north=None, east=None, **changes):
    return {
        "Patient Id": patient(key),
        "Primary Address": True,
        "Address Type": "GPS",
        "Latitude": north,
        "Longitude": east,
        **changes,
    }


A, B, HOME = (40.7, -74.0), (40.8, -73.9), (40.9, -73.8)
IN, OUT = "40.7,-74.0", "40.8,-73.9"
POINTS = {
    "all three": (IN, OUT, HOME, A, False),
    "no call in": (None, OUT, HOME, B, False),
    "no calls": (None, None, HOME, HOME, False),
    "nothing at all": (None, None, None, None, False),
    "blank calls": ("", '  ""  ', HOME, HOME, False),
    "call in alone": (IN, None, None, A, False),
    "quoted": (f'"{IN}"', OUT, HOME, A, False),
    "each part quoted": ('"40.7","-74.0"', OUT, HOME, A, False),
    "blanks": ("  40.7 ,  -74.0 ", OUT, HOME, A, False),
    "a lone comma": (",", OUT, HOME, B, True),
    "a lone comma, quoted": ('","', None, HOME, HOME, True),
    "lone commas and no home": (",", ",", None, None, True),
    "half a point": ("40.7,", OUT, HOME, B, True),
    "the other half": (",-74.0", OUT, HOME, B, True),
    "no comma": ("40.7", OUT, HOME, B, True),
    "a third number": ("40.7,-74.0,12", OUT, HOME, A, False),
    "words": ("unknown,unknown", OUT, HOME, B, True),
    "a number and a word": ("40.7,west", OUT, HOME, B, True),
    "not a number": ("nan,nan", OUT, HOME, B, True),
    "without end": ("inf,-74.0", OUT, HOME, B, True),
    "a device's nothing": ("0,0", OUT, HOME, B, True),
    "a device's nothing in full": ("0.000,-0.0", OUT, HOME, B, True),
    "on the equator": ("0,-74.0", OUT, HOME, (0.0, -74.0), False),
    "on the zero meridian": ("40.7,0", OUT, HOME, (40.7, 0.0), False),
    "the pole": ("90,180", OUT, HOME, (90.0, 180.0), False),
    "the other pole": ("-90,-180", OUT, HOME, (-90.0, -180.0), False),
    "beyond the pole": ("90.0001,-74.0", OUT, HOME, B, True),
    "beyond the other pole": ("-90.0001,-74.0", OUT, HOME, B, True),
    "beyond the date line": ("40.7,180.0001", OUT, HOME, B, True),
    "beyond the date line westward": ("40.7,-180.0001", OUT, HOME, B, True),
    "the wrong way round, out of range": ("-140.7,40.7", OUT, HOME, B, True),
    "an exponent": ("4.07e1,-7.4e1", OUT, HOME, A, False),
    "bad call out beside good call in": (IN, "x", HOME, A, True),
    "bad call out": (None, "100,0", HOME, HOME, True),
    "bad calls": ("0,0", "x", HOME, HOME, True),
    "bad home beside a good call": (IN, OUT, (0.0, 0.0), A, True),
    "bad home": (None, None, (0.0, 0.0), None, True),
    "half a home": (None, None, (40.9, None), None, True),
    "the other half of a home": (None, None, (None, -73.8), None, True),
    "a home beyond the pole": (None, None, (90.5, -73.8), None, True),
    "a home beyond the date line": (None, None, (40.9, -180.5), None, True),
    "a home without a point": (None, None, (None, None), None, False),
    "a home on the equator": (None, None, (0.0, -73.8), (0.0, -73.8), False),
}


POINTS |= {
    f"{name}, at call out": (None, said, HOME, HOME if is_bad else expected, is_bad)
    for name, (said, out, place, expected, is_bad) in POINTS.items()
    if said and (out, place) == (OUT, HOME)
}
"""Call in, call out and home; the point that is taken, and whether one of them is bad."""


@pytest.fixture(scope="module")
def points(bench):
    cases = {
        name: {"Call In GPS Coordinates": call_in, "Call Out GPS Coordinates": call_out}
        for name, (call_in, call_out, *_) in POINTS.items()
    }
    homes = [home(name, *place) for name, (_, _, place, *_) in POINTS.items() if place]
    return Pairs(bench, cases, {"DIMPATIENTADDRESS": homes})


@pytest.mark.parametrize("name", POINTS)
def test_the_first_good_point_of_call_in_call_out_and_home_is_taken_and_a_bad_one_noted(points, name):
    *_, expected, is_bad = POINTS[name]

    row = points.row(name)

    assert (row["latitude"], row["longitude"]) == (expected or (None, None))
    assert points.notes(name) == ({"bad_coordinates"} if is_bad else set())


ZIPS = {**normal_cases.ZIPS, None: None}


@pytest.fixture(scope="module")
def zips(bench):
    homes = [home(code, **{"Zip Code": code}) for code in ZIPS]
    return Pairs(bench, {code: {} for code in ZIPS}, {"DIMPATIENTADDRESS": homes})


@pytest.mark.parametrize("code", ZIPS, ids=repr)
def test_a_zip_code_has_five_digits_with_lost_zeros_put_back(zips, code):
    assert zips.row(code)["p_zip_code"] == ZIPS[code]


OLD, NEW = at("2024-01-01T00:00+00:00"), at("2024-01-01T00:00:00.000001+00:00")
CREATED = "Application Created UTC Timestamp"
ADDRESSES = {
    "one": ([{"City": "used"}], "used"),
    "the newest": ([{"City": "a", CREATED: OLD}, {"City": "used", CREATED: NEW}], "used"),
    "one with a date before one without": ([{"City": "a"}, {"City": "used", CREATED: OLD}], "used"),
    "the newest is not primary": ([{"City": "used", CREATED: OLD}, {CREATED: NEW, "Primary Address": False}], "used"),
    "whether it is primary is unknown": ([{"City": "a", "Primary Address": None}], None),
    "the newest is no GPS address": ([{"City": "used", CREATED: OLD}, {CREATED: NEW, "Address Type": "Home"}], "used"),
    "its type is unknown": ([{"City": "a", "Address Type": None}], None),
    "GPS among other words": ([{"City": "used", "Address Type": "Home; GPS; Billing"}], "used"),
    "gps in small letters": ([{"City": "used", "Address Type": "home/gps"}], "used"),
    "blanks round the id": ([{"City": "used", "Patient Id": "  PP 'blanks round the id' "}], "used"),
    "two alike in time": ([{"City": "b", CREATED: OLD}, {"City": "a", CREATED: OLD}], "a"),
    "two wholly alike": ([{"City": "used"}, {"City": "used"}], "used"),
    "none": ([], None),
}


@pytest.fixture(scope="module")
def addresses(bench):
    homes = [home(name, **changes) for name, (rows, _) in ADDRESSES.items() for changes in rows]
    return Pairs(bench, {name: {} for name in ADDRESSES}, {"DIMPATIENTADDRESS": homes})


@pytest.mark.parametrize("name", ADDRESSES)
def test_the_newest_primary_gps_address_is_the_patient_s(addresses, name):
    assert addresses.row(name)["p_city"] == ADDRESSES[name][1]


CONTRACT_TYPES = {
    (0, "12"): "Internal",
    (0, " 12 "): "Internal",
    (7, "12"): "UPR",
    (7, "0"): "Payer",
    (7, " 0 "): "Payer",
    (0, "0"): None,
    (None, "12"): None,
    (None, "0"): None,
    (7, None): None,
    (0, None): None,
    (7, " "): None,
    (-1, "0"): "Payer",
    (0, "00"): "Internal",
}


@pytest.fixture(scope="module")
def contract_types(bench):
    return Pairs(
        bench,
        {key: {"Application Payer Id": key[0], "Application Contract Id": key[1]} for key in CONTRACT_TYPES},
    )


@pytest.mark.parametrize("key", CONTRACT_TYPES, ids=repr)
def test_the_kind_of_contract_goes_by_which_of_the_two_ids_is_zero(contract_types, key):
    assert contract_types.row(key)["contract_type"] == CONTRACT_TYPES[key]


RATES = {
    "yes": (True, 21.5),
    "YES": (True, 21.5),
    " Yes ": (True, 21.5),
    "no": (False, 19.25),
    "y": (False, 19.25),
    "true": (False, 19.25),
    "": (False, 19.25),
    None: (False, 19.25),
}


@pytest.fixture(scope="module")
def rates(bench):
    money = {"Billed Rate": 21.5, "Bill Rate Non-Billed": 19.25, "Billed Hours": 3.0}
    return Pairs(
        bench,
        {
            **{said: {"Billed": said, **money} for said in RATES},
            "billed without a rate": {"Billed": "yes", "Bill Rate Non-Billed": 19.25},
            "not billed, without a rate": {"Billed": "no", "Billed Rate": 21.5},
        },
    )


@pytest.mark.parametrize("said", RATES, ids=repr)
def test_the_rate_is_the_billed_one_when_billed_else_the_contract_s(rates, said):
    row = rates.row(said)
    assert (row["billed"], row["rate"]) == RATES[said]
    assert (row["billed_rate"], row["bill_rate_non_billed"], row["billed_hours"]) == (21.5, 19.25, 3.0)


@pytest.mark.parametrize("name", ["billed without a rate", "not billed, without a rate"])
def test_one_rate_does_not_stand_in_for_the_other(rates, name):
    assert rates.row(name)["rate"] is None


@pytest.mark.parametrize("name", ["points", "zips", "addresses", "contract_types", "rates"])
def test_source_and_twin_agree_on_all_of_them(request, name):
    pairs = request.getfixturevalue(name)
    assert_agreement(pairs.found, pairs.twin)


FULL_VISIT = {
    "Visit Id": " full ",
    "Application Visit Id": " 77 ",
    "Visit Status": " Confirmed ",
    FROM: at("2025-06-02T09:00-04:00"),
    TO: at("2025-06-02T12:00-04:00"),
    START: at("2025-06-02T18:35+05:30"),
    END: at("2025-06-02T15:55:00.000001Z"),
    "Call In Time": at("2025-06-02T13:04Z"),
    "Call Out Time": at("9999-12-30T23:59:59.999999Z"),
    "Call In GPS Coordinates": IN,
    "Call Out Device Type": " Mobile ",
    "Is Missed": False,
    "Missed Visit Reason": "",
    "Application Provider Id": " 5 ",
    "Office Id": " O ",
    "Application Caregiver Id": 123456789012345678,
    "Patient Id": " A ",
    "Provider Patient Id": " PP ",
    "Payer Id": " Y ",
    "Application Payer Id": 7,
    "Contract Id": " K ",
    "Application Contract Id": "12",
    "Service Code Id": " S ",
    "Bill Type": " Hourly ",
    "Billed": "yes",
    "Billed Hours": 2.75,
    "Billed Rate": 20.1,
    "Bill Rate Non-Billed": 19.9,
    "Total Billed Amount": 55.275,
    "Invoice Date": midnight("2025-06-10"),
    "Visit Updated Timestamp": at("2025-06-02T16:00:00Z"),
    "Visit Updated User Id": " U ",
}
PLAIN_DIMENSIONS = {
    "DIMOFFICE": [{"Office Id": "O", "Is Active": True, "Office Name": " North "}],
    "DIMPATIENT": [
        {
            "Patient Id": "PP",
            "Admission Id": "adm",
            "Patient Firstname": "Ada",
            "Patient Lastname": "Moss",
            "Medicaid Number": "M1",
            "Status": "Active",
        },
        {"Patient Id": "A", "Admission Id": "not that of the agency"},
    ],
    "DIMPATIENTADDRESS": [
        {
            "Patient Id": "PP",
            "Primary Address": True,
            "Address Type": "GPS",
            "Address Line 1": "1 Road",
            "City": "Rye",
            "Address State": "NY",
            "Zip Code": "10580-1",
            "County": "Westchester",
            "Latitude": 1.0,
            "Longitude": 1.0,
        },
    ],
    "DIMPAYER": [{"Payer Id": "Y", "Is Active": True, "Is Demo": False, "Payer Name": " Payer ", "Payer State": "NJ"}],
    "DIMCONTRACT": [{"Contract Id": "K", "Is Active": True, "Contract Name": "Contract"}],
    "DIMSERVICECODE": [{"Service Code Id": "S", "Service Code": "T1019"}],
    "DIMUSER": [{"User Id": "U", "User Fullname": "Una User"}],
}


def test_every_column_of_a_full_visit_is_there_under_its_name(bench):
    caregiver = {
        "Caregiver Id": " C ",
        "SSN": "041-23-4567",
        "Caregiver Code": "c1",
        "Caregiver Fullname": "Bo Lee",
        "Caregiver Firstname": "Bo",
        "Caregiver Lastname": "Lee",
        "Status": "Active",
    }
    agency = {
        "Provider Id": " P ",
        "Is Active": True,
        "Is Demo": False,
        "Provider Name": "Agency",
        "Phone Number 1": "1",
        "Federal Tax Number": "2",
        "Address State": "NY",
    }
    tables = {
        FACT: [visit({**FULL_VISIT, "Caregiver Id": " C"}), visit({"Visit Id": "z", "Caregiver Id": "C"}, at="Q")],
        "DIMCAREGIVER": [caregiver],
        "DIMPROVIDER": [agency, AGENCIES[1]],
        **PLAIN_DIMENSIONS,
    }

    row = bench.sort(tables, all_of()).by_id()["full"]

    texts = """ssn_prefix 04, outcome contested, visit_id full, app_visit_id 77, ssn 041234567, visit_status Confirmed,
        provider_id P, app_provider_id 5, provider_name Agency, agency_phone 1,
        federal_tax_number 2, provider_state NY, office_id O, caregiver_id C, app_caregiver_id 123456789012345678,
        aide_code c1, aide_name Bo Lee, aide_first_name Bo, aide_last_name Lee, aide_status Active, patient_id A,
        p_admission_id adm, p_first_name Ada, p_last_name Moss, p_medicaid_number M1, p_status Active,
        p_address_line_1 1 Road, p_city Rye, p_state NY, p_zip_code 10580, p_county Westchester, payer_id Y,
        contract Payer, payer_state NJ, contract_type UPR, service_code_id S, service_code T1019, rate_type Hourly,
        last_updated_by Una User"""
    expected = {
        **dict(each.strip().split(" ", 1) for each in texts.split(",")),
        "evv_type": "Mobile",
        "missed_visit_reason": None,
        "office": "North",
        "visit_date": date(2025, 6, 2),
        "sch_start_time": at("2025-06-02T13:00Z"),
        "sch_end_time": at("2025-06-02T16:00Z"),
        "visit_start_time": at("2025-06-02T13:05Z"),
        "visit_end_time": at("2025-06-02T15:55:00.000001Z"),
        "evv_start_time": at("2025-06-02T13:04Z"),
        "evv_end_time": at("9999-12-30T23:59:59.999999Z"),
        "last_updated_date": at("2025-06-02T16:00Z"),
        "is_missed": False,
        "latitude": 40.7,
        "longitude": -74.0,
        "billed": True,
        "billed_date": date(2025, 6, 10),
        "billed_hours": 2.75,
        "billed_rate": 20.1,
        "bill_rate_non_billed": 19.9,
        "rate": 20.1,
        "total_billed_amount": 55.275,
        "surveyed_as": None,
        **dict.fromkeys(("bad_coordinates", "missing_status", "odd_times", "odd_dates", "one_actual_time"), False),
    }
    assert list(row) == TOLD_SCHEMA.names
    assert row == expected
    assert row["sch_start_time"].tzinfo.utcoffset(None) == UTC.utcoffset(None)


def test_blank_texts_are_missing(bench):
    names = (
        *("Application Visit Id", "Visit Status", "Application Provider Id", "Office Id", "Patient Id", "Payer Id"),
        *("Provider Patient Id", "Contract Id", "Service Code Id", "Bill Type", "Visit Updated User Id"),
    )
    row = Pairs(bench, {"blank": dict.fromkeys(names, "  ")}).row("blank")

    ids = (
        "app_visit_id",
        "visit_status",
        "app_provider_id",
        "office_id",
        "patient_id",
        "payer_id",
        "contract_id",
        "service_code_id",
        "rate_type",
        "last_updated_by",
    )
    assert {name: row[name] for name in ids if name in row and row[name] is not None} == {}
