"""Visits that are looked at one by one: each contested by a plain one at another agency, so that its row travels."""

from collections.abc import Mapping
from typing import Any

from conflict_assets_tests.source.classification_bench import Bench, Row, Tables, sort_as_twin
from conflict_assets_tests.source.classification_cases import AGENCIES, visit
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.warehouse import all_of

DAY = "2025-06-02"
NOTE_NAMES = ("bad_coordinates", "missing_status", "odd_times", "odd_dates", "one_actual_time")


def patient(key: object) -> str:
    """The id of the patient of the visit with this key."""
    return f"PP {key!r}"


class Pairs:
    """Visits by what differs from a plain one, under prefixes of their own, all sorted at once.

    `day` among what differs moves both visits of a pair.
    """

    def __init__(self, bench: Bench, cases: Mapping[Any, Row], dimensions: Tables | None = None, **layout: Any) -> None:
        self._keys = list(cases)
        facts, caregivers = [], []
        for number, (key, changes) in enumerate(cases.items()):
            who = {"Caregiver Id": f"C{number}"}
            day = changes.get("day", DAY)
            own = {name: value for name, value in changes.items() if name != "day"}
            caregivers.append({**who, "SSN": f"{number:03d}456789"})
            facts.append(visit({"Visit Id": repr(key), "Provider Patient Id": patient(key), **who, **own}, day=day))
            facts.append(visit({"Visit Id": f"beside {key!r}", **who}, at="Q", day=day))
        tables = {FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES), **(dimensions or {})}
        query = all_of(3)
        self.found = bench.find(tables, query, **layout)
        self.twin = sort_as_twin(tables, query, **layout)
        self._rows = self.found.by_id()

    def row(self, key: object) -> Row:
        """The row of the visit with this key."""
        return self._rows[repr(key)]

    def notes(self, key: object) -> set[str]:
        """What is noted about the visit with this key."""
        counts = self.found.counts[f"{self._keys.index(key):03d}"]
        return {name for name in NOTE_NAMES if counts[name]}
