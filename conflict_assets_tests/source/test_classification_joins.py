"""Joins never multiply visits and never drop one: dimensions with two rows for a key, with none, with unusable ones."""

import pytest

from conflict_assets_tests.source.classification_bench import Bench
from conflict_assets_tests.source.classification_cases import outcomes_in, visit
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.warehouse import all_of

ACTIVE = {"Is Active": True, "Is Demo": False}
GPS = {"Primary Address": True, "Address Type": "GPS"}
DIMENSIONS = {
    "DIMOFFICE": ("Office Id", {"Is Active": True}, "Office Name", "office"),
    "DIMPATIENT": ("Patient Id", {}, "Admission Id", "p_admission_id"),
    "DIMPATIENTADDRESS": ("Patient Id", GPS, "City", "p_city"),
    "DIMPAYER": ("Payer Id", ACTIVE, "Payer Name", "contract"),
    "DIMCONTRACT": ("Contract Id", {"Is Active": True}, "Contract Name", "contract"),
    "DIMSERVICECODE": ("Service Code Id", {}, "Service Code", "service_code"),
    "DIMUSER": ("User Id", {}, "User Fullname", "last_updated_by"),
}
"""A dimension that adds names: its key, its usable rows, the column that is told apart and what it becomes."""
ON_FACT = {
    "DIMUSER": "Visit Updated User Id",
    "DIMPATIENT": "Provider Patient Id",
    "DIMPATIENTADDRESS": "Provider Patient Id",
}
NAMES = {
    "one row": (["a"], "a"),
    "two rows": (["b", "a"], "a"),
    "three rows": (["b", "c", "a"], "a"),
    "two rows, one without a name": ([None, "b"], "b"),
    "two rows without a name": ([None, None], None),
    "two rows alike": (["a", "a"], "a"),
    "no row": ([], None),
}
UNUSABLE = {
    "DIMOFFICE": ({"Is Active": False}, {"Is Active": None}),
    "DIMPAYER": ({**ACTIVE, "Is Active": False}, {**ACTIVE, "Is Active": None}, {**ACTIVE, "Is Demo": True}),
    "DIMCONTRACT": ({"Is Active": False}, {"Is Active": None}),
    "DIMPATIENTADDRESS": ({**GPS, "Primary Address": False}, {**GPS, "Address Type": "Home"}),
}


@pytest.fixture(scope="module")
def bench():
    return Bench()


def agency(name, **changes):
    return {"Provider Id": name, **ACTIVE, **changes}


def warehouse(visits):
    """Tables of these visits, each contested by one at another agency that no dimension knows anything of."""
    return {
        FACT: [visit({"Visit Id": name, "Caregiver Id": "C", **changes}) for name, changes in visits.items()]
        + [visit({"Visit Id": "beside", "Caregiver Id": "C"}, at="Q")],
        "DIMCAREGIVER": [{"Caregiver Id": "C", "SSN": "041234567"}],
        "DIMPROVIDER": [agency("P"), agency("Q")],
    }


def check_that_none_is_multiplied_or_dropped(found, tables):
    assert found.counts["04"]["visits_seen"] == found.counts["04"]["contested"] == len(tables[FACT])
    assert sorted(row["visit_id"] for row in found.rows) == sorted(row["Visit Id"] for row in tables[FACT])


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_of_rows_with_one_key_one_is_used_the_same_whatever_their_order(bench, backwards):
    visits = {
        f"{view} {name}": {ON_FACT.get(view, key): f"key of {name}"}
        for view, (key, *_) in DIMENSIONS.items()
        for name in NAMES
    }
    tables = warehouse(visits)
    for view, (key, usable, column, _) in DIMENSIONS.items():
        rows = [
            {key: f"  key of {name}" if number else f"key of {name} ", **usable, column: value}
            for name, (values, _) in NAMES.items()
            for number, value in enumerate(values)
        ]
        tables[view] = rows[::-1] if backwards else rows

    found = bench.sort(tables, all_of())

    check_that_none_is_multiplied_or_dropped(found, tables)
    rows = found.by_id()
    for view, (*_, becomes) in DIMENSIONS.items():
        assert {name: rows[f"{view} {name}"][becomes] for name in NAMES} == {
            name: expected for name, (_, expected) in NAMES.items()
        }
    several = sum(len(values) > 1 for values, _ in NAMES.values())
    assert bench.reader().dimension_duplicates() == {
        view: several for view in sorted(DIMENSIONS) if view != "DIMPATIENTADDRESS"
    }


def test_unusable_rows_name_nothing_and_are_no_duplicates(bench):
    visits = {
        f"{view} {number}": {ON_FACT.get(view, DIMENSIONS[view][0]): f"{number}"}
        for view, changes in UNUSABLE.items()
        for number in range(2 * len(changes))
    }
    tables = warehouse(visits)
    for view, changes in UNUSABLE.items():
        key, usable, column, _ = DIMENSIONS[view]
        # An unusable row alone, and beside a usable one that would come after it by name.
        alone = [{key: f"{number}", **change, column: "a"} for number, change in enumerate(changes)]
        beside = [{key: f"{number + len(changes)}", **change, column: "a"} for number, change in enumerate(changes)]
        tables[view] = [*alone, *beside, *({key: row[key], **usable, column: "used"} for row in beside)]

    found = bench.sort(tables, all_of())

    check_that_none_is_multiplied_or_dropped(found, tables)
    rows = found.by_id()
    for view, changes in UNUSABLE.items():
        names = [rows[f"{view} {number}"][DIMENSIONS[view][3]] for number in range(2 * len(changes))]
        assert names == [None] * len(changes) + ["used"] * len(changes)
    assert bench.reader().dimension_duplicates() == {}


