"""The settings of every session.

They are time-outs, and all that the text of values depends on. A database or a role may have settings of its own
(`ALTER DATABASE ... SET datestyle = 'German, DMY'`). These are meant for people, and not for programs that read what
the server writes. `search_path` is not set here, since it says where the tables are. `default_transaction_read_only` is
not set either: `readiness` reports it.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors

from conflict_assets.store.address import Server
from conflict_assets.store.errors import StoreError


@dataclass(frozen=True)
class Timeouts:
    """The seconds to wait for something.

    `connect` is for a connection, `statement` for a statement, and `lock` for another run of the same prefix.
    """

    connect: int = 10
    statement: int = 600
    lock: int = 120


_FIXED = {
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "client_min_messages": "error",
}
_SINCE = {"idle_in_transaction_session_timeout": 90600, "idle_session_timeout": 140000, "transaction_timeout": 170000}
"""The settings that older servers don't have, with the first version that has them."""


def configure(connection: psycopg.Connection[Any], timeouts: Timeouts, server: Server) -> None:
    """Set a new session to what the store relies on.

    Raises:
        StoreError: the server is too old, or its database is not in UTF-8.
    """
    _refuse_old(connection, server)
    settings = _settings(connection.info.server_version, timeouts)
    row = connection.execute(
        """SELECT current_setting('server_encoding'), current_database(), count(set_config(name, value, false))
           FROM unnest(%s::text[], %s::text[]) AS s (name, value)""",
        [list(settings), list(settings.values())],
    ).fetchone()
    if row and server.is_written and row[0] != "UTF8":
        raise StoreError(
            f"{server.name}'s database {row[1]} is in {row[0]}; allowed: UTF8, since names of people hold any letter. "
            f"Make a new one (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0) and name it in {server.setting}."
        )
    if connection.autocommit:
        _keep_temporary_rows_in_memory(connection)
    else:
        connection.commit()


def _refuse_old(connection: psycopg.Connection[Any], server: Server) -> None:
    if connection.info.server_version < server.oldest:
        found = connection.info.parameter_status("server_version")
        raise StoreError(
            f"{server.name} is PostgreSQL {found}; allowed: {server.oldest // 10_000} or newer. "
            f"Upgrade it, or name a newer server in {server.setting}."
        )


def _settings(version: int, timeouts: Timeouts) -> dict[str, str]:
    limits = {
        "statement_timeout": f"{timeouts.statement}s",
        "lock_timeout": f"{timeouts.lock}s",
        "idle_in_transaction_session_timeout": f"{timeouts.statement}s",
        # The store holds a session while a prefix is computed, and a transaction while its rows are written.
        "idle_session_timeout": "0",
        "transaction_timeout": "0",
    }
    return _FIXED | {name: value for name, value in limits.items() if version >= _SINCE.get(name, 0)}


def _keep_temporary_rows_in_memory(connection: psycopg.Connection[Any]) -> None:
    """Give the temporary rows of a prefix room in memory.

    They are compared with what is stored. A session that a pooler shares may refuse the setting.
    """
    with suppress(errors.InvalidParameterValue):
        connection.execute("SET temp_buffers = '64MB'")
