"""What the assets ask of a source, whichever warehouse stands behind it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from conflict_assets.domain.masking import MaskedError
from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.partitions import are_all_prefixes

if TYPE_CHECKING:
    from conflict_assets.source.survey import Survey


@dataclass(frozen=True)
class VisitQuery:
    """The visits that a run asks for.

    The query holds the prefixes, the window (both ends included), the exclusions, and what is followed. `followed`
    names blocks of dates (see `BLOCK_DAYS`) of SSNs. Inactive visits of these blocks travel too, because they explain
    why a conflict has gone.
    """

    prefixes: tuple[str, ...]
    prefix_length: int
    first_date: date
    last_date: date
    cross_midnight: bool = True
    max_visits_per_day: int = 50
    excluded_agencies: tuple[str, ...] = ()
    excluded_ssns: tuple[str, ...] = ()
    followed: Mapping[str, Collection[int]] = field(default_factory=dict)

    @property
    def all_prefixes(self) -> bool:
        """Whether the run covers every prefix.

        It then also covers the visits that have none.
        """
        return are_all_prefixes(self.prefixes, self.prefix_length)


CONTESTED = "contested"
UNCONTESTED = "uncontested"
"""The outcome of an active visit with no other agency near. This visit does not travel."""

SESSION_ZONE = "UTC"
"""The zone of a source's session; the statements say every zone themselves, so it decides nothing."""

BATCH_ROWS = 20_000
"""The most rows of a batch: what a reader holds in memory at once, beside what the driver fetches ahead."""

BLOCK_DAYS = 10
"""The days of a block: the survey points to blocks of a caregiver's dates, counted from the window's first date."""

SURVEY_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("ssn_prefix", pa.string()),
        ("item", pa.string()),
        ("block", pa.int64()),
        ("visits", pa.int64()),
    ]
)
"""A row of the survey.

`kind` is `visits` (how many a prefix has of the outcome `item`), `suspect` (a block of the dates of the SSN `item`) or
`repeated` (how many visits have an id of the hash `item`).
"""

ROW_SCHEMA = pa.schema(
    [
        ("ssn_prefix", pa.string()),
        ("outcome", pa.string()),
        ("surveyed_as", pa.string()),
        *VISIT_SCHEMA,
        *((str(note), pa.bool_()) for note in Note),
    ]
)
"""A travelling row. `outcome` is `contested`, or the reason why the visit is out: then only `ssn_prefix`, `visit_id`,
`outcome` and `surveyed_as` (the outcome that the survey has counted it by) are filled. Rejected visits travel so, all
but `missing_ssn`, and so do inactive visits in blocks that are followed or may be contested: they explain to the store
why a conflict has gone."""

LOOK_UP_SCHEMA = pa.schema([field for field in ROW_SCHEMA if field.name != "surveyed_as"])
"""A row of a visit that was asked for by its id, in full whatever its `outcome`, which may be `uncontested` too."""

COUNT_COLUMNS = (
    "visits_seen",
    "active",
    "contested",
    *(str(reason) for reason in InactiveReason),
    *(str(reason) for reason in RejectReason),
    *(str(note) for note in Note),
    "contested_caregivers",
)
"""What is counted of each prefix. Notes are about contested visits: others are not looked at so closely."""


class SourceError(MaskedError):
    """The source can't be read as asked.

    The message says what was found, what is allowed and what to do.
    """


class TransientSourceError(SourceError):
    """The source failed with an error that may be transient.

    Examples are a lost connection, a time-out and a busy warehouse.
    """


class VisitReader(Protocol):
    """An open source.

    Every statement of a run goes through one connection.
    """

    def check_contract(self) -> None:
        """Raise `SourceError` if views or columns are missing or mistyped.

        The error names all of them at once.
        """

    def dimension_duplicates(self) -> dict[str, int]:
        """Count the keys that several rows of a dimension carry, by view.

        Only views that have some are in the result. One of the rows is used, the same each time, so no visit is
        multiplied.
        """

    def survey(self, query: VisitQuery) -> "Survey":
        """Count visits by prefix and outcome, and find where to look closer.

        This takes one scan of the fact view.
        """

    def read_visits(self, query: VisitQuery, survey: "Survey") -> Iterator[pa.RecordBatch]:
        """Stream rows as `ROW_SCHEMA`, ordered by `ssn_prefix` (null first).

        This takes one scan, and the memory of one batch.
        """

    def look_up(self, query: VisitQuery, visit_ids: Sequence[str]) -> pa.Table:
        """Return every row of these visits as `LOOK_UP_SCHEMA`.

        Each row has the outcome that a run over the query would give it. A visit id may have several rows: duplicates,
        and visits of other caregivers with the same id. This takes two scans of the fact view.
        """


class VisitSource(Protocol):
    """A warehouse that can be opened for a run."""

    @property
    def description(self) -> str:
        """Where the visits come from, without secrets, for people to read."""

    def open(self, *, run_id: str) -> AbstractContextManager[VisitReader]:
        """Open one connection, which is closed in every case.

        It is tagged with the run where the warehouse can do that.
        """