def test_the_payer_s_name_comes_before_the_contract_s_unless_it_is_blank(bench):
    names = {
        "both": ("payer", "contract"),
        "payer": ("payer", None),
        "contract": (None, "contract"),
        "none": (None, None),
        "blank payer": ("  ", " contract "),
        "blank both": (" ", ""),
    }
    tables = warehouse({name: {"Payer Id": name, "Contract Id": name} for name in names})
    tables["DIMPAYER"] = [{"Payer Id": name, **ACTIVE, "Payer Name": payer} for name, (payer, _) in names.items()]
    tables["DIMCONTRACT"] = [
        {"Contract Id": name, "Is Active": True, "Contract Name": contract} for name, (_, contract) in names.items()
    ]

    rows = bench.sort(tables, all_of()).by_id()

    assert {name: rows[name]["contract"] for name in names} == {
        "both": "payer",
        "payer": "payer",
        "contract": "contract",
        "none": None,
        "blank payer": "contract",
        "blank both": None,
    }


def test_rows_without_a_key_join_no_visit_without_one(bench):
    on_fact = {ON_FACT.get(view, key) for view, (key, *_) in DIMENSIONS.items()}
    tables = warehouse({repr(value): dict.fromkeys(on_fact, value) for value in (None, "", "  ")})
    for view, (key, usable, column, _) in DIMENSIONS.items():
        tables[view] = [{key: value, **usable, column: "stray"} for value in (None, None, "", "  ")]

    found = bench.sort(tables, all_of())

    check_that_none_is_multiplied_or_dropped(found, tables)
    assert {row[becomes] for row in found.rows for *_, becomes in DIMENSIONS.values()} == {None}


RESTING, SILENT, DEMO = {"Is Active": False}, {"Is Active": None}, {"Is Demo": True}
AGENCIES = {
    "active and resting": ([RESTING, {}], "contested"),
    "active and silent": ([SILENT, {}], "contested"),
    "real and demo": ([DEMO, {}], "contested"),
    "active demo and real resting": ([DEMO, RESTING], "inactive_agency"),
    "both resting": ([RESTING, RESTING], "inactive_agency"),
    "both demos": ([DEMO, DEMO], "inactive_agency"),
    "both active": ([{"Provider Name": "b"}, {"Provider Name": "a"}], "contested"),
    "both excluded": ([{}, {}], "excluded_agency"),
}


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_an_agency_of_two_rows_is_active_when_one_says_so(bench, backwards):
    tables = warehouse({name: {"Provider Id": name} for name in AGENCIES})
    for name, (rows, _) in AGENCIES.items():
        one, other = rows[::-1] if backwards else rows
        tables["DIMPROVIDER"] += [agency(name, **one), agency(f" {name} ", **other)]

    found = bench.sort(tables, all_of(excluded_agencies=("both excluded", " both excluded", "both excluded", "")))

    rows = found.by_id()
    for name, (_, outcome) in AGENCIES.items():
        assert (rows[name]["outcome"] if name in rows else "excluded_agency") == outcome
    assert rows["both active"]["provider_name"] == "a"
    assert outcomes_in(found.counts["04"]) == {"contested": 5, "inactive_agency": 3, "excluded_agency": 1}
    assert bench.reader().dimension_duplicates() == {"DIMPROVIDER": len(AGENCIES)}


CAREGIVERS = {
    "two SSNs": (["171111111", "041111111"], "041111111"),
    "one SSN written in two ways": (["042-22-2222", "042222222"], "042222222"),
    "no SSN and one": ([None, "043333333"], "043333333"),
    "a blank one and one": (["  ", "044444444"], "044444444"),
    "an invalid one and one, which comes later": (["0", "045555555"], "0"),
    "no SSN twice": ([None, " - "], None),
}


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_a_caregiver_of_two_rows_has_one_ssn(bench, backwards):
    who = [(name, at) for name in CAREGIVERS for at in ("P", "Q")]
    tables = {
        FACT: [visit({"Visit Id": f"{name} at {at}", "Caregiver Id": name}, at=at) for name, at in who],
        "DIMCAREGIVER": [
            {"Caregiver Id": f"{name} ", "SSN": ssn}
            for name, (ssns, _) in CAREGIVERS.items()
            for ssn in (ssns[::-1] if backwards else ssns)
        ],
        "DIMPROVIDER": [agency("P"), agency("Q")],
    }

    # The SSN of the row that is not used is nobody's.
    found = bench.sort(tables, all_of(excluded_ssns=("171111111",)))

    used = {ssn for _, ssn in CAREGIVERS.values() if ssn and len(ssn) == 9}
    assert {row["ssn"] for row in found.rows if row["outcome"] == "contested"} == used
    assert outcomes_in(found.counts["04"]) == {"contested": 2 * len(used)}
    assert outcomes_in(found.counts[None]) == {"invalid_ssn": 2, "missing_ssn": 2}
    assert bench.reader().dimension_duplicates() == {"DIMCAREGIVER": len(CAREGIVERS)}


def test_visits_without_any_dimension_are_counted(bench):
    tables = {FACT: [visit({"Visit Id": "v", "Caregiver Id": "C"}), {}]}

    found = bench.sort(tables, all_of())

    assert {prefix: outcomes_in(counts) for prefix, counts in found.counts.items()} == {None: {"unknown_agency": 2}}
    assert found.rows == []


def test_no_visits_give_no_rows_and_no_counts(bench):
    found = bench.sort({}, all_of())

    assert (found.rows, found.counts) == ([], {})
