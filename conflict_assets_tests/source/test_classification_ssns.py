"""What becomes of a visit by the SSN of its caregiver: missing, invalid, excluded, of a wanted prefix or not."""

from itertools import product

import pytest

from conflict_assets_tests.source.classification_bench import Bench
from conflict_assets_tests.source.classification_cases import AGENCIES, EXCLUDED, outcomes_in, visit
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.test_classification import FAULTS
from conflict_assets_tests.source.warehouse import all_of

GOOD = "041234567"
INVALID = {
    "eight digits": "04123456",
    "ten digits": "0412345678",
    "a letter": "04123456x",
    "a letter before": "x041234567",
    "a letter after": "041234567x",
    "a dot": "041.234567",
    "a slash": "041/23/4567",
    "wide digits": "\uff10\uff14\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
    "a masked one": "***-**-4567",
    "a word": "unknown",
    "a sign": "+41234567",
    "a dash alone in eight digits": "0412-3456",
}
MISSING = {"null": None, "empty": "", "blank": "   ", "a dash": "-", "dashes and blanks": "   -  -    "}


@pytest.fixture(scope="module")
def bench():
    return Bench()


def warehouse(*pairs):
    """Tables of visits, each by a caregiver of its own, given as the SSN and what differs in the visit."""
    facts, caregivers = [], []
    for number, (ssn, changes) in enumerate(pairs):
        caregivers.append({"Caregiver Id": f"C{number}", "SSN": ssn})
        facts.append(visit({"Visit Id": f"v{number}", "Caregiver Id": f"C{number}", **changes}))
    return {FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES)}


def test_an_ssn_that_is_not_nine_digits_has_no_prefix_and_its_visit_is_listed(bench):
    found = bench.sort(warehouse(*((ssn, {"Visit Id": name}) for name, ssn in INVALID.items())), all_of())

    listed = {(row["ssn_prefix"], row["visit_id"], row["outcome"]) for row in found.rows}
    assert listed == {(None, name, "invalid_ssn") for name in INVALID}
    assert len(found.rows) == len(INVALID)
    assert outcomes_in(found.counts[None]) == {"invalid_ssn": len(INVALID)}


def test_a_missing_ssn_is_counted_and_not_listed(bench):
    tables = warehouse(*((ssn, {}) for ssn in MISSING.values()))
    nobodies = (None, "", "  ", "nobody")
    tables[FACT] += [visit({"Visit Id": f"n{number}", "Caregiver Id": who}) for number, who in enumerate(nobodies)]

    found = bench.sort(tables, all_of())

    assert outcomes_in(found.counts[None]) == {"missing_ssn": len(MISSING) + len(nobodies)}
    assert found.rows == []


def test_placeholders_are_always_excluded(bench):
    written = ("000000000", "999999999", "000-00-0000", " 999 99 9999 ")
    found = bench.sort(warehouse(*((ssn, {}) for ssn in written), (GOOD, {})), all_of())

    assert outcomes_in(found.counts["00"]) == outcomes_in(found.counts["99"]) == {"excluded_ssn": 2}
    assert outcomes_in(found.counts["04"]) == {"uncontested": 1}


def test_the_list_of_excluded_ssns_and_the_warehouse_may_write_them_differently(bench):
    written = ("ddd-dd-dddd", "ddddddddd", "  ddd dd dddd ")
    listed = (*written, "ddd-dddddd\t")
    pairs = [
        [form.replace("d", "{}").format(*f"{number:02d}1234567") for form in forms]
        for number, forms in enumerate(product(written, listed), 1)
    ]
    tables = warehouse(*((ssn, {}) for ssn, _ in pairs), ("041234568", {}))

    counts = bench.sort(tables, all_of(excluded_ssns=tuple(ssn for _, ssn in pairs))).counts

    assert all(counts[f"{number:02d}"]["excluded_ssn"] == 1 for number in range(1, len(pairs) + 1))
    assert sum(each["excluded_ssn"] for each in counts.values()) == len(pairs)


def test_an_excluded_ssn_that_is_invalid_is_excluded_all_the_same(bench):
    found = bench.sort(warehouse(("12-34", {})), all_of(excluded_ssns=("1234",)))

    assert outcomes_in(found.counts[None]) == {"excluded_ssn": 1}


