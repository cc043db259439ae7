"""The warehouse in production: Snowflake, through Dagster's resource and the real connector."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from dagster_snowflake import SnowflakeResource
from sqlglot import exp

from conflict_assets.source.cells import cells_outside, coarse_cells, differing_cells
from conflict_assets.source.descriptions import described_snowflake
from conflict_assets.source.layout import SourceLayout, identifier
from conflict_assets.source.protocol import (
    BATCH_ROWS,
    CELL_SCHEMA,
    SESSION_ZONE,
    SURVEY_SCHEMA,
    SourceError,
    VisitQuery,
)
from conflict_assets.source.query import (
    all_cells_statement,
    cells_statement,
    coarse_cells_statement,
    finer_cells_statement,
    survey_statement,
)
from conflict_assets.source.result_tables import ResultTables, execute, fitting, result_tables
from conflict_assets.source.snowflake_errors import translated
from conflict_assets.source.sql_reader import SQLVisitReader
from conflict_assets.source.statement import Statement
from conflict_assets.source.survey import Survey
from conflict_assets.source.typed_batches import typed_batch
from conflict_assets.source.value_tables import Tables

LOGIN_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class SnowflakeLogin:
    """How to reach the Snowflake account.

    It is reached by a password, a private key (PEM, also in base64), or an authenticator. `url` is where the account
    answers when that is not its usual address (a private link, a proxy).
    """

    account: str
    user: str
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    private_key_path: Path | None = None
    private_key_password: str | None = field(default=None, repr=False)
    authenticator: str | None = None
    token: str | None = field(default=None, repr=False)
    role: str | None = None
    warehouse: str | None = None
    url: str | None = None

    @property
    def address(self) -> dict[str, Any]:
        """Protocol, host and port of `url`, as the connector wants them.

        Without a `url` the result is empty.
        """
        if self.url is None:
            return {}
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return {"protocol": parts.scheme, "host": parts.hostname, "port": port}

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that Dagster's resource takes from the login."""
        given = {
            "account": self.account,
            "user": self.user,
            "password": self.password,
            "private_key": self.private_key,
            "private_key_path": str(self.private_key_path) if self.private_key_path else None,
            "private_key_password": self.private_key_password,
            "authenticator": self.authenticator,
            "role": self.role,
            "warehouse": self.warehouse,
        }
        return {name: value for name, value in given.items() if value is not None}


class SnowflakeVisitSource:
    """Visits in a Snowflake schema.

    Nothing is ever written there.
    """

    def __init__(
        self,
        login: SnowflakeLogin,
        *,
        database: str = "ANALYTICS",
        schema: str = "BI",
        time_zone: str = "America/New_York",
        status_column: str | None = "Visit Status",
        statement_seconds: int = 3600,
        network_seconds: int = 600,
    ) -> None:
        self._login = login
        self._layout = SourceLayout(database=database, schema=schema, time_zone=time_zone, status_column=status_column)
        self._statement_seconds = statement_seconds
        self._network_seconds = network_seconds

    @property
    def description(self) -> str:
        """Account, database and schema, without a secret."""
        return described_snowflake(self._login.account, self._layout.database, self._layout.schema)

    @contextmanager
    def open(self, *, run_id: str) -> Iterator["SnowflakeVisitReader"]:
        """Open one session in UTC, tagged with the run.

        The session is closed in every case.

        Raises:
            TransientSourceError: the account can't be reached now.
            SourceError: it refuses the login.
        """
        with translated("log in"):
            connection = self._connect(run_id)
        with closing(connection):
            yield SnowflakeVisitReader(connection, self._layout)

    def _connect(self, run_id: str) -> Any:
        try:
            # Not the resource's own context manager: that one leaves the session open when the block fails.
            return self._resource(run_id).get_connection().__enter__()
        except (ValueError, TypeError, OSError) as error:
            # Only reading the key fails in this way, since the connector has its own errors.
            reason = error.strerror if isinstance(error, OSError) else "wrong or missing passphrase, or no PEM key"
            raise SourceError(
                f"Snowflake's private key can't be read ({reason}); allowed: a PEM file in SNOWFLAKE_PRIVATE_KEY_PATH, "
                "or a PEM key, also in base64, in SNOWFLAKE_PRIVATE_KEY, with its SNOWFLAKE_PRIVATE_KEY_PASSWORD if it "
                "is encrypted."
            ) from None

    def _resource(self, run_id: str) -> SnowflakeResource:
        extra = {
            **self._login.address,
            "session_parameters": {
                "QUERY_TAG": f"conflict_assets {run_id}",
                "TIMEZONE": SESSION_ZONE,
                "STATEMENT_TIMEOUT_IN_SECONDS": self._statement_seconds,
            },
        }
        if self._login.token is not None:
            extra["token"] = self._login.token
        return SnowflakeResource(
            **self._login.arguments,
            database=self._layout.database,
            schema=self._layout.schema,
            login_timeout=min(LOGIN_SECONDS, self._network_seconds),
            network_timeout=self._network_seconds,
            paramstyle="numeric",
            additional_snowflake_connection_args=extra,
        )


