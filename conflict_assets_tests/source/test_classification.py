"""What becomes of one visit: the reasons of the rules, one boundary a case, judged by the source and by its twin."""

from datetime import timedelta

import pytest

from conflict_assets_tests.source.classification_bench import Bench, assert_agreement
from conflict_assets_tests.source.classification_cases import MARK, Case, Shelf, midnight, visit
from conflict_assets_tests.source.warehouse import at

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
NINE = midnight("2025-06-02") + 9 * HOUR
KEPT = "uncontested"
OLD, NEW = at("2025-06-03 10:00:00+00:00"), at("2025-06-03 10:00:00.000001+00:00")


def one(name, outcome, changes=None, **options):
    """A case of one visit."""
    return Case(name, [visit(changes, **options)], [outcome])


STATUSES = [
    one("cancelled", "inactive_status", {"Visit Status": "Cancelled"}),
    one("deleted", "inactive_status", {"Visit Status": "Deleted"}),
    one("pending", "inactive_status", {"Visit Status": "Pending"}),
    one("small letters", "inactive_status", {"Visit Status": "cancelled"}),
    one("capitals", "inactive_status", {"Visit Status": "DELETED"}),
    one("mixed letters and blanks", "inactive_status", {"Visit Status": "  pEnDiNg "}),
    one("confirmed", KEPT, {"Visit Status": "Confirmed"}),
    one("scheduled", KEPT, {"Visit Status": "Scheduled"}),
    one("one letter l", "inactive_status", {"Visit Status": "Canceled"}),
    one("a longer word", KEPT, {"Visit Status": "Pending Approval"}),
    one("the status is missing", KEPT, {"Visit Status": None}),
    one("an empty status", KEPT, {"Visit Status": ""}),
    one("a blank status", KEPT, {"Visit Status": "   "}),
    one("permanently deleted", "deleted", {"Permanent Deleted": True}),
    one("not deleted", KEPT, {"Permanent Deleted": False}),
    one("deletion is not known", KEPT, {"Permanent Deleted": None}),
    one("missed", "missed", {"Is Missed": True}),
    one("not missed", KEPT, {"Is Missed": False}),
    one("missed is not known", KEPT, {"Is Missed": None}),
]
WINDOW = [
    one("the first day", KEPT, day="2023-06-15"),
    one("the last moment of the day before", "out_of_window", {"Visit Date": midnight("2023-06-15") - TICK}),
    one("the first day by its last moment", KEPT, {"Visit Date": midnight("2023-06-16") - TICK}),
    one("the first day in UTC, the day before here", "out_of_window", {"Visit Date": at("2023-06-15T00:00+00:00")}),
    one("the day before", "out_of_window", day="2023-06-14"),
    one("the last day", KEPT, day="2025-07-30"),
    one("the last day by its last moment", KEPT, {"Visit Date": midnight("2025-07-31") - TICK}),
    one("the day after", "out_of_window", day="2025-07-31"),
    one("the day after in UTC, the last day here", KEPT, {"Visit Date": at("2025-07-31T03:59:59+00:00")}),
    one("the last day in Tokyo, the day before here", KEPT, {"Visit Date": at("2025-07-30T00:00+09:00")}),
    one("the last day in Honolulu", KEPT, {"Visit Date": at("2025-07-30T00:00-10:00")}),
    one(
        "late on the last day in Honolulu, the day after here",
        "out_of_window",
        {"Visit Date": at("2025-07-30T18:00-10:00")},
    ),
    one("times outside the window do not matter", KEPT, {"Scheduled Start Time": NINE - 900 * 24 * HOUR}),
    one("long ago", "out_of_window", day="1970-01-01"),
    one("the year of no end", "out_of_window", day="9998-12-31"),
]
AGENCY = [
    one("an active agency", KEPT, at="P"),
    one("blanks round the agency's id", KEPT, at="  P "),
    one("an agency that is silent about demos", KEPT, at="SILENT ON DEMO"),
    one("no row of the agency", "unknown_agency", at="NOBODY"),
    one("an agency in other letters", "unknown_agency", at="p"),
    one("no agency", "unknown_agency", at=None),
    one("a blank agency", "unknown_agency", at="  "),
    one("an agency that rests", "inactive_agency", at="RESTING"),
    one("an agency that is silent about itself", "inactive_agency", at="SILENT"),
    one("a demo", "inactive_agency", at="DEMO"),
    one("an excluded agency", "excluded_agency", at="EXCLUDED"),
    one("an excluded agency whose row has blanks", "excluded_agency", at="SPACED"),
    one("an excluded agency with blanks", "excluded_agency", at=" EXCLUDED  "),
]
KEYS = [
    one("no visit id", "missing_key", {"Visit Id": None}),
    one("an empty visit id", "missing_key", {"Visit Id": ""}),
    one("a blank visit id", "missing_key", {"Visit Id": "  "}),
    one("no visit date", "missing_key", {"Visit Date": None}),
    one("neither id nor date", "missing_key", {"Visit Id": None, "Visit Date": None}),
]
FROM, TO, START, END = "Scheduled Start Time", "Scheduled End Time", "Visit Start Time", "Visit End Time"
TIMES = [
    one("a schedule alone", KEPT),
    one("actual times alone", KEPT, {FROM: None, TO: None, START: NINE, END: NINE + HOUR}),
    one("no times at all", "no_times", {FROM: None, TO: None}),
    one("no scheduled start", "no_times", {FROM: None}),
    one("no scheduled end", "no_times", {TO: None}),
    one("half a schedule, one actual time", "no_times", {FROM: None, START: NINE}),
    one("no schedule, one actual time", "no_times", {FROM: None, TO: None, END: NINE}),
    one("halves of both do not make one", "no_times", {FROM: None, START: NINE, END: None}),
    one("a schedule and one actual time", KEPT, {START: NINE}),
    one("a schedule and one actual time that would end it", KEPT, {END: NINE - 9 * HOUR}),
    one("half a schedule beside actual times", KEPT, {TO: None, START: NINE, END: NINE + HOUR}),
    one("ends when it starts", "empty_interval", {TO: NINE}),
    one("ends before it starts", "empty_interval", {TO: NINE - TICK}),
    one("lasts a microsecond", KEPT, {TO: NINE + TICK}),
    one("actual times end when they start", "empty_interval", {START: NINE, END: NINE}),
    one("actual times end before they start", "empty_interval", {START: NINE, END: NINE - TICK}),
    one("actual times last a microsecond", KEPT, {START: NINE, END: NINE + TICK}),
    one("an empty schedule under good actual times", KEPT, {TO: NINE, START: NINE, END: NINE + HOUR}),
    one("one actual time over an empty schedule", "empty_interval", {TO: NINE, START: NINE}),
    one(
        "the hour that comes twice is an hour",
        KEPT,
        {FROM: at("2024-11-03T01:30-04:00"), TO: at("2024-11-03T01:30-05:00")},
    ),
]

