"""What becomes of a caregiver's days: too full, contested, or contested but for a visit that is out."""

from datetime import date, timedelta

import pytest

from conflict_assets.source.cells import block_of
from conflict_assets.source.protocol import BLOCK_DAYS, FIRST_BLOCK
from conflict_assets_tests.source.classification_bench import Bench, assert_agreement
from conflict_assets_tests.source.classification_cases import AGENCIES, TOLD, Case, Shelf, midnight, outcomes_in, visit
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.warehouse import all_of

C, U, DENSE = "contested", "uncontested", "implausible_density"
DUPLICATE = "duplicate_visit_id"
LIMIT = 50


def days(name, visits, wide, narrow=None):
    """A case of visits told as `date agency, date agency`; what becomes of them in letters, `c` or `u`."""
    outcomes = [[{"c": C, "u": U}[letter] for letter in letters] for letters in (wide, narrow or wide)]
    return Case(name, [visit(day=each[:10], at=each[11:]) for each in visits.split(", ")], *outcomes)


CONTESTED = [
    days("one visit", "2025-06-02 P", wide="u"),
    days("two visits at one agency", "2025-06-02 P, 2025-06-02 P", wide="uu"),
    days("two agencies", "2025-06-02 P, 2025-06-02 Q", wide="cc"),
    days("three agencies", "2025-06-02 P, 2025-06-02 Q, 2025-06-02 R", wide="ccc"),
    days("two of one agency, one of another", "2025-06-02 P, 2025-06-02 P, 2025-06-02 Q", wide="ccc"),
    days("neighbours at one agency", "2025-06-02 P, 2025-06-03 P", wide="uu"),
    days("neighbours at two agencies", "2025-06-02 P, 2025-06-03 Q", wide="cc", narrow="uu"),
    days("two days apart", "2025-06-02 P, 2025-06-04 Q", wide="uu"),
    days(
        "a day of both agencies between days of one",
        "2025-06-01 P, 2025-06-02 P, 2025-06-02 Q, 2025-06-03 P, 2025-06-04 P",
        wide="ccccu",
        narrow="uccuu",
    ),
    days(
        "the day before of two agencies, the first this one",
        "2025-06-01 P, 2025-06-01 Q, 2025-06-02 P",
        wide="ccc",
        narrow="ccu",
    ),
    days(
        "the day before of two agencies, the last this one",
        "2025-06-01 P, 2025-06-01 Q, 2025-06-02 Q",
        wide="ccc",
        narrow="ccu",
    ),
    days(
        "the day after of two agencies, the first this one",
        "2025-06-02 P, 2025-06-03 P, 2025-06-03 Q",
        wide="ccc",
        narrow="ucc",
    ),
    days(
        "the day after of two agencies, the last this one",
        "2025-06-02 Q, 2025-06-03 P, 2025-06-03 Q",
        wide="ccc",
        narrow="ucc",
    ),
    days("three days of three agencies", "2025-06-01 Q, 2025-06-02 P, 2025-06-03 R", wide="ccc", narrow="uuu"),
    days("round a day without visits", "2025-06-01 P, 2025-06-03 Q", wide="uu"),
    days("a month's end", "2025-05-31 P, 2025-06-01 Q", wide="cc", narrow="uu"),
    days("a month's end the other way", "2025-05-31 Q, 2025-06-01 P", wide="cc", narrow="uu"),
    days("a year's end", "2024-12-31 P, 2025-01-01 Q", wide="cc", narrow="uu"),
    days("a leap day", "2024-02-29 P, 2024-03-01 Q", wide="cc", narrow="uu"),
    days("the day before a leap day and the day after", "2024-02-28 P, 2024-03-01 Q", wide="uu"),
    days("February's end of a common year", "2025-02-28 P, 2025-03-01 Q", wide="cc", narrow="uu"),
    days("two days apart over a month's end", "2025-05-31 P, 2025-06-02 Q", wide="uu"),
    days("one agency a month, far apart", "2025-05-10 P, 2025-06-20 Q", wide="uu"),
    days(
        "one agency a month, up to the last day and from the first",
        "2025-05-30 P, 2025-05-31 P, 2025-06-01 Q, 2025-06-02 Q",
        wide="uccu",
        narrow="uuuu",
    ),
    days(
        "one agency in three months, another in the one between",
        "2025-04-30 P, 2025-05-01 Q, 2025-05-31 Q, 2025-06-01 P",
        wide="cccc",
        narrow="uuuu",
    ),
    days("one agency a year, far apart", "2024-06-02 P, 2025-06-02 Q", wide="uu"),
    days("a block's end", "2025-05-24 P, 2025-05-25 Q", "cc", "uu"),
    days("a block's end, with a day between", "2025-05-24 P, 2025-05-26 Q", "uu"),
    days(
        "a block of one agency between blocks of another",
        "2025-05-24 P, 2025-05-25 Q, 2025-06-03 Q, 2025-06-04 P",
        "cccc",
        "uuuu",
    ),
    days(
        "a block before of two agencies, the first this one", "2025-05-23 P, 2025-05-24 Q, 2025-05-25 P", "ccc", "uuu"
    ),
    days("a block before of two agencies, the last this one", "2025-05-23 Q, 2025-05-24 P, 2025-05-25 Q", "ccc", "uuu"),
    days("a block after of two agencies, the first this one", "2025-05-24 P, 2025-05-25 Q, 2025-05-26 P", "ccc", "uuu"),
    days("a block after of two agencies, the last this one", "2025-05-24 Q, 2025-05-25 P, 2025-05-26 Q", "ccc", "uuu"),
    days("two agencies in a block, neither near the other", "2025-05-25 P, 2025-06-03 Q", "uu"),
    days("a contested day far from the others", "2024-01-05 P, 2025-06-02 P, 2025-06-02 Q", wide="ucc"),
    days("the spring's change of clocks", "2025-03-09 P, 2025-03-10 Q", wide="cc", narrow="uu"),
    days("the autumn's change of clocks", "2024-11-03 P, 2024-11-04 Q", wide="cc", narrow="uu"),
    days("the first days of the window", "2023-06-15 P, 2023-06-16 Q", wide="cc", narrow="uu"),
    Case("two caregivers with one SSN", [visit(), visit(at="Q", by=1)], [C, C], ssns=("ddddddddd", "ddd-dd-dddd")),
    Case(
        "times do not matter, dates do",
        [visit(), visit({"Scheduled End Time": midnight("2025-06-09")}, day="2025-06-05", at="Q")],
        [U, U],
    ),
]

