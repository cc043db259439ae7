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
    from conflict_assets.source.layout import SourceLayout
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
    buckets: int = 1
    """Into how many buckets the SSNs of a prefix are shared: a power of two. See `cells.py`."""

    @property
    def all_prefixes(self) -> bool:
        """Whether the run covers every prefix.

        It then also covers the visits that have none.
        """
        return are_all_prefixes(self.prefixes, self.prefix_length)


CONTESTED = "contested"
UNCONTESTED = "uncontested"
"""The outcome of an active visit with no other agency near. This visit does not travel."""

REPEATED = "repeated"
"""The outcome of a row that travels only because its visit id is on several rows of its SSN."""

SESSION_ZONE = "UTC"
"""The zone of a source's session; the statements say every zone themselves, so it decides nothing."""

BATCH_ROWS = 20_000
"""The most rows of a batch: what a reader holds in memory at once, beside what the driver fetches ahead."""

BLOCK_DAYS = 10
"""The days of a block: the survey points to blocks of a caregiver's dates."""

FIRST_BLOCK = date(2000, 1, 1)
"""The first day of block 0. It never moves, so that a day is in the same block every night."""

SURVEY_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("item", pa.string()),
        ("cell", pa.int64()),
        ("visits", pa.int64()),
    ]
)
"""A row of the survey.

`kind` is `visits` (how many a cell has of the outcome `item`), `suspect` (the cell's block of the dates of the SSN
`item` is to be looked at), `neighbour` (the same, but only because of the block next to it) or `repeated` (how many
visits have an id of the hash `item`).
"""

DIMENSION_KEYS = ("office_key", "patient_key", "payer_key", "contract_key", "service_key", "person_key")
"""By which rows of the dimensions a visit shows what it shows: the buckets of their keys' hashes."""

CARRYING_SCHEMA = pa.schema(
    [
        ("cell", pa.int64()),
        ("row_hash", pa.int64()),
        ("id_hash", pa.string()),
        ("left_out_ssn", pa.string()),
        ("is_suspect", pa.bool_()),
        *((key, pa.int32()) for key in DIMENSION_KEYS),
    ]
)
"""What is kept of a row so that a later night may carry it over.

`row_hash` is a hash of all that a contested visit shows: equal hashes are equal rows. `id_hash` is the hash of a visit
id that is on several rows. Of a row that is not contested, `left_out_ssn` is its SSN, and `is_suspect` says that its
block would be looked at even if nobody followed it.
"""

ROW_SCHEMA = pa.schema(
    [
        ("ssn_prefix", pa.string()),
        ("outcome", pa.string()),
        ("surveyed_as", pa.string()),
        *VISIT_SCHEMA,
        *((str(note), pa.bool_()) for note in Note),
        *CARRYING_SCHEMA,
    ]
)
"""A travelling row. `outcome` is `contested`, or the reason why the visit is out: then only `ssn_prefix`, `visit_id`,
`outcome`, `surveyed_as` (the outcome that the survey has counted it by) and what carrying over needs are filled.
Rejected visits travel so, all but `missing_ssn`, and so do inactive visits in blocks that are followed or may be
contested: they explain to the store why a conflict has gone. A visit that travels only because its id is on several
rows has the outcome `repeated`."""

CELL_SCHEMA = pa.schema([("cell", pa.int64()), ("visits", pa.int64()), ("hash_sum", pa.int64())])
"""A cell with the number of its visits, and the sum of their hashes. See `cells.py`."""

DIMENSION_SCHEMA = pa.schema(
    [("kind", pa.string()), ("key_bucket", pa.int32()), ("row_count", pa.int64()), ("hash_sum", pa.int64())]
)
"""Rows of a dimension whose keys are in one bucket: how many they are, and the sum of their hashes."""

REPEATED_SCHEMA = pa.schema([("cell", pa.int64()), ("id_hash", pa.string())])
"""A cell with the hash of a visit id of it that is on several rows."""

LOOK_UP_SCHEMA = pa.schema([field for field in ROW_SCHEMA if field.name not in ("surveyed_as", *CARRYING_SCHEMA.names)])
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


Span = tuple[date, date]


@dataclass(frozen=True)
class Look:
    """What a night looks at again: the visits of some cells, and all rows of visit ids with some hashes.

    The visits of two days around the cells are needed to judge those of the cells. All these visits have dates within
    two `spans` (begin and end, the end not included) and two days around them, unless there are none.
    """

    cells: Sequence[int]
    repeated_ids: Sequence[str] = ()
    spans: tuple[Span, Span] | None = None


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

    @property
    def engine(self) -> str:
        """The engine whose hashes these are, with its version where another version may hash otherwise."""

    @property
    def layout(self) -> "SourceLayout":
        """Where the views are, and how they differ from the usual, with what their declared types say."""

    def visit_count(self) -> int:
        """Count all rows of the fact view."""

    def cells(self, query: VisitQuery, known: pa.Table | None = None) -> pa.Table:
        """Return all cells of the query's prefixes as `CELL_SCHEMA`.

        This takes one scan of the fact view. Where a result is fetched over a network, only cells near those that
        differ from the `known` ones travel.
        """

    def dimension_hashes(self) -> pa.Table:
        """Count and hash the rows of dimensions that only show in visits, as `DIMENSION_SCHEMA`."""

    def ssn_buckets(self, query: VisitQuery, ssns: Sequence[str]) -> dict[str, int]:
        """Return the bucket of each SSN."""

    def keep_changed(self, query: VisitQuery, look: Look) -> str:
        """Keep what is needed to judge the visits of a look in the warehouse, and return its name.

        This takes one scan of the fact view, and no right to write.
        """

    def repeated_ids(self, query: VisitQuery, look: Look, kept: str) -> pa.Table:
        """Find visit ids of what was kept for a look that are on other rows as well, as `REPEATED_SCHEMA`.

        The cells are those of the other rows. This takes one scan of few columns of the fact view.
        """

    def survey(self, query: VisitQuery, kept: str | None = None) -> "Survey":
        """Count visits by cell and outcome, and find where to look closer.

        This takes one scan of the fact view, or of what was `kept` of it.
        """

    def read_visits(self, query: VisitQuery, survey: "Survey", kept: str | None = None) -> Iterator[pa.RecordBatch]:
        """Stream rows as `ROW_SCHEMA`, ordered by `ssn_prefix` (null first).

        This takes one scan of the fact view, or of what was `kept` of it, and the memory of one batch.
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