FAULTS = (
    ("inactive_status", {"Visit Status": "Cancelled"}),
    ("deleted", {"Permanent Deleted": True}),
    ("missed", {"Is Missed": True}),
    ("out_of_window", {"Visit Date": midnight("2023-06-14")}),
    ("unknown_agency", {"Provider Id": "NOBODY"}),
    ("inactive_agency", {"Provider Id": "RESTING AND EXCLUDED"}),
    ("excluded_agency", {"Provider Id": "EXCLUDED"}),
    ("missing_key", {"Visit Id": " "}),
    ("no_times", {FROM: None}),
    ("empty_interval", {FROM: NINE, TO: NINE}),
)
"""Reasons in their order, each with a change that gives it. Those that an SSN gives are in another file."""


def both(first, second):
    """Two faults of one visit; None where one change undoes the other."""
    return None if set(first) & set(second) else {**first, **second}


ORDER = [
    one(f"{first} before {second}", first, changes)
    for number, (first, change) in enumerate(FAULTS)
    for second, other in FAULTS[number + 1 :]
    if (changes := both(change, other)) is not None
]


def rows_of_one_visit(name, rows, outcomes, **options):
    """A case of several rows that are one visit; one that is kept is contested, so that it is seen which one it is."""
    visits = [visit({"Visit Id": "one", MARK: float(number), **row}) for number, row in enumerate(rows)]
    if KEPT not in outcomes:
        return Case(name, visits, outcomes, **options)
    contested = [outcome.replace(KEPT, "contested") for outcome in (*outcomes, KEPT)]
    return Case(name, [*visits, visit(at="R")], contested, **options)