OUT = {
    "inactive_status": ({"Visit Status": "Cancelled"}, TOLD),
    "deleted": ({"Permanent Deleted": True}, TOLD),
    "missed": ({"Is Missed": True}, TOLD),
    "unknown_agency": ({"Provider Id": "NOBODY"}, TOLD),
    "inactive_agency": ({"Provider Id": "RESTING"}, TOLD),
    "excluded_agency": ({"Provider Id": "EXCLUDED"}, ""),
    "no_times": ({"Scheduled End Time": None}, ""),
    "empty_interval": ({"Scheduled End Time": midnight("2025-06-02")}, ""),
    "missing_key": ({"Visit Id": None}, ""),
}
CANCELLED = {"Visit Status": "Cancelled"}
GONE = "inactive_status" + TOLD
WINDOW_EDGES = [("2025-07-30", "2025-07-31"), ("2023-06-15", "2023-06-14")]
SIDELINED = [
    *(
        Case(f"{reason} contests nothing", [visit(), visit(change, at="Q")], [U, reason + told])
        for reason, (change, told) in OUT.items()
    ),
    *(
        Case(f"{reason} on the next day", [visit(), visit(change, day="2025-06-03", at="Q")], [U, reason + told])
        for reason, (change, told) in OUT.items()
        if reason != "empty_interval"
    ),
    Case("cancelled alone", [visit(CANCELLED)], [GONE]),
    Case("all cancelled, at two agencies", [visit(CANCELLED), visit(CANCELLED, at="Q")], [GONE] * 2),
    Case("cancelled on a contested day", [visit(), visit(at="Q"), visit(CANCELLED)], [C, C, GONE]),
    Case(
        "cancelled between days that it would contest",
        [visit(day="2025-06-01"), visit(CANCELLED, at="Q"), visit(day="2025-06-03")],
        [U, GONE, U],
    ),
    *(
        Case(
            f"beside the edge of the window: {beyond}",
            [visit(day=day), visit(day=beyond, at="Q")],
            [U, "out_of_window"],
        )
        for day, beyond in WINDOW_EDGES
    ),
    Case(
        "an old row of a visit contests nothing and tells of nothing",
        [
            visit({"Visit Id": "moved", "Visit Updated Timestamp": midnight("2025-06-01")}, at="Q"),
            visit({"Visit Id": "moved", "Visit Updated Timestamp": midnight("2025-06-02")}),
            visit(),
            visit(CANCELLED),
        ],
        [DUPLICATE, U, U, GONE],
    ),
    Case(
        "a visit that is moved away contests nothing where it was",
        [
            visit({"Visit Id": "moved", "Visit Updated Timestamp": midnight("2025-06-01")}, at="Q"),
            visit({"Visit Id": "moved", "Visit Updated Timestamp": midnight("2025-06-02")}, at="Q", day="2025-06-20"),
            visit(),
        ],
        [DUPLICATE, U, U],
    ),
]
UPDATED = "Visit Updated Timestamp"
FULL = [visit() for _ in range(LIMIT)]
CLOSED = {
    "at an agency at rest": ("RESTING", "inactive_agency, told"),
    "at a demo agency": ("DEMO", "inactive_agency, told"),
    "at an unknown agency": ("NOBODY", "unknown_agency, told"),
    "at an excluded agency": ("EXCLUDED", "excluded_agency"),
}
"""Agencies that don't count now, and what is said of their visits."""

