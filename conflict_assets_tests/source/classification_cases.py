"""Cases of the sorting side by side in one filling, each with an SSN and a prefix of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conflict_assets.domain.reasons import RejectReason
from conflict_assets.source.cells import block_of
from conflict_assets_tests.source.classification_bench import Bench, Found, Row, Tables, sort_as_twin
from conflict_assets_tests.source.classification_twin import FACT, Sorting
from conflict_assets_tests.source.warehouse import all_of

NEW_YORK = ZoneInfo("America/New_York")
PREFIX_DIGITS = 3
OTHER_DIGITS = "456789"
ALL_BLOCKS = range(block_of(date(2023, 6, 1)), block_of(date(2025, 8, 15)))
"""Blocks of ten days in a window of two years and 45 days."""

TOLD = ", told"
MARK = "Bill Rate Non-Billed"
"""A column that tells rows with one id apart, and decides nothing."""

TRAVELS = {"contested", *(str(reason) for reason in RejectReason)} - {"missing_ssn"}
"""Outcomes whose visits always travel."""
AGENCIES = (
    *({"Provider Id": name, "Provider Name": f"Agency {name}", "Is Active": True, "Is Demo": False} for name in "PQR"),
    {"Provider Id": "SILENT ON DEMO", "Is Active": True},
    {"Provider Id": "RESTING", "Is Active": False, "Is Demo": False},
    {"Provider Id": "SILENT", "Is Demo": False},
    {"Provider Id": "DEMO", "Is Active": True, "Is Demo": True},
    {"Provider Id": "EXCLUDED", "Is Active": True, "Is Demo": False},
    {"Provider Id": " SPACED ", "Is Active": True, "Is Demo": False},
    {"Provider Id": "RESTING AND EXCLUDED", "Is Active": False, "Is Demo": False},
)
EXCLUDED = ("EXCLUDED", " RESTING AND EXCLUDED ", "SPACED")


def midnight(day: str) -> datetime:
    """When a day begins in New York."""
    return datetime.combine(date.fromisoformat(day), time(), NEW_YORK)


def visit(
    changes: Mapping[str, Any] | None = None, *, day: str = "2025-06-02", at: str | None = "P", by: int = 0
) -> Row:
    """A visit of the case's caregiver number `by` to agency `at`, by schedule from 9 to 12 of a day in New York."""
    start = midnight(day) + timedelta(hours=9)
    return {
        "Visit Date": midnight(day),
        "Visit Status": "Confirmed",
        "Scheduled Start Time": start,
        "Scheduled End Time": start + timedelta(hours=3),
        "Provider Id": at,
        "Caregiver Id": f"C.{by}",
        **(changes or {}),
    }


@dataclass(frozen=True, eq=False)
class Case:
    """A few visits of one SSN and what becomes of each.

    `narrow` says it for `cross_midnight=False`, where that differs. An inactive visit that is told of where the run
    follows its SSN is marked by `TOLD`. `ssns` are the ways in which the SSN is written, a caregiver each; a `d` stands
    for a digit.
    """

    name: str
    visits: Sequence[Row]
    outcomes: Sequence[str]
    narrow: Sequence[str] | None = None
    ssns: Sequence[str] = ("ddddddddd",)

    def tables(self, number: int) -> Tables:
        """The case's rows, under the prefix of this number."""
        facts, caregivers = [], []
        for by, written in enumerate(self.ssns):
            digits = iter(f"{number:0{PREFIX_DIGITS}d}{OTHER_DIGITS}")
            ssn = "".join(next(digits) if letter == "d" else letter for letter in written)
            caregivers.append({"Caregiver Id": f"C.{by}.{number}", "SSN": ssn})
        for position, row in enumerate(self.visits):
            caregiver = {"Caregiver Id": f"{row['Caregiver Id']}.{number}"}
            facts.append({"Visit Id": f"{number}.{position}"} | row | caregiver)
        return {FACT: facts, "DIMCAREGIVER": caregivers}


class Shelf:
    """Cases, sorted together by the source and by its twin."""

    def __init__(self, bench: Bench, cases: Sequence[Case], *, follows: bool = False, **changes: Any) -> None:
        self._numbers = {case: number for number, case in enumerate(cases)}
        tables: dict[str, list[Row]] = {FACT: [], "DIMCAREGIVER": [], "DIMPROVIDER": list(AGENCIES)}
        for case, number in self._numbers.items():
            for view, rows in case.tables(number).items():
                tables[view].extend(rows)
        ssns = {f"{number:0{PREFIX_DIGITS}d}{OTHER_DIGITS}" for number in self._numbers.values()} if follows else ()
        followed = dict.fromkeys(ssns, ALL_BLOCKS)
        query = all_of(PREFIX_DIGITS, excluded_agencies=EXCLUDED, followed=followed, **changes)
        self._follows = follows
        self._is_wide = query.cross_midnight
        self.found: Found = bench.find(tables, query)
        self.twin: Sorting = sort_as_twin(tables, query)

    def check(self, case: Case) -> None:
        """Hold what a case says against what was counted, what travels, and what the twin says of each visit."""
        prefix = f"{self._numbers[case]:0{PREFIX_DIGITS}d}"
        said = case.outcomes if self._is_wide or case.narrow is None else case.narrow
        outcomes = [each.removesuffix(TOLD) for each in said]
        visits = [each for each in self.twin.visits if each.prefix == prefix]
        kept = [
            each.row.get(MARK) if outcome == "contested" else None
            for each, outcome in zip(visits, outcomes, strict=True)
        ]
        ids = [each.visit_id for each in visits]
        rows = [row for row in self.found.rows if row["ssn_prefix"] == prefix]
        found = Counter((row["visit_id"], row["outcome"], row["bill_rate_non_billed"]) for row in rows)
        travelling = Counter(each for each in zip(ids, outcomes, kept, strict=True) if each[1] in TRAVELS)
        told = Counter(
            (name, each.removesuffix(TOLD), None) for name, each in zip(ids, said, strict=True) if TOLD in each
        )
        assert_same("the twin's outcomes", [str(each.outcome) for each in visits], outcomes)
        assert_same("the counts", outcomes_in(self.found.counts[prefix]), Counter(outcomes))
        if not self._follows:
            # Others near contested dates may be told of all the same.
            told &= found
        assert_same("what travels", found, travelling + told)


def assert_same(what: str, found: object, expected: object) -> None:
    """Say both when they differ."""
    assert found == expected, f"{what}: found {found}, expected {expected}"


def outcomes_in(counts: Mapping[str, int]) -> Counter[str]:
    """The outcomes that counts tell of, without the notes."""
    notes = ("visits_seen", "active", "bad_coordinates", "missing_status", "odd_times", "odd_dates", "one_actual_time")
    found = {name: count for name, count in counts.items() if name not in (*notes, "contested_caregivers")}
    return +Counter(found | {"uncontested": counts["active"] - counts["contested"]})