class SnowflakeVisitReader(SQLVisitReader):
    """One session, as a `VisitReader`."""

    dialect = "snowflake"

    def __init__(self, connection: Any, layout: SourceLayout) -> None:
        super().__init__(layout)
        self._connection = connection

    @property
    def engine(self) -> str:
        """See `VisitReader`. Another hash function would differ in every cell, which is noticed by itself."""
        return "Snowflake"

    def cells(self, query: VisitQuery, known: pa.Table | None = None) -> pa.Table:
        """See `VisitReader`.

        The cells stay in the warehouse. Coarse cells are fetched, and of those that differ the finer ones.
        """
        kept = self._kept_table(self._keep(partial(cells_statement, query, self.layout, self.dialect)))
        if known is None:
            return self._table(lambda _: all_cells_statement(self.layout, self.dialect, kept), CELL_SCHEMA)
        coarse = self._table(lambda _: coarse_cells_statement(self.layout, self.dialect, kept), CELL_SCHEMA)
        differing = differing_cells(coarse_cells(known), coarse)
        make = partial(finer_cells_statement, differing.tolist(), self.layout, self.dialect, kept)
        return pa.concat_tables([cells_outside(known, differing), self._table(make, CELL_SCHEMA)])

    def survey(self, query: VisitQuery, kept: str | None = None) -> Survey:
        """See `VisitReader`."""
        make = partial(survey_statement, query, self.layout, self.dialect)
        places = self._fact_tables(kept)
        with translated("answer"), closing(self._connection.cursor()) as cursor:
            statement = fitting(lambda tables: make({**tables, **places}), cursor, lambda: self._results)
            result_id = self._results.keep(cursor, statement)
            return Survey.of(_batches_of(cursor, SURVEY_SCHEMA), query, result_id)

    @property
    def _where(self) -> str:
        return f"Snowflake, {self._layout.database}.{self._layout.schema}; SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"

    def _declared_types(self) -> Iterable[tuple[str, str, str]]:
        database = identifier(self._layout.database or "", setting="SNOWFLAKE_DATABASE").sql(dialect="snowflake")
        statement = Statement(
            f"SELECT table_name, column_name, data_type FROM {database}.INFORMATION_SCHEMA.COLUMNS "  # noqa: S608 - quoted
            "WHERE UPPER(table_schema) = UPPER(:1)",
            {"schema": self._layout.schema},
        )
        return self._fetch(statement)

    @cached_property
    def _results(self) -> ResultTables:
        """How results stay in this warehouse."""
        with translated("answer"), closing(self._connection.cursor()) as cursor:
            return result_tables(cursor)

    def _survey_tables(self, survey: Survey) -> Tables:
        return {"survey": self._results.table(survey.result_id)}

    def _keep(self, make: Callable[[Tables], Statement]) -> str:
        with translated("answer"), closing(self._connection.cursor()) as cursor:
            return self._results.keep(cursor, fitting(make, cursor, lambda: self._results))

    def _kept_table(self, kept: str) -> exp.Expr:
        return self._results.table(kept)

    def _fetch(self, statement: Statement) -> list[Any]:
        with translated("answer"), closing(self._connection.cursor()) as cursor:
            execute(cursor, statement)
            rows: list[Any] = cursor.fetchall()
            return rows

    def _batches(self, make: Callable[[Tables], Statement], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with translated("give the visits"), closing(self._connection.cursor()) as cursor:
            execute(cursor, fitting(make, cursor, lambda: self._results))
            yield from _batches_of(cursor, schema)


def _batches_of(cursor: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for table in cursor.fetch_arrow_batches():
        for batch in table.to_batches(max_chunksize=BATCH_ROWS):
            yield typed_batch(batch, schema)
