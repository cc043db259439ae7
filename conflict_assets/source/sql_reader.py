"""What the readers of all SQL warehouses have in common.

A reader adds how its session runs a statement, and how it makes the survey's rows visible to the second statement.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from conflict_assets.source.contract import FoundTypes, check_found, exact_layout
from conflict_assets.source.dialects import Dialect
from conflict_assets.source.layout import SourceLayout
from conflict_assets.source.protocol import (
    DIMENSION_SCHEMA,
    LOOK_UP_SCHEMA,
    REPEATED_SCHEMA,
    ROW_SCHEMA,
    Look,
    VisitQuery,
)
from conflict_assets.source.query import (
    changed_visits_statement,
    dimension_hashes_statement,
    duplicates_statement,
    look_up_statement,
    repeated_ids_statement,
    rows_statement,
    ssn_buckets_statement,
    visit_count_statement,
)
from conflict_assets.source.statement import Statement
from conflict_assets.source.survey import Survey
from conflict_assets.source.value_tables import Tables

_BUCKET_SCHEMA = pa.schema([("ssn", pa.string()), ("bucket", pa.int64())])


class SQLVisitReader(ABC):
    """A session in a warehouse, as a `VisitReader`."""

    dialect: ClassVar[Dialect]

    def __init__(self, layout: SourceLayout) -> None:
        self._layout = layout

    def check_contract(self) -> None:
        """See `VisitReader`."""
        check_found(self._found, self._layout, where=self._where)

    def dimension_duplicates(self) -> dict[str, int]:
        """See `VisitReader`."""
        rows = self._fetch(duplicates_statement(self._layout, self.dialect))
        return {view: int(keys) for view, keys in rows}

    def visit_count(self) -> int:
        """See `VisitReader`."""
        return int(self._fetch(visit_count_statement(self._layout, self.dialect))[0][0])

    @abstractmethod
    def cells(self, query: VisitQuery, known: pa.Table | None = None) -> pa.Table:
        """See `VisitReader`."""

    def dimension_hashes(self) -> pa.Table:
        """See `VisitReader`."""
        return self._table(lambda _: dimension_hashes_statement(self._layout, self.dialect), DIMENSION_SCHEMA)

    def ssn_buckets(self, query: VisitQuery, ssns: Sequence[str]) -> dict[str, int]:
        """See `VisitReader`."""
        found = self._table(partial(ssn_buckets_statement, query, ssns, self.layout, self.dialect), _BUCKET_SCHEMA)
        return dict(zip(found["ssn"].to_pylist(), found["bucket"].to_pylist(), strict=True))

    def keep_changed(self, query: VisitQuery, look: Look) -> str:
        """See `VisitReader`."""
        return self._keep(partial(changed_visits_statement, query, look, self.layout, self.dialect))

    def repeated_ids(self, query: VisitQuery, look: Look, kept: str) -> pa.Table:
        """See `VisitReader`."""
        make = partial(repeated_ids_statement, query, look, self._kept_table(kept), self.layout, self.dialect)
        return self._table(make, REPEATED_SCHEMA)

    @abstractmethod
    def survey(self, query: VisitQuery, kept: str | None = None) -> Survey:
        """See `VisitReader`."""

    def read_visits(self, query: VisitQuery, survey: Survey, kept: str | None = None) -> Iterator[pa.RecordBatch]:
        """See `VisitReader`."""
        make = partial(rows_statement, query, survey, self.layout, self.dialect)
        places = self._fact_tables(kept)
        return self._batches(lambda tables: make({**tables, **places, **self._survey_tables(survey)}), ROW_SCHEMA)

    def look_up(self, query: VisitQuery, visit_ids: Sequence[str]) -> pa.Table:
        """See `VisitReader`."""
        make = partial(look_up_statement, query, visit_ids, self.layout, self.dialect)
        return pa.Table.from_batches(self._batches(make, LOOK_UP_SCHEMA), schema=LOOK_UP_SCHEMA)

    @property
    def layout(self) -> SourceLayout:
        """See `VisitReader`."""
        return exact_layout(self._layout, self._found)

    @cached_property
    def _found(self) -> FoundTypes:
        """The declared types of the schema's columns."""
        return {(view.upper(), column): declared for view, column, declared in self._declared_types()}

    @property
    @abstractmethod
    def _where(self) -> str:
        """The warehouse and the settings that name it, for messages."""

    @abstractmethod
    def _declared_types(self) -> Iterable[tuple[str, str, str]]:
        """Return each column of the schema as view, name and declared type."""

    @abstractmethod
    def _survey_tables(self, survey: Survey) -> Tables:
        """Make the survey's rows visible to the next statement, and return the table that holds them."""

    def _fact_tables(self, kept: str | None) -> Tables:
        """Return where the rows of the fact view lie, if they are to be read from what was kept."""
        return {} if kept is None else {"fact": self._kept_table(kept)}

    def _table(self, make: Callable[[Tables], Statement], schema: pa.Schema) -> pa.Table:
        """Run a statement and return all its rows in the types of the schema."""
        return pa.Table.from_batches(self._batches(make, schema), schema=schema)

    @abstractmethod
    def _keep(self, make: Callable[[Tables], Statement]) -> str:
        """Run a statement whose rows stay in the warehouse, and return the name under which they do."""

    @abstractmethod
    def _kept_table(self, kept: str) -> exp.Expr:
        """Return the table that holds the rows that stay under a name."""

    @abstractmethod
    def _fetch(self, statement: Statement) -> Sequence[Any]:
        """Run a statement and return all its rows."""

    @abstractmethod
    def _batches(self, make: Callable[[Tables], Statement], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Run the statement that `make` gives and yield its rows in the types of the schema."""
