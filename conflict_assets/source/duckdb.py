"""The embedded source: a DuckDB file that holds the warehouse's tables."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from conflict_assets.source.descriptions import described_file
from conflict_assets.source.layout import SourceLayout
from conflict_assets.source.protocol import (
    BATCH_ROWS,
    CELL_SCHEMA,
    SESSION_ZONE,
    SURVEY_SCHEMA,
    SourceError,
    VisitQuery,
)
from conflict_assets.source.query import SURVEY_TABLE, cells_statement, survey_statement
from conflict_assets.source.sql_reader import SQLVisitReader
from conflict_assets.source.statement import Statement
from conflict_assets.source.survey import Survey
from conflict_assets.source.typed_batches import typed_batch
from conflict_assets.source.value_tables import NO_TABLES, Tables

MOST_THREADS = 4
KEPT_TABLE = "conflict_assets_changed"
LEAST_MEGABYTES, MEGABYTES, MEGABYTES_A_THREAD = 448, 256, 96
"""Each thread works in memory of its own: with 448 MB two can read 60 million visits, and four not even 10 million."""


class DuckDBVisitSource:
    """Visits in a DuckDB file, opened read-only.

    Its memory is bounded, and what does not fit goes to temporary files. Without a `memory_limit` it may use 448 MB
    with two threads, and 640 MB with four.
    """

    def __init__(
        self,
        path: Path,
        *,
        schema: str = "BI",
        time_zone: str = "America/New_York",
        status_column: str | None = "Visit Status",
        memory_limit: str | None = None,
        threads: int = MOST_THREADS,
        temp_directory: Path | None = None,
    ) -> None:
        self.path = Path(path)
        self._layout = SourceLayout(schema=schema, time_zone=time_zone, status_column=status_column)
        self._threads = min(threads, os.cpu_count() or 1)
        self._memory_limit = memory_limit or _usual_memory(self._threads)
        self._temp_directory = temp_directory

    @property
    def description(self) -> str:
        """The file and the schema in it."""
        return described_file(self.path, self._layout.schema)

    @contextmanager
    def open(self, *, run_id: str) -> Iterator["DuckDBVisitReader"]:  # noqa: ARG002 - nobody else sees this warehouse
        """Open the file for one run.

        Raises:
            SourceError: there is no such file, or DuckDB can't read it.
        """
        if not self.path.is_file():
            raise SourceError(
                f"The source file {self.path} does not exist. Set SOURCE_FILE to a DuckDB file with the visits, "
                "make one with `conflict-assets generate`, or set SNOWFLAKE_ACCOUNT to read Snowflake."
            )
        with TemporaryDirectory(prefix="conflict_assets_source_", dir=self._temp_directory) as spill:
            connection = self._connect(spill)
            try:
                yield DuckDBVisitReader(connection, self._layout)
            finally:
                connection.close()

    def _connect(self, spill: str) -> duckdb.DuckDBPyConnection:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self._memory_limit,
            "temp_directory": spill,
            "preserve_insertion_order": "false",
            "threads": self._threads,
            # All that the statements need is built in: nothing is fetched from anywhere.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            connection = duckdb.connect(str(self.path), read_only=True, config=config)
            connection.execute(f"SET TimeZone = '{SESSION_ZONE}'")
            connection.execute("SET enable_progress_bar = false")
        except (duckdb.Error, OSError) as error:
            raise SourceError(
                f"DuckDB can't open {self.path}: {_said(error)}. Set SOURCE_FILE to a DuckDB database, "
                "and close any program that writes to it."
            ) from None
        return connection


def _usual_memory(threads: int) -> str:
    return f"{max(LEAST_MEGABYTES, MEGABYTES + MEGABYTES_A_THREAD * threads)}MB"


class DuckDBVisitReader(SQLVisitReader):
    """One connection to the file, as a `VisitReader`."""

    dialect = "duckdb"

    def __init__(self, connection: duckdb.DuckDBPyConnection, layout: SourceLayout) -> None:
        super().__init__(layout)
        self._connection = connection

    @property
    def engine(self) -> str:
        """See `VisitReader`."""
        return f"DuckDB {duckdb.__version__}"

    def cells(self, query: VisitQuery, known: pa.Table | None = None) -> pa.Table:  # noqa: ARG002 - nothing travels
        """See `VisitReader`."""
        return self._table(partial(cells_statement, query, self.layout, self.dialect), CELL_SCHEMA)

    def survey(self, query: VisitQuery, kept: str | None = None) -> Survey:
        """See `VisitReader`."""
        make = partial(survey_statement, query, self.layout, self.dialect)
        places = self._fact_tables(kept)
        return Survey.of(self._batches(lambda tables: make({**tables, **places}), SURVEY_SCHEMA), query)

    @property
    def _where(self) -> str:
        return f"DuckDB, schema {self._layout.schema}; settings SOURCE_FILE and SOURCE_SCHEMA"

    def _declared_types(self) -> list[tuple[str, str, str]]:
        with _translated():
            return self._connection.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns "
                "WHERE lower(table_schema) = lower(?) AND table_catalog = current_database()",
                [self._layout.schema],
            ).fetchall()

    def _survey_tables(self, survey: Survey) -> Tables:
        self._connection.register(SURVEY_TABLE, survey.pointers)
        return NO_TABLES

    def _keep(self, make: Callable[[Tables], Statement]) -> str:
        statement = make(NO_TABLES)
        with _translated():
            # In memory, or in the folder for what does not fit: the file itself is opened read-only.
            sql = f"CREATE OR REPLACE TEMPORARY TABLE {KEPT_TABLE} AS {statement.sql}"
            self._connection.execute(sql, dict(statement.named))
        return KEPT_TABLE

    def _kept_table(self, kept: str) -> exp.Expr:
        return exp.to_table(kept)

    def _fetch(self, statement: Statement) -> list[Any]:
        with _translated():
            return self._connection.execute(statement.sql, dict(statement.named)).fetchall()

    def _batches(self, make: Callable[[Tables], Statement], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with _translated():
            statement = make(NO_TABLES)
            # A relation streams, while the result of `execute` holds a second copy of all rows.
            relation = self._connection.sql(statement.sql, params=dict(statement.named))
            with relation.to_arrow_reader(BATCH_ROWS) as reader:
                for batch in reader:
                    yield typed_batch(batch, schema)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what DuckDB and Arrow raise as `SourceError`, in one line."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise SourceError(
            "DuckDB could not read the visits within its memory; nothing was kept of them. Raise SOURCE_MEMORY."
        ) from None
    except (duckdb.Error, pa.ArrowException) as error:
        raise SourceError(
            f"DuckDB could not read the visits: {_said(error)}. Nothing was kept of them. "
            "See that the file of SOURCE_FILE is whole, and that its views find their tables."
        ) from None


def _said(error: Exception) -> str:
    """Return the first line of an error's text.

    Other lines show the statement, or where in DuckDB the error happened.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:! ")
