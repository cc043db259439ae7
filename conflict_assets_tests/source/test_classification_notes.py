"""What is noted about visits that are kept, by the clock of the source's zone."""

from datetime import date, timedelta

import pytest

from conflict_assets_tests.source.classification_bench import Bench, assert_agreement
from conflict_assets_tests.source.classification_cases import AGENCIES, midnight, visit
from conflict_assets_tests.source.classification_pairs import DAY, NOTE_NAMES, Pairs
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.warehouse import all_of, at

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
FROM, TO, START, END = "Scheduled Start Time", "Scheduled End Time", "Visit Start Time", "Visit End Time"
NINE = midnight(DAY) + 9 * HOUR


@pytest.fixture(scope="module")
def bench():
    return Bench()


def lasting(start, length):
    return {FROM: start, TO: start + length}


SPRING, AUTUMN = "2025-03-09", "2024-11-03"
NOTES = {
    "a plain visit": ({}, set()),
    "no status": ({"Visit Status": None}, {"missing_status"}),
    "a blank status": ({"Visit Status": " "}, {"missing_status"}),
    "one actual time, the start": ({START: NINE}, {"one_actual_time"}),
    "one actual time, the end": ({END: NINE}, {"one_actual_time"}),
    "both actual times": ({START: NINE, END: NINE + HOUR}, set()),
    "lasts a day": (lasting(NINE, 24 * HOUR), set()),
    "lasts a day and a microsecond": (lasting(NINE, 24 * HOUR + TICK), {"odd_times"}),
    "actual times last a day": ({START: NINE, END: NINE + 24 * HOUR}, set()),
    "actual times last over a day": ({START: NINE, END: NINE + 24 * HOUR + TICK}, {"odd_times"}),
    "a schedule of over a day under plain actual times": (
        {**lasting(NINE, 25 * HOUR), START: NINE, END: NINE + HOUR},
        set(),
    ),
    "starts a day before its date": (lasting(midnight(DAY) - 24 * HOUR, HOUR), set()),
    "starts over a day before its date": (lasting(midnight(DAY) - 24 * HOUR - TICK, HOUR), {"odd_times"}),
    "starts within a day after its date": (lasting(midnight(DAY) + 48 * HOUR - TICK, HOUR), set()),
    "starts a day after its date": (lasting(midnight(DAY) + 48 * HOUR, HOUR), {"odd_times"}),
    "starts a year late": (lasting(midnight("2026-06-02"), HOUR), {"odd_times"}),
    "starts a year early": (lasting(midnight("2024-06-02"), HOUR), {"odd_times"}),
    "a day before the spring's change": ({"day": SPRING, **lasting(at("2025-03-08T05:00Z"), HOUR)}, set()),
    "over a day before the spring's change": (
        {"day": SPRING, **lasting(at("2025-03-08T05:00Z") - TICK, HOUR)},
        {"odd_times"},
    ),
    "48 hours from the spring's midnight": ({"day": SPRING, **lasting(at("2025-03-11T05:00Z"), HOUR)}, {"odd_times"}),
    "just under 48 hours from it": ({"day": SPRING, **lasting(at("2025-03-11T05:00Z") - TICK, HOUR)}, set()),
    "48 hours from the autumn's midnight": ({"day": AUTUMN, **lasting(at("2024-11-05T04:00Z"), HOUR)}, {"odd_times"}),
    "just under 48 hours from the autumn's": ({"day": AUTUMN, **lasting(at("2024-11-05T04:00Z") - TICK, HOUR)}, set()),
    "an invoice at the end of time": ({"Invoice Date": at("9999-12-31T05:00Z")}, {"odd_dates"}),
    "an actual start at the end of time": (
        {START: at("9999-12-31T05:00Z"), END: NINE},
        {"odd_dates", "one_actual_time"},
    ),
    "everything at once": (
        {
            "Visit Status": None,
            START: NINE,
            "Call In GPS Coordinates": "x",
            "Call Out Time": at("0001-01-01T12:00Z"),
            **lasting(NINE, 25 * HOUR),
        },
        {"missing_status", "one_actual_time", "bad_coordinates", "odd_times", "odd_dates"},
    ),
}


