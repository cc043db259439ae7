"""Whether this login can make and write to a database.

It is asked before anything is made or written, and an error names the statement that mends it.
"""

from typing import Any

import psycopg

from conflict_assets.store.address import DAGSTER, STORE, Server
from conflict_assets.store.errors import StoreError

_WRITES = {
    "SELECT": (
        *("conflict_states", "conflict_visit_maps", "judged_facts", "detection_policies"),
        *("excluded_agencies", "excluded_ssns", "speed_bands"),
    ),
    "INSERT": (
        *("visit_conflicts", "conflict_visits", "conflict_history"),
        *("detection_policies", "prefix_runs", "open_conflict_columns", "rejected_visits"),
    ),
    "UPDATE": ("visit_conflicts", "conflict_visits", "prefix_runs", "open_conflict_columns"),
    "DELETE": ("rejected_visits",),
}
"""The rights that a night needs on tables and views. A member of `conflicts_writer` has all of them."""


_DAGSTER_WRITES = ("runs", "run_tags", "event_logs", "asset_keys", "kvs", "instigators", "job_ticks")
"""Of Dagster's tables, those that every night writes."""


def require_writable(connection: psycopg.Connection[Any], server: Server = STORE) -> None:
    """Refuse a database that takes no writes.

    This costs nothing, since PostgreSQL says so to each session.

    Raises:
        StoreError: the server is a standby, or the database is set to be read-only.
    """
    state = connection.info.parameter_status
    if state("in_hot_standby") == "on":
        raise StoreError(
            f"{server.name}'s server is a standby, which takes no writes; allowed: the primary. Name the primary in "
            f"{server.setting}, or name both hosts and add target_session_attrs=read-write."
        )
    if state("default_transaction_read_only") == "on":
        database, user = _one(connection, "SELECT quote_ident(current_database()), quote_ident(current_user)")
        raise StoreError(
            f"{server.name} is read-only: default_transaction_read_only is on; allowed: off. Set it off where it was "
            f"set: ALTER DATABASE {database} RESET default_transaction_read_only, ALTER ROLE {user} RESET "
            "default_transaction_read_only, or for the whole server in postgresql.conf."
        )


def require_right_to_make(connection: psycopg.Connection[Any]) -> None:
    """Refuse a login that can't make the store's tables.

    Raises:
        StoreError: there is no schema to make the tables in, or the login may not make any.
    """
    schema, may_make, path, user, database = _one(
        connection,
        """SELECT quote_ident(current_schema()), has_schema_privilege(current_schema(), 'CREATE'),
               current_setting('search_path'), quote_ident(current_user), quote_ident(current_database())""",
    )
    if schema is None:
        names = [name for name in map(str.strip, path.split(",")) if name not in {"", '""', '"$user"'}]
        name = names[0] if names else user
        way = "" if names else f" And let it be looked for: ALTER ROLE {user} SET search_path = {name}."
        raise StoreError(
            f"The store's database {database} has no schema to make tables in: search_path is {path!r}, and no schema "
            f"of it is there for user {user}. Make one: CREATE SCHEMA {name} AUTHORIZATION {user}. Or, if it is there: "
            f"GRANT USAGE, CREATE ON SCHEMA {name} TO {user}.{way}"
        )
    if not may_make:
        raise StoreError(
            f"User {user} may not make the store's tables in schema {schema} of database {database}; since PostgreSQL "
            "15 nobody but the database's owner may unless told so. Let the owner or a superuser do: "
            f"GRANT CREATE ON SCHEMA {schema} TO {user}"
        )


def require_right_to_write(connection: psycopg.Connection[Any]) -> None:
    """Try what a night does to the store, and leave nothing.

    The caller owns the transaction.

    Raises:
        StoreError: the login may not make temporary tables, or may not write the store's tables.
    """
    database, user, may_make = _one(
        connection,
        """SELECT quote_ident(current_database()), quote_ident(current_user),
               has_database_privilege(current_database(), 'TEMPORARY')""",
    )
    if not may_make:
        raise StoreError(
            f"User {user} may not make temporary tables in database {database}, and every night needs some. Let the "
            f"owner or a superuser do: GRANT TEMPORARY ON DATABASE {database} TO {user}"
        )
    connection.execute("CREATE TEMPORARY TABLE tried_by_doctor ON COMMIT DROP AS SELECT 1 AS one")
    wanted = [(right, table) for right, tables in _WRITES.items() for table in tables]
    row = _one(
        connection,
        """SELECT string_agg(right_name || ' on ' || name, ', ' ORDER BY right_name, name)
           FROM unnest(%s::text[], %s::text[]) AS w (right_name, name)
           WHERE NOT has_table_privilege(name, right_name)""",
        [[right for right, _ in wanted], [table for _, table in wanted]],
    )
    if row[0] is not None:
        raise StoreError(
            f"User {user} lacks rights that a night needs: {row[0]}. Let the store's owner do: conflict-assets store "
            f"roles, and GRANT conflicts_writer TO {user}"
        )


def require_right_to_record(connection: psycopg.Connection[Any]) -> None:
    """Refuse a storage of Dagster in which this login can't record a run.

    Its tables may still be missing.

    Raises:
        StoreError: the database takes no writes, or the login lacks rights on Dagster's tables.
    """
    require_writable(connection, DAGSTER)
    tables, user = _one(
        connection,
        """SELECT string_agg(name, ', ' ORDER BY name), quote_ident(current_user)
           FROM unnest(%s::text[]) AS t (name) JOIN pg_class AS c ON c.oid = to_regclass(name)
           WHERE NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
               AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))""",
        [list(_DAGSTER_WRITES)],
    )
    if tables is not None:
        raise StoreError(
            f"{DAGSTER.name} can't be written to: user {user} lacks rights on {tables}. Let {DAGSTER.setting} name the "
            f"user who made them, or let that user do: GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}, and GRANT "
            f"ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"
        )


def _one(connection: psycopg.Connection[Any], query: str, parameters: Any = None) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise AssertionError("unreachable")
    return tuple(row)
