"""What the readers of all SQL warehouses have in common.

A reader adds how its session runs a statement, and how it makes the survey's rows visible to the second statement.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import pyarrow as pa

from conflict_assets.source.contract import FoundTypes, check_found, exact_layout
from conflict_assets.source.dialects import Dialect
from conflict_assets.source.layout import SourceLayout
from conflict_assets.source.protocol import LOOK_UP_SCHEMA, ROW_SCHEMA, VisitQuery
from conflict_assets.source.query import duplicates_statement, look_up_statement, rows_statement
from conflict_assets.source.statement import Statement
from conflict_assets.source.survey import Survey
from conflict_assets.source.value_tables import Tables


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

    @abstractmethod
    def survey(self, query: VisitQuery) -> Survey:
        """See `VisitReader`."""

    def read_visits(self, query: VisitQuery, survey: Survey) -> Iterator[pa.RecordBatch]:
        """See `VisitReader`."""
        make = partial(rows_statement, query, survey, self._exact_layout, self.dialect)
        return self._batches(lambda tables: make({**tables, **self._survey_tables(survey)}), ROW_SCHEMA)

    def look_up(self, query: VisitQuery, visit_ids: Sequence[str]) -> pa.Table:
        """See `VisitReader`."""
        make = partial(look_up_statement, query, visit_ids, self._exact_layout, self.dialect)
        return pa.Table.from_batches(self._batches(make, LOOK_UP_SCHEMA), schema=LOOK_UP_SCHEMA)

    @property
    def _exact_layout(self) -> SourceLayout:
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

    @abstractmethod
    def _fetch(self, statement: Statement) -> Sequence[Any]:
        """Run a statement and return all its rows."""

    @abstractmethod
    def _batches(self, make: Callable[[Tables], Statement], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Run the statement that `make` gives and yield its rows in the types of the schema."""
