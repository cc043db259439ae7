"""Replaces what the store holds of one prefix, in one transaction.

Only rows that differ are written.
"""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from conflict_assets.store import replace_statements as statements
from conflict_assets.store.commit import CommitOutcome, PrefixCommit
from conflict_assets.store.copying import copy_table
from conflict_assets.store.incoming import Incoming, incoming_of
from conflict_assets.store.open_columns import keep_columns
from conflict_assets.store.policies import policy_id
from conflict_assets.store.replace_statements import GONE
from conflict_assets.store.resolution import reasons_of
from conflict_assets.store.staging import ChangeCounts, compare, make_stage, refuse_foreign_rows, refuse_stale, stage

PREFIX_LOCK = 0x636F6E70
"""A transaction that changes what is stored of a prefix holds this advisory lock with the prefix's number."""

_RUN_LOCK = 0x636F6E72


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The policy by which the rows were found, and the settled transactions.

    All transactions before `settled` had ended when the rows were compared.
    """

    policy: int
    settled: str


def replace(connection: psycopg.Connection[Any], commit: PrefixCommit) -> CommitOutcome:
    """Bring one prefix to what a run has found.

    The caller owns the transaction.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
        StoreError: a row is not of this prefix.
    """
    started = time.perf_counter()
    refuse_foreign_rows(commit)
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PREFIX_LOCK, int(commit.prefix)])
    refuse_stale(connection, commit)
    incoming = incoming_of(commit)
    judged = Judged(settled=_settled(connection), policy=policy_id(connection, commit.policy))
    tally = ChangeCounts() if _is_stored(connection, commit, incoming) else _write(connection, commit, incoming, judged)
    return _write_down(connection, commit, incoming, tally, judged, started)


def _settled(connection: psycopg.Connection[Any]) -> str:
    """Return the oldest transaction that has not ended.

    What the transactions before it have written is seen from now on.
    """
    row = connection.execute(statements.SETTLED).fetchone()
    return str(row[0]) if row else ""


def _is_stored(connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming) -> bool:
    """Return whether the prefix already holds the very same rows.

    The last commit has found them, and nobody has touched what it stored.
    """
    values = {"prefix": commit.prefix, "first": commit.first_date, "last": commit.last_date}
    row = connection.execute(
        statements.IS_STORED, values | {"digest": incoming.digest, "rows": incoming.rows}
    ).fetchone()
    return bool(row and row[0])


def _write(
    connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming, judged: Judged
) -> ChangeCounts:
    """Write what is not stored yet, or differs from what is."""
    write = _write_first if _is_empty(connection, commit.prefix) else _write_differing
    return write(connection, commit, incoming, judged)


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
    connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming, judged: Judged
) -> ChangeCounts:
    """Compare with what is stored, and write every row that differs."""
    make_stage(connection)
    stage(connection, incoming)
    tally = compare(connection, commit)
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


def _write_down(  # noqa: PLR0917 - all that a commit knows, by its end
    connection: psycopg.Connection[Any],
    commit: PrefixCommit,
    incoming: Incoming,
    tally: ChangeCounts,
    judged: Judged,
    started: float,
) -> CommitOutcome:
    """Write the row of `prefix_runs`.

    Commits of one root run wait for each other here, so that each commit gets its own position.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_RUN_LOCK, commit.root_run_id])
    values = {
        "root": commit.root_run_id,
        "prefix": commit.prefix,
        "as_of": commit.as_of,
        "new_since": commit.new_since,
        "run": commit.run_id,
        "runs": [commit.run_id, *commit.resumed],
        "first": commit.first_date,
        "last": commit.last_date,
        "counted": bool(commit.counts.get("contested", 1)),
        "total": commit.batches_total,
        "conflicts": incoming.conflicts,
        "rows": incoming.rows,
        "new": tally.new,
        "changed": tally.changed,
        "resolved": tally.gone,
        "reopened": tally.reopened,
        "detect": commit.detect_seconds,
        "write": time.perf_counter() - started,
        "counts": Jsonb(dict(commit.counts)),
        "digest": incoming.digest,
        "settled": judged.settled,
        "policy": judged.policy,
    }
    keep_columns(connection, commit.prefix, incoming)
    connection.execute(statements.NO_LONGER_LATEST, values)
    row = connection.execute(statements.WRITE_DOWN, values).fetchone()
    position, new, changed, resolved, reopened, unchanged = row or (0, 0, 0, 0, 0, 0)
    return CommitOutcome(
        position=position,
        conflicts=incoming.conflicts,
        rows=incoming.rows,
        new=new,
        changed=changed,
        resolved=resolved,
        reopened=reopened,
        unchanged=unchanged,
        write_seconds=time.perf_counter() - started,
    )