@pytest.fixture(scope="module")
def notes(bench):
    return Pairs(bench, {name: changes for name, (changes, _) in NOTES.items()})


@pytest.mark.parametrize("name", NOTES)
def test_what_is_odd_about_a_visit_that_is_kept_is_noted(notes, name):
    assert notes.notes(name) == NOTES[name][1]


def test_source_and_twin_agree_on_all_of_them(notes):
    assert_agreement(notes.found, notes.twin)


@pytest.mark.parametrize(
    ("zone", "local_midnight"),
    [
        pytest.param("Pacific/Kiritimati", at("2025-06-02T00:00+14:00"), id="the earliest zone"),
        pytest.param("Etc/GMT+12", at("2025-06-02T00:00-12:00"), id="the latest zone"),
        pytest.param("Asia/Kolkata", at("2025-06-02T00:00+05:30"), id="a zone of half hours"),
    ],
)
def test_a_date_and_what_is_odd_go_by_the_source_s_zone(bench, zone, local_midnight):
    edges = {"early": -24 * HOUR - TICK, "a day before": -24 * HOUR, "a day after": 48 * HOUR - TICK, "late": 48 * HOUR}
    cases = {
        name: {
            "Visit Date": local_midnight,
            "Invoice Date": local_midnight - TICK,
            **lasting(local_midnight + edge, HOUR),
        }
        for name, edge in edges.items()
    }

    pairs = Pairs(bench, cases | {"last moment": {"Visit Date": local_midnight + 24 * HOUR - TICK}}, time_zone=zone)

    assert {name for name in edges if pairs.notes(name)} == {"early", "late"}
    assert {pairs.row(name)["visit_date"] for name in [*edges, "last moment"]} == {date(2025, 6, 2)}
    assert {pairs.row(name)["billed_date"] for name in edges} == {date(2025, 6, 1)}


def test_notes_are_made_of_contested_visits_alone(bench):
    odd = NOTES["everything at once"][0]
    changes = {
        "contested": {},
        "uncontested": {"Caregiver Id": "alone"},
        "missed": {"Is Missed": True},
        "empty": {TO: NINE, START: None},
    }
    facts = [visit({"Visit Id": name, "Caregiver Id": "C", **odd, **each}) for name, each in changes.items()]
    facts.append(visit({"Visit Id": "beside", "Caregiver Id": "C"}, at="Q"))
    caregivers = [{"Caregiver Id": "C", "SSN": "041234567"}, {"Caregiver Id": "alone", "SSN": "041234568"}]

    counts = bench.sort({FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES)}, all_of()).counts["04"]

    assert (counts["active"], counts["contested"]) == (3, 2)
    assert {name: counts[name] for name in NOTES["everything at once"][1]} == dict.fromkeys(NOTE_NAMES, 1)


def test_without_a_status_column_no_status_is_read_or_missed(bench):
    cases = {"cancelled": {"Visit Status": "Cancelled"}, "no status": {"Visit Status": None}}

    pairs = Pairs(bench, cases, status_column=None)

    for name in cases:
        assert pairs.row(name)["visit_status"] is None
        assert pairs.notes(name) == set()


def test_without_a_status_column_deleted_and_missed_visits_are_out_all_the_same(bench):
    changes = ({"Permanent Deleted": True}, {"Is Missed": True}, {"Visit Status": "Deleted"})
    facts = [visit({"Visit Id": f"v{number}", "Caregiver Id": "C", **each}) for number, each in enumerate(changes)]
    tables = {FACT: facts, "DIMCAREGIVER": [{"Caregiver Id": "C", "SSN": "041234567"}], "DIMPROVIDER": list(AGENCIES)}

    counts = bench.sort(tables, all_of(), status_column=None).counts["04"]

    assert (counts["deleted"], counts["missed"], counts["inactive_status"], counts["active"]) == (1, 1, 0, 1)