NO_CROWD = (CANCELLED, {"Scheduled Start Time": None}, {"Scheduled End Time": midnight("2025-06-01")})
NO_CROWD_SAID = [GONE, *["inactive_agency, told"] * 2, *["unknown_agency, told"] * 2]

DENSITY = [
    Case("50 visits of one date", FULL, [U] * LIMIT),
    Case("51 visits of one date", [*FULL, visit()], [DENSE] * (LIMIT + 1)),
    Case("50 visits at two agencies", [*FULL[1:], visit(at="Q")], [C] * LIMIT),
    Case("51 visits at two agencies", [*FULL, visit(at="Q")], [DENSE] * (LIMIT + 1)),
    Case("50 visits and one of the next day", [*FULL, visit(day="2025-06-03")], [U] * (LIMIT + 1)),
    Case(
        "51 visits of one month", [visit(day=f"2025-05-{1 + n % 31:02d}") for n in range(LIMIT + 1)], [U] * (LIMIT + 1)
    ),
    Case(
        "50 good visits beside others",
        [*FULL, *(visit(change) for change, _ in OUT.values() if "Provider Id" not in change)],
        [U] * LIMIT + [reason + told for reason, (change, told) in OUT.items() if "Provider Id" not in change],
    ),
    *(
        Case(
            f"a crowd stays one: 50 visits and one {name}",
            [*FULL, visit(at=at), visit(at="Q", day="2025-06-03")],
            [DENSE] * LIMIT + [reason, U],
        )
        for name, (at, reason) in CLOSED.items()
    ),
    Case(
        "a crowd at two agencies of which one has closed",
        [visit(at="PQ"[n % 2]) for n in range(LIMIT)] + [visit(at="RESTING")] * LIMIT,
        [DENSE] * LIMIT + [CLOSED["at an agency at rest"][1]] * LIMIT,
    ),
    Case(
        "no crowd without the faulty visits of closed agencies, and one without an agency id",
        [*FULL, *(visit(fault, at="RESTING") for fault in NO_CROWD), visit(at=None), visit(at="\r\n")],
        [U] * LIMIT + NO_CROWD_SAID,
    ),
    Case(
        "50 good visits and an old row of one",
        [
            visit({"Visit Id": "old", UPDATED: midnight("2025-06-01")}),
            *FULL[1:],
            visit({"Visit Id": "old", UPDATED: midnight("2025-06-02")}),
        ],
        [DUPLICATE] + [U] * LIMIT,
    ),
    Case(
        "51 good visits and a cancelled one",
        [*FULL, visit(), visit(CANCELLED)],
        [DENSE] * (LIMIT + 1) + [GONE],
    ),
    Case(
        "a date too full contests neither its neighbours nor itself",
        [*FULL, visit(at="Q"), visit(at="R", day="2025-06-03"), visit(at="R", day="2025-06-01")],
        [DENSE] * (LIMIT + 1) + [U, U],
    ),
    Case(
        "the neighbours of a date too full may contest each other",
        [*FULL, visit(), visit(at="R", day="2025-06-03"), visit(at="Q", day="2025-06-04")],
        [DENSE] * (LIMIT + 1) + [C, C],
        [DENSE] * (LIMIT + 1) + [U, U],
    ),
    Case(
        "cancelled on a date too full, beside the next date",
        [*FULL, visit(), visit(CANCELLED, at="Q"), visit(day="2025-06-03")],
        [DENSE] * (LIMIT + 1) + [GONE, U],
    ),
    Case(
        "a date too full, written with two SSNs",
        [*FULL[1:], visit(by=1), visit(by=1)],
        [DENSE] * (LIMIT + 1),
        ssns=("ddddddddd", "ddd-dd-dddd"),
    ),
]
CASES = [*CONTESTED, *SIDELINED, *DENSITY]


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(
    scope="module",
    params=[(True, False), (False, False), (True, True)],
    ids=["across midnight", "within a date", "following"],
)
def shelf(bench, request):
    cross_midnight, follows = request.param
    return Shelf(bench, CASES, cross_midnight=cross_midnight, follows=follows)