UPDATED = "Visit Updated Timestamp"
DUPLICATE = "duplicate_visit_id"
DUPLICATES = [
    rows_of_one_visit("the newest stays", [{UPDATED: NEW}, {UPDATED: OLD}], [KEPT, DUPLICATE]),
    rows_of_one_visit("whatever the order of rows", [{UPDATED: OLD}, {UPDATED: NEW}], [DUPLICATE, KEPT]),
    rows_of_one_visit("one that has no update is oldest", [{UPDATED: None}, {UPDATED: OLD}], [DUPLICATE, KEPT]),
    rows_of_one_visit("of three one stays", [{}, {UPDATED: NEW}, {UPDATED: OLD}], [DUPLICATE, KEPT, DUPLICATE]),
    rows_of_one_visit("of two that are alike in all one stays", [{MARK: 1.0}, {MARK: 1.0}], [KEPT, DUPLICATE]),
    *(
        rows_of_one_visit(
            f"an old row does not come back to life: {reason}",
            [{UPDATED: OLD}, {UPDATED: NEW, **change}],
            [DUPLICATE, reason],
        )
        for reason, change in FAULTS
        if reason != "missing_key"
    ),
    rows_of_one_visit(
        "an old row does not come back to life: no date",
        [{UPDATED: OLD}, {UPDATED: NEW, "Visit Date": None}],
        [DUPLICATE, "missing_key"],
    ),
    rows_of_one_visit(
        "an old cancelled row is a duplicate, not cancelled",
        [{UPDATED: OLD, "Visit Status": "Cancelled"}, {UPDATED: NEW}],
        [DUPLICATE, KEPT],
    ),
    rows_of_one_visit("at an older agency", [{UPDATED: OLD, "Provider Id": "Q"}, {UPDATED: NEW}], [DUPLICATE, KEPT]),
    rows_of_one_visit("blanks round the id", [{UPDATED: OLD, "Visit Id": " one "}, {UPDATED: NEW}], [DUPLICATE, KEPT]),
    rows_of_one_visit("letters of an id tell two visits apart", [{"Visit Id": "One"}, {}], [KEPT, KEPT]),
    rows_of_one_visit(
        "without an id no row is a duplicate", [{"Visit Id": None}, {"Visit Id": ""}], ["missing_key"] * 2
    ),
    rows_of_one_visit(
        "by two caregivers with one SSN",
        [{UPDATED: OLD}, {UPDATED: NEW, "Caregiver Id": "C.1"}],
        [DUPLICATE, KEPT],
        ssns=("ddddddddd", "ddd-dd-dddd"),
    ),
    *(
        rows_of_one_visit(f"a tie goes {rule}", [second | {UPDATED: OLD}, first | {UPDATED: OLD}], [DUPLICATE, KEPT])
        for rule, first, second in (
            ("to the first agency", {"Provider Id": "P", FROM: NINE + HOUR}, {"Provider Id": "Q"}),
            ("to the agency that is known", {"Provider Id": "P"}, {"Provider Id": None}),
            (
                "to the first date",
                {"Visit Date": midnight("2025-06-02")},
                {"Visit Date": midnight("2025-06-03"), START: NINE},
            ),
            ("to the date that is known", {}, {"Visit Date": None}),
            ("to the first actual start", {START: NINE, END: NINE + 2 * HOUR}, {START: NINE + TICK, END: NINE + HOUR}),
            ("to the actual start that is known", {START: NINE, FROM: NINE + TICK}, {START: None}),
            (
                "to the first actual end",
                {START: NINE, END: NINE + HOUR, FROM: NINE + TICK},
                {START: NINE, END: NINE + 2 * HOUR},
            ),
            ("to the first scheduled start", {FROM: NINE, TO: NINE + 4 * HOUR}, {FROM: NINE + TICK}),
            ("to the first scheduled end", {TO: NINE + HOUR}, {TO: NINE + 2 * HOUR}),
            ("to the good one", {"Application Visit Id": "b"}, {"Application Visit Id": "a", "Is Missed": True}),
            ("to the first of the other ids", {"Application Visit Id": "a"}, {"Application Visit Id": "b"}),
        )
    ),
]
WRITTEN = [
    Case("an SSN with dashes", [visit()], [KEPT], ssns=("ddd-dd-dddd",)),
    Case("an SSN with blanks", [visit()], [KEPT], ssns=("  ddd dd dddd ",)),
    Case("an SSN with a dash and a blank", [visit()], [KEPT], ssns=("ddd- dd -dddd-",)),
    Case(
        "one SSN written in two ways",
        [visit(), visit(at="Q", by=1)],
        ["contested"] * 2,
        ssns=("ddddddddd", " ddd-dd-dddd"),
    ),
    Case("blanks round ids are no part of them", [visit({"Visit Id": " odd id "}, at=" P ")], [KEPT]),
    Case("agencies differ by more than blanks", [visit(at="P"), visit(at=" P ")], [KEPT] * 2),
]
TABLES = {
    "status": STATUSES,
    "window": WINDOW,
    "agency": AGENCY,
    "keys": KEYS,
    "times": TIMES,
    "order": ORDER,
    "duplicates": DUPLICATES,
    "written": WRITTEN,
}


def named(table):
    return pytest.mark.parametrize("case", TABLES[table], ids=lambda case: case.name)


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(scope="module")
def shelf(bench):
    return Shelf(bench, [case for table in TABLES.values() for case in table])


@named("status")
def test_a_status_of_any_case_and_a_flag_take_a_visit_out_and_a_missing_one_keeps_it(shelf, case):
    shelf.check(case)


@named("window")
def test_both_ends_of_the_window_are_in_by_dates_of_the_agencies_zone(shelf, case):
    shelf.check(case)


@named("agency")
def test_an_agency_is_known_active_real_and_not_excluded(shelf, case):
    shelf.check(case)


@named("keys")
def test_a_visit_has_an_id_and_a_date(shelf, case):
    shelf.check(case)


@named("times")
def test_a_visit_has_a_full_span_that_is_not_empty(shelf, case):
    shelf.check(case)


@named("order")
def test_of_two_reasons_that_fit_the_first_is_counted(shelf, case):
    shelf.check(case)


@named("duplicates")
def test_of_rows_with_one_ssn_and_visit_id_the_newest_stays(shelf, case):
    shelf.check(case)


@named("written")
def test_ids_and_ssns_are_compared_without_blanks_and_dashes(shelf, case):
    shelf.check(case)


def test_source_and_twin_agree_on_all_of_them(shelf):
    assert_agreement(shelf.found, shelf.twin)
