"""The warehouse in production: Snowflake, through Dagster's resource and the real connector."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from dagster_snowflake import SnowflakeResource
from snowflake.connector import errors

from conflict_assets.source.contract import FoundTypes, check_found, zoneless_columns
from conflict_assets.source.protocol import COUNT_SCHEMA, ROW_SCHEMA, PassingSourceError, SourceError, VisitQuery
from conflict_assets.source.query import (
    SourceLayout,
    Statement,
    Text,
    duplicates_statement,
    identifier,
    visit_statement,
)
from conflict_assets.source.typed import typed_batch

LOGIN_SECONDS = 60
NETWORK_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class SnowflakeLogin:
    """How to reach the account. Secrets are left out of the representation by `SnowflakeVisitSource`."""

    account: str
    user: str
    password: str | None = None
    private_key: str | None = None
    private_key_path: Path | None = None
    private_key_password: str | None = None
    authenticator: str | None = None
    token: str | None = None
    role: str | None = None
    warehouse: str | None = None


class SnowflakeVisitSource:
    """Visits in a Snowflake schema; nothing is ever written there."""

    def __init__(
        self,
        login: SnowflakeLogin,
        *,
        database: str = "ANALYTICS",
        schema: str = "BI",
        time_zone: str = "America/New_York",
        status_column: str | None = "Visit Status",
        statement_seconds: int = 3600,
        connection_arguments: dict[str, Any] | None = None,
    ) -> None:
        self._login = login
        self._layout = SourceLayout(database=database, schema=schema, time_zone=time_zone, status_column=status_column)
        self._statement_seconds = statement_seconds
        self._connection_arguments = connection_arguments or {}

    @property
    def description(self) -> str:
        """Account, database and schema; no secret."""
        return f"Snowflake account {self._login.account}, schema {self._layout.database}.{self._layout.schema}"

    @contextmanager
    def open(self, *, run_id: str) -> Iterator["SnowflakeVisitReader"]:
        """Open one session in UTC, tagged with the run, closed in every case.

        Raises:
            PassingSourceError: the account can't be reached now.
            SourceError: it refuses the login.
        """
        with _translated("log in"):
            # Not the resource's own context manager: that one leaves the session open when the block fails.
            connection = self._resource(run_id).get_connection().__enter__()
        with closing(connection):
            yield SnowflakeVisitReader(connection, self._layout)

    def _resource(self, run_id: str) -> SnowflakeResource:
        login = self._login
        extra = {
            **self._connection_arguments,
            "session_parameters": {
                "QUERY_TAG": f"conflict_assets {run_id}",
                "TIMEZONE": "UTC",
                "STATEMENT_TIMEOUT_IN_SECONDS": self._statement_seconds,
            },
        }
        if login.token is not None:
            extra["token"] = login.token
        given: dict[str, Any] = {
            "password": login.password,
            "private_key": login.private_key,
            "private_key_path": str(login.private_key_path) if login.private_key_path else None,
            "private_key_password": login.private_key_password,
            "authenticator": login.authenticator,
            "role": login.role,
            "warehouse": login.warehouse,
        }
        return SnowflakeResource(
            account=login.account,
            user=login.user,
            database=self._layout.database,
            schema=self._layout.schema,
            login_timeout=LOGIN_SECONDS,
            network_timeout=NETWORK_SECONDS,
            paramstyle="numeric",
            additional_snowflake_connection_args=extra,
            **{name: value for name, value in given.items() if value is not None},
        )


class SnowflakeVisitReader:
    """One session; see `VisitReader`."""

    def __init__(self, connection: Any, layout: SourceLayout) -> None:
        self._connection = connection
        self._layout = layout

    def check_contract(self) -> None:
        """See `VisitReader`."""
        where = f"Snowflake, {self._layout.database}.{self._layout.schema}; SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"
        check_found(self._found, self._layout, where=where)

    def dimension_duplicates(self) -> dict[str, int]:
        """See `VisitReader`."""
        rows = self._fetch(duplicates_statement(self._layout, "snowflake"), lambda cursor: cursor.fetchall())
        return {view: int(keys) for view, keys in rows}

    def count_visits(self, query: VisitQuery) -> pa.Table:
        """See `VisitReader`."""
        return pa.Table.from_batches(self._batches("visit_counts", query, COUNT_SCHEMA), schema=COUNT_SCHEMA)

    def read_visits(self, query: VisitQuery) -> Iterator[pa.RecordBatch]:
        """See `VisitReader`."""
        return self._batches("active_visits", query, ROW_SCHEMA)

    @cached_property
    def _found(self) -> FoundTypes:
        database = identifier(self._layout.database or "", setting="SNOWFLAKE_DATABASE").sql(dialect="snowflake")
        statement = Statement(
            f"SELECT table_name, column_name, data_type FROM {database}.INFORMATION_SCHEMA.COLUMNS "  # noqa: S608 - quoted
            "WHERE UPPER(table_schema) = UPPER(:1)",
            {"schema": self._layout.schema},
        )
        rows = self._fetch(statement, lambda cursor: cursor.fetchall())
        return {(view.upper(), column): declared for view, column, declared in rows}

    def _fetch(self, statement: Statement, take: Callable[[Any], Any]) -> Any:
        with _translated("answer"), closing(self._connection.cursor()) as cursor:
            cursor.execute(statement.sql, statement.positional)
            return take(cursor)

    def _batches(self, text: Text, query: VisitQuery, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        layout = replace(self._layout, zoneless=zoneless_columns(self._found))
        statement = visit_statement(text, query, layout, "snowflake")
        with _translated("give the visits"), closing(self._connection.cursor()) as cursor:
            cursor.execute(statement.sql, statement.positional)
            for table in cursor.fetch_arrow_batches():
                for batch in table.to_batches():
                    yield typed_batch(batch, schema)


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn the connector's errors into ours: a lost or busy connection may pass, everything else does not."""
    try:
        yield
    except (errors.OperationalError, errors.InterfaceError) as error:
        raise PassingSourceError(
            f"Snowflake did not {doing} ({error.errno}: {error.raw_msg}). It is tried again; if it goes on, look at "
            "the network, SNOWFLAKE_ACCOUNT and SNOWFLAKE_WAREHOUSE."
        ) from None
    except (errors.Error, pa.ArrowException) as error:
        raise SourceError(
            f"Snowflake did not {doing}: {error}. Check SNOWFLAKE_USER, its secret, SNOWFLAKE_ROLE and what the role "
            "may read; `conflict-assets doctor` looks at all of it."
        ) from None
