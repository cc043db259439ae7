"""The survey of a source, and the counts that follow from it.

The survey counts every visit by its own outcome and points to the caregivers and visit ids that need a closer look.
Only this closer look distinguishes duplicates, overfull days and contested days. Its rows, which travel, correct the
survey's counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.source.cells import block_of_cells, numbers, prefix_of_cells
from conflict_assets.source.protocol import CONTESTED, COUNT_COLUMNS, REPEATED, SURVEY_SCHEMA, VisitQuery

GOOD = "good"
"""What the survey calls a visit with which nothing is wrong by itself."""

BLOCK_SCHEMA = pa.schema([("ssn", pa.string()), ("block", pa.int64())])
"""A block of the dates of an SSN, by its number."""

WATCHED_SCHEMA = pa.schema([("ssn", pa.string()), ("cell", pa.int64())])
"""A block of the dates of an SSN, by its cell."""

OUTCOME_SCHEMA = pa.schema([("cell", pa.int64()), ("outcome", pa.string()), ("visits", pa.int64())])
"""How many visits a cell has of an outcome of their own, which is null where nothing is wrong with them."""

COUNTED = ("ssn_prefix", "outcome", "surveyed_as", "ssn", *(str(note) for note in Note))
"""The columns of a row that counting looks at."""

LEFT_OUT = (*InactiveReason, *RejectReason)

Prefix = str | None
"""A prefix; None for visits without one (missing or invalid SSN)."""


@dataclass(frozen=True)
class Survey:
    """Visits of each prefix by outcome, and what needs a closer look.

    The outcome is the visit's own. Blocks of SSNs and visit ids are to be looked at in full. The second statement finds
    them in what lies in the warehouse under the name `result_id`, or in the `pointers`.
    """

    visits: Mapping[Prefix, Mapping[str, int]]
    outcomes: pa.Table = field(default_factory=OUTCOME_SCHEMA.empty_table)
    """How many visits each cell has of each outcome of their own."""
    pointers: pa.Table = field(default_factory=SURVEY_SCHEMA.empty_table)
    """The rows that say where the second statement has to look."""
    result_id: str = ""

    @classmethod
    def of(cls, batches: Iterable[pa.RecordBatch], query: VisitQuery, result_id: str = "") -> "Survey":
        """Take a survey from what its statement gives (`SURVEY_SCHEMA`), batch by batch, since cells are many."""
        outcomes, pointers = [], []
        for batch in batches:
            is_count = pc.equal(batch["kind"], "visits")
            counted = batch.filter(is_count)
            columns = [counted["cell"], counted["item"], counted["visits"]]
            outcomes.append(pa.RecordBatch.from_arrays(columns, schema=OUTCOME_SCHEMA))
            pointers.append(batch.filter(pc.invert(is_count)))
        found = pa.Table.from_batches(outcomes, OUTCOME_SCHEMA)
        pointing = pa.Table.from_batches(pointers, SURVEY_SCHEMA)
        return cls(visits_by_prefix(found, query), found, pointing, result_id)

    @property
    def suspects(self) -> pa.Table:
        """Blocks of dates to be looked at whatever the blocks next to them hold, as `BLOCK_SCHEMA`."""
        found = self._of_kind("suspect")
        return pa.table([found["item"], pa.array(block_of_cells(numbers(found["cell"])))], schema=BLOCK_SCHEMA)

    @property
    def watched(self) -> pa.Table:
        """All blocks of dates to be looked at, as `WATCHED_SCHEMA`."""
        found = self._of_kind("suspect", "neighbour")
        return pa.table([found["item"], found["cell"]], schema=WATCHED_SCHEMA)

    def _of_kind(self, *kinds: str) -> pa.Table:
        return self.pointers.filter(pc.is_in(self.pointers["kind"], pa.array(kinds)))

    def unnamed(self, query: VisitQuery) -> list[dict[str, Any]]:
        """The followed blocks that are no suspects, each as an object with an SSN and a block's number.

        On most nights they are few, since a conflict that still holds is suspect.
        """
        followed = followed_blocks(query)
        if not followed.num_rows:
            return []
        unnamed = followed.join(self.suspects, BLOCK_SCHEMA.names, join_type="left anti")
        found: list[dict[str, Any]] = unnamed.sort_by([(name, "ascending") for name in BLOCK_SCHEMA.names]).to_pylist()
        return found

    def seen(self, prefix: Prefix) -> int:
        """All visits of a prefix."""
        return sum(self.visits.get(prefix, {}).values())

    def usable(self, prefix: Prefix) -> int:
        """Visits that are good by themselves, or would be without exclusions.

        An exclusion is of the visit's agency or caregiver.
        """
        counted = self.visits.get(prefix, {})
        return sum(counted.get(name, 0) for name in (GOOD, InactiveReason.EXCLUDED_AGENCY, InactiveReason.EXCLUDED_SSN))


def visits_by_prefix(outcomes: pa.Table, query: VisitQuery) -> dict[Prefix, dict[str, int]]:
    """Sum the visits of cells (`OUTCOME_SCHEMA`) by prefix and outcome."""
    prefixes = prefix_of_cells(numbers(outcomes["cell"]), query.buckets, query.prefix_length)
    named = pa.table({"prefix": prefixes, "outcome": outcomes["outcome"], "visits": outcomes["visits"]})
    summed = named.group_by(["prefix", "outcome"]).aggregate([("visits", "sum")])
    visits: dict[Prefix, dict[str, int]] = {}
    for row in summed.to_pylist():
        visits.setdefault(row["prefix"], {})[row["outcome"] or GOOD] = row["visits_sum"]
    return visits


def followed_blocks(query: VisitQuery) -> pa.Table:
    """Return the blocks that a query follows, as `BLOCK_SCHEMA`."""
    blocks = [(ssn, block) for ssn, each in query.followed.items() for block in each]
    return pa.table([[ssn for ssn, _ in blocks], [block for _, block in blocks]], schema=BLOCK_SCHEMA)


class SurveyedCounts:
    """The survey's counts of a night, corrected by each row that the snapshot holds."""

    def __init__(self, survey: Survey) -> None:
        self._counts: dict[Prefix, Counter[str]] = {
            prefix: Counter(counted) for prefix, counted in survey.visits.items()
        }
        self._caregivers: dict[Prefix, set[str]] = {}

    def watch(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches (`ROW_SCHEMA`) on, and count what they hold."""
        for batch in batches:
            self.count(pa.table(batch))
            yield batch

    def count(self, rows: pa.Table) -> None:
        """Count rows that have the columns of `COUNTED`."""
        is_contested = pc.equal(rows["outcome"], CONTESTED)
        self._count_left_out(rows.filter(pc.invert(is_contested)))
        self._count_contested(rows.filter(is_contested))

    def counts(self) -> dict[Prefix, dict[str, int]]:
        """The counts of each prefix that has visits, by `COUNT_COLUMNS`."""
        return {prefix: self._row(prefix, counted) for prefix, counted in self._counts.items()}

    def _row(self, prefix: Prefix, counted: Counter[str]) -> dict[str, int]:
        left_out = sum(counted[reason] for reason in LEFT_OUT)
        derived = {
            "visits_seen": counted[GOOD] + left_out,
            "active": counted[GOOD],
            "contested_caregivers": len(self._caregivers.get(prefix, ())),
        }
        return {name: derived.get(name, counted[name]) for name in COUNT_COLUMNS}

    def _count_left_out(self, rows: pa.Table) -> None:
        names = ["ssn_prefix", "outcome", "surveyed_as"]
        for row in rows.select(names).group_by(names).aggregate([([], "count_all")]).to_pylist():
            if row["outcome"] not in {row["surveyed_as"], REPEATED}:
                counted = self._counts.setdefault(row["ssn_prefix"], Counter())
                counted[row["surveyed_as"] or GOOD] -= row["count_all"]
                counted[row["outcome"]] += row["count_all"]

    def _count_contested(self, rows: pa.Table) -> None:
        noted = rows.group_by("ssn_prefix").aggregate([([], "count_all"), *((str(note), "sum") for note in Note)])
        for row in noted.to_pylist():
            counted = self._counts.setdefault(row["ssn_prefix"], Counter())
            counted[CONTESTED] += row["count_all"]
            for note in Note:
                counted[note] += row[f"{note}_sum"]
        people = rows.group_by(["ssn_prefix", "ssn"]).aggregate([])
        for prefix, ssn in zip(people["ssn_prefix"].to_pylist(), people["ssn"].to_pylist(), strict=True):
            self._caregivers.setdefault(prefix, set()).add(ssn)