@named(CONTESTED)
def test_a_date_is_contested_when_two_agencies_are_on_it_or_on_its_neighbours(shelf, case):
    shelf.check(case)


@named(SIDELINED)
def test_what_is_out_contests_nothing_and_is_told_of_where_it_is_followed(shelf, case):
    shelf.check(case)


@named(DENSITY)
def test_only_a_date_of_more_than_50_good_visits_is_too_full(shelf, case):
    shelf.check(case)


def test_source_and_twin_agree_on_all_of_them(shelf):
    assert_agreement(shelf.found, shelf.twin)


@pytest.mark.parametrize(("limit", "outcome"), [(2, DENSE), (3, C)])
def test_how_full_a_date_may_be_is_the_query_s_choice(bench, limit, outcome):
    case = Case("three visits", [visit(), visit(), visit(at="Q")], [outcome] * 3)
    shelf = Shelf(bench, [case], max_visits_per_day=limit)
    shelf.check(case)
    assert_agreement(shelf.found, shelf.twin)


def test_every_date_of_three_years_is_contested_by_its_neighbour(bench):
    first = date(2023, 6, 15)
    row = [visit(day=(first + timedelta(days=n)).isoformat(), at="PQ"[n % 2]) for n in range(3 * 365)]
    case = Case("agencies by turns", row, [C] * len(row), [U] * len(row))
    for cross_midnight in (True, False):
        shelf = Shelf(bench, [case], cross_midnight=cross_midnight, last_date=date(2026, 12, 31))
        shelf.check(case)
        assert_agreement(shelf.found, shelf.twin)


FIRST, LAST = date(2023, 6, 15), date(2025, 7, 30)


@pytest.mark.parametrize(("away", "outcome"), [(1, C), (2, U)])
def test_of_any_two_dates_of_the_window_only_neighbours_contest_each_other(bench, away, outcome):
    starts = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1 - away)]
    facts = [
        visit({"Visit Id": f"{number} {at}", "Caregiver Id": f"C{number}"}, at=at, day=day.isoformat())
        for number, start in enumerate(starts)
        for at, day in (("PQ"[number % 2], start), ("QP"[number % 2], start + timedelta(days=away)))
    ]
    caregivers = [{"Caregiver Id": f"C{number}", "SSN": f"04{number:07d}"} for number in range(len(starts))]
    tables = {FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES)}

    found = bench.sort(tables, all_of(first_date=FIRST, last_date=LAST))

    assert outcomes_in(found.counts["04"]) == {outcome: len(facts)}


def test_inactive_visits_are_told_of_in_the_blocks_of_dates_that_are_followed(bench):
    first = block_of(FIRST) + 1
    days = [FIRST_BLOCK + timedelta(days=BLOCK_DAYS * first + number) for number in range(40)]
    facts = [
        visit({"Visit Id": f"{day} {name}", "Caregiver Id": name, **CANCELLED}, day=day.isoformat())
        for day in days
        for name in ("followed", "other")
    ]
    caregivers = [{"Caregiver Id": "followed", "SSN": "041-23-4567"}, {"Caregiver Id": "other", "SSN": "041234568"}]
    tables = {FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES)}

    found = bench.sort(tables, all_of(followed={"041234567": (first + 3, first + 1), "171234567": (first,)}))

    assert [row["visit_id"] for row in found.rows] == [f"{day} followed" for day in (*days[10:20], *days[30:40])]


def test_without_contested_dates_and_unless_followed_no_inactive_visit_travels(bench):
    names = {"quiet": ("P", "P"), "busy": ("P", "Q")}
    facts = [
        visit({"Visit Id": f"{name} {number}", "Caregiver Id": name, **change}, at=at)
        for name, agencies in names.items()
        for number, (at, change) in enumerate([*((at, {}) for at in agencies), ("Q", CANCELLED)])
    ]
    caregivers = [{"Caregiver Id": name, "SSN": f"04123456{number}"} for number, name in enumerate(names)]
    tables = {FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES)}

    found = bench.sort(tables, all_of())

    assert [(row["visit_id"], row["outcome"]) for row in found.rows] == [
        ("busy 0", C),
        ("busy 1", C),
        ("busy 2", "inactive_status"),
    ]