BY_SSN = {"excluded_ssn": "000000000", "missing_ssn": None, "invalid_ssn": "12345"}
REASONS = [reason for reason, _ in FAULTS]
ORDER = [*REASONS[: REASONS.index("missing_key")], *BY_SSN, *REASONS[REASONS.index("missing_key") :]]


@pytest.mark.parametrize("by_ssn", BY_SSN)
def test_reasons_by_the_ssn_come_after_those_of_the_agency_and_before_those_of_the_visit(bench, by_ssn):
    found = bench.sort(
        warehouse(*((BY_SSN[by_ssn], change) for _, change in FAULTS)), all_of(excluded_agencies=EXCLUDED)
    )

    before = ORDER[: ORDER.index(by_ssn)]
    expected = dict.fromkeys([reason for reason in REASONS if reason in before], 1)
    (counts,) = found.counts.values()
    assert outcomes_in(counts) == expected | {by_ssn: len(FAULTS) - len(expected)}


def test_without_an_agency_the_agency_is_unknown_whatever_the_ssn(bench):
    found = bench.sort(warehouse(*((ssn, {"Provider Id": None}) for ssn in (None, "12345", "000000000"))), all_of())

    assert outcomes_in(found.counts[None]) == {"unknown_agency": 2}
    assert outcomes_in(found.counts["00"]) == {"unknown_agency": 1}


def test_one_visit_id_under_two_ssns_is_two_visits(bench):
    ssns = ("041234567", "041234568", "171234567")
    found = bench.sort(warehouse(*((ssn, {"Visit Id": "one"}) for ssn in ssns)), all_of())

    assert outcomes_in(found.counts["04"]) == {"uncontested": 2}
    assert outcomes_in(found.counts["17"]) == {"uncontested": 1}


def test_an_invalid_ssn_has_duplicates_and_a_missing_one_has_none(bench):
    ssns = ("12345", "123-45", None, "", " ")
    found = bench.sort(warehouse(*((ssn, {"Visit Id": "one"}) for ssn in ssns)), all_of())

    assert outcomes_in(found.counts[None]) == {"duplicate_visit_id": 1, "invalid_ssn": 1, "missing_ssn": 3}


def test_placeholders_and_invalid_ssns_contest_nothing(bench):
    pairs = [(ssn, {"Provider Id": at}) for ssn in ("000000000", "12345", None) for at in ("P", "Q", "RESTING")]
    found = bench.sort(warehouse(*pairs), all_of())

    assert {row["outcome"] for row in found.rows} == {"invalid_ssn"}
    assert outcomes_in(found.counts["00"]) == {"excluded_ssn": 2, "inactive_agency": 1}


@pytest.mark.parametrize(
    ("length", "prefixes"),
    [
        pytest.param(2, ("04",), id="one prefix"),
        pytest.param(1, ("1", "9", "5"), id="some prefixes of one digit, one without visits"),
        pytest.param(3, ("041", "04", "x", ""), id="prefixes of three digits, and some that are none"),
    ],
)
def test_some_prefixes_bring_their_own_visits_and_none_that_have_no_prefix(bench, length, prefixes):
    ssns = ("041234567", "042234567", "171234567", "999999999", "12345", None)
    pairs = [(ssn, {"Visit Id": f"{ssn} at {at}", "Provider Id": at}) for ssn in ssns for at in ("P", "Q")]

    found = bench.sort(warehouse(*pairs), all_of(prefixes=prefixes, prefix_length=length))

    there = {ssn[:length] for ssn in ssns[:4]} & set(prefixes)
    assert set(found.counts) == there
    assert {row["ssn_prefix"] for row in found.rows} == there - {"9"}


def test_all_prefixes_bring_every_visit(bench):
    ssns = ("041234567", "171234567", "999999999", "12345", None)
    found = bench.sort(warehouse(*((ssn, {}) for ssn in ssns)), all_of(1))

    assert {prefix: counts["visits_seen"] for prefix, counts in found.counts.items()} == {
        None: 2,
        "0": 1,
        "1": 1,
        "9": 1,
    }
