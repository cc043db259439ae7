"""Replaces what the store holds of one prefix, in one transaction.

Only rows that differ are written.
"""

import time
from typing import Any

import psycopg
import pyarrow as pa

from conflict_assets.store import replace_statements as statements
from conflict_assets.store.commit import CommitOutcome, PrefixCommit
from conflict_assets.store.commit_record import FoundRows, Judged, lock_prefix, settled_before, stored, write_down
from conflict_assets.store.copying import copy_table
from conflict_assets.store.incoming import Incoming, incoming_of
from conflict_assets.store.open_columns import keep_columns
from conflict_assets.store.policies import policy_id
from conflict_assets.store.replace_statements import GONE
from conflict_assets.store.resolution import reasons_of
from conflict_assets.store.staging import ChangeCounts, compare, make_stage, refuse_foreign_rows, stage


def replace(connection: psycopg.Connection[Any], commit: PrefixCommit) -> CommitOutcome:
    """Bring one prefix to what a run has found.

    The caller owns the transaction.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
        StoreError: a row is not of this prefix.
    """
    started = time.perf_counter()
    refuse_foreign_rows(commit)
    lock_prefix(connection, commit)
    incoming = incoming_of(commit)
    judged = Judged(settled=settled_before(connection), policy=policy_id(connection, commit.policy))
    held = stored(connection, commit, digest=incoming.digest, rows=incoming.rows, policy=judged.policy)
    ssns = commit.basis.ssns if commit.basis and held.is_basis else None
    tally = ChangeCounts() if held.is_digest else _write(connection, commit, incoming, judged, ssns)
    keep_columns(connection, commit.prefix, incoming)
    return write_down(connection, commit, _found_rows(commit, incoming), tally, judged, started)


def _found_rows(commit: PrefixCommit, incoming: Incoming) -> FoundRows:
    """Return what is written down of the rows.

    Where the window has left some out, the content does not stand for the others: in another window they would be more.
    """
    is_whole = incoming.rows == commit.conflicts.num_rows
    return FoundRows(
        conflicts=incoming.conflicts,
        rows=incoming.rows,
        digest=incoming.digest,
        content=commit.content if is_whole else None,
    )


def _write(
    connection: psycopg.Connection[Any],
    commit: PrefixCommit,
    incoming: Incoming,
    judged: Judged,
    ssns: pa.Array | None,
) -> ChangeCounts:
    """Write what is not stored yet, or differs from what is: of all SSNs, or of those that can differ."""
    if _is_empty(connection, commit.prefix):
        return _write_first(connection, commit, incoming, judged)
    return _write_differing(connection, commit, incoming, judged, ssns)


def _is_empty(connection: psycopg.Connection[Any], prefix: str) -> bool:
    """Return whether nothing is stored of the prefix.

    There is then nothing to compare with, and nothing to resolve.
    """
    row = connection.execute(statements.IS_EMPTY, {"prefix": prefix}).fetchone()
    return bool(row and row[0])


def _write_first(
    connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming, judged: Judged
) -> ChangeCounts:
    """Write all rows straight into the tables."""
    copy_table(connection, "conflict_visits", incoming.visits, ssn_prefix=commit.prefix)
    copy_table(
        connection,
        "visit_conflicts",
        incoming.conflict_rows,
        ssn_prefix=commit.prefix,
        first_detected_at=pa.scalar(commit.as_of, pa.timestamp("us", "UTC")),
    )
    # The planner does not know yet how many rows the tables hold. It would take them for few and join row by row.
    connection.execute("SET LOCAL enable_nestloop = off")
    connection.execute(statements.APPEND_FIRST_EVENTS, _event_values(commit, judged))
    connection.execute("SET LOCAL enable_nestloop = on")
    return ChangeCounts(new=incoming.conflicts)


def _write_differing(
    connection: psycopg.Connection[Any],
    commit: PrefixCommit,
    incoming: Incoming,
    judged: Judged,
    ssns: pa.Array | None,
) -> ChangeCounts:
    """Compare with what is stored, and write every row that differs."""
    make_stage(connection)
    stage(connection, incoming if ssns is None else incoming.of_ssns(ssns))
    tally = compare(connection, commit, ssns)
    if tally.gone:
        _resolve_gone(connection, commit, judged)
    connection.execute(statements.WRITE_VISITS, {"prefix": commit.prefix})
    if tally.rows_missing:
        connection.execute(statements.INSERT_CONFLICTS, {"prefix": commit.prefix, "as_of": commit.as_of})
    if tally.rows_differing:
        connection.execute(statements.UPDATE_CONFLICTS, {"prefix": commit.prefix})
    if tally.new or tally.reopened or tally.changed:
        events = {"events": ["detected", "reopened", "changed"]}
        connection.execute(statements.APPEND_EVENTS, _event_values(commit, judged) | events)
    return tally


def _resolve_gone(connection: psycopg.Connection[Any], commit: PrefixCommit, judged: Judged) -> None:
    gone = connection.execute("SELECT ssn, low_id, high_id FROM differing_pairs WHERE kind = %s", [GONE]).fetchall()
    pairs = {
        "ssns": [ssn for ssn, _, _ in gone],
        "lows": [low for _, low, _ in gone],
        "highs": [high for _, _, high in gone],
        "reasons": reasons_of(commit.left_out(), [(low, high) for _, low, high in gone]),
    }
    connection.execute(statements.RESOLVE, _event_values(commit, judged) | pairs)


def _event_values(commit: PrefixCommit, judged: Judged) -> dict[str, Any]:
    """Return the values that all events of a commit share."""
    return {
        "prefix": commit.prefix,
        "as_of": commit.as_of,
        "run": commit.run_id,
        "root": commit.root_run_id,
        "policy": judged.policy,
    }
