"""Temporary tables that compare a run's rows with what is stored.

Nothing of the store is written. A run's rows of one prefix go into `incoming_conflicts` and `incoming_visits` by COPY.
They are compared once with what is stored. The result is `differing`, which holds a row for each conflict row that is
missing, resolved, different or gone. `differing_pairs` says what happened to the conflicts of these rows.
"""

from dataclasses import dataclass
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.store import replace_statements as statements
from conflict_assets.store.commit import CommitOrigin, PrefixCommit
from conflict_assets.store.copying import copy_table
from conflict_assets.store.errors import StaleSnapshot, StoreError
from conflict_assets.store.incoming import Incoming

ROWS_WORTH_STATISTICS = 2_000


@dataclass(frozen=True)
class ChangeCounts:
    """How many conflicts and rows a commit changes.

    `new`, `reopened`, `changed` and `gone` count conflicts by what happened to them in this commit. `rows_missing`
    counts the rows to insert, and `rows_differing` the rows to rewrite. A row may be written although nothing happened
    to its conflict: its group has changed, or somebody has touched the row.
    """

    new: int = 0
    reopened: int = 0
    changed: int = 0
    gone: int = 0
    rows_missing: int = 0
    rows_differing: int = 0


def refuse_foreign_rows(commit: PrefixCommit) -> None:
    """Refuse foreign rows, before anything is touched.

    Foreign rows are rows of another prefix.

    Raises:
        StoreError: there are foreign rows. The message holds their number.
    """
    for name, table in (("conflicts", commit.conflicts), ("visits", commit.visits)):
        own = pc.sum(pc.starts_with(table["ssn"], commit.prefix)).as_py() or 0
        if own != table.num_rows:
            raise StoreError(
                f"{table.num_rows - own} {name} given for prefix {commit.prefix} belong to other prefixes; "
                "allowed: none. Nothing is written."
            )


def refuse_stale(connection: psycopg.Connection[Any], commit: CommitOrigin) -> None:
    """Refuse a commit when the store holds a newer snapshot of the prefix.

    Raises:
        StaleSnapshot: the stored snapshot is newer. The message holds both times.
    """
    row = connection.execute(
        "SELECT as_of FROM prefix_runs WHERE ssn_prefix = %s AND latest", [commit.prefix]
    ).fetchone()
    if row and row[0] > commit.as_of:
        raise StaleSnapshot(
            f"The snapshot for prefix {commit.prefix} is of {commit.as_of:%Y-%m-%d %H:%M:%S %Z}, and the store holds "
            f"one of {row[0]:%Y-%m-%d %H:%M:%S %Z}. Materialize active_visits again, then visit_conflicts."
        )


def make_stage(connection: psycopg.Connection[Any]) -> None:
    """Make the temporary tables of this connection where they are missing."""
    connection.execute(statements.MAKE_STAGE)


def stage(connection: psycopg.Connection[Any], incoming: Incoming) -> None:
    """Copy a run's rows into the temporary tables."""
    copy_table(connection, "incoming_conflicts", incoming.conflict_rows)
    copy_table(connection, "incoming_visits", incoming.visits)
    if incoming.rows >= ROWS_WORTH_STATISTICS:
        # The planner needs only the keys of a sample. Statistics of every column would cost more than all the rest.
        connection.execute("SET LOCAL default_statistics_target = 10")
        connection.execute("ANALYZE incoming_conflicts (ssn, visit_id, con_visit_id), incoming_visits (ssn, visit_id)")


def compare(connection: psycopg.Connection[Any], commit: PrefixCommit, ssns: pa.Array | None = None) -> ChangeCounts:
    """Fill `differing` and `differing_pairs`, and count them.

    The rows of all SSNs are compared, or those of some to which the others are known to be equal.
    """
    values = {
        "prefix": commit.prefix,
        "first": commit.first_date,
        "last": commit.last_date,
        "ssns": None if ssns is None else ssns.to_pylist(),
    }
    found = connection.execute(statements.COMPARE, values).rowcount
    if not found:
        return ChangeCounts()
    if found >= ROWS_WORTH_STATISTICS:
        connection.execute("ANALYZE differing (ssn, visit_id, con_visit_id, kind)")
    connection.execute(statements.COMPARE_PAIRS)
    return ChangeCounts(*(connection.execute(statements.COUNT_DIFFERING).fetchone() or ()))
