"""Replace what the store holds of one prefix, in one transaction: only rows that differ are written."""

import time
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from conflict_assets.store import statements
from conflict_assets.store.commit import CommitOutcome, PrefixCommit
from conflict_assets.store.copying import copy_table
from conflict_assets.store.incoming import Incoming, incoming_of
from conflict_assets.store.resolution import reasons_of
from conflict_assets.store.staging import Tally, compare, make_stage, refuse_stale, refuse_strangers, stage
from conflict_assets.store.statements import CHANGED, GONE, NEW, REGROUPED, REOPENED

PREFIX_LOCK = 0x636F6E70
"""Whoever changes what is stored of a prefix holds this advisory lock with the prefix's number."""

_RUN_LOCK = 0x636F6E72


def replace(connection: psycopg.Connection[Any], commit: PrefixCommit) -> CommitOutcome:
    """Bring one prefix to what a run has found; the caller owns the transaction.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
        StoreError: a row is not of this prefix.
    """
    started = time.perf_counter()
    refuse_strangers(commit)
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PREFIX_LOCK, int(commit.prefix)])
    refuse_stale(connection, commit)
    incoming = incoming_of(commit)
    tally = Tally() if _is_stored(connection, commit, incoming) else _write(connection, commit, incoming)
    return _write_down(connection, commit, incoming, tally, started)


def _is_stored(connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming) -> bool:
    """Whether the last commit found the very same rows, and nobody has touched what it stored."""
    values = {"prefix": commit.prefix, "first": commit.first_date, "last": commit.last_date}
    row = connection.execute(
        statements.IS_STORED, values | {"digest": incoming.digest, "rows": incoming.rows}
    ).fetchone()
    return bool(row and row[0])


def _write(connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming) -> Tally:
    """Write what is not stored yet, or differs from what is."""
    write = _write_first if _is_empty(connection, commit.prefix) else _write_differing
    return write(connection, commit, incoming)


def _is_empty(connection: psycopg.Connection[Any], prefix: str) -> bool:
    """Whether nothing is stored of the prefix: there is nothing to compare with, and nothing to resolve."""
    row = connection.execute(statements.IS_EMPTY, {"prefix": prefix}).fetchone()
    return bool(row and row[0])


def _write_first(connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming) -> Tally:
    """Write all there is, straight into the tables."""
    copy_table(connection, "conflict_visits", incoming.visits, ssn_prefix=commit.prefix)
    copy_table(
        connection,
        "visit_conflicts",
        incoming.conflict_rows,
        ssn_prefix=commit.prefix,
        first_detected_at=pa.scalar(commit.as_of, pa.timestamp("us", "UTC")),
    )
    values = {"prefix": commit.prefix, "as_of": commit.as_of, "run": commit.run_id, "root": commit.root_run_id}
    connection.execute(statements.APPEND_FIRST_EVENTS, values)
    return Tally(new=incoming.conflicts)


def _write_differing(connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming) -> Tally:
    """Compare with what is stored, and write what differs."""
    make_stage(connection)
    stage(connection, incoming)
    connection.execute(statements.WRITE_VISITS, {"prefix": commit.prefix})
    tally = compare(connection, commit)
    if tally.new:
        _insert_new(connection, commit)
    if tally.rewritten:
        _update_changed(connection, commit)
    if tally.new or tally.rewritten:
        _remember(connection, commit)
    if tally.gone:
        _resolve_gone(connection, commit)
    return tally


def _insert_new(connection: psycopg.Connection[Any], commit: PrefixCommit) -> None:
    connection.execute(statements.INSERT_CONFLICTS, {"prefix": commit.prefix, "as_of": commit.as_of, "kind": NEW})


def _update_changed(connection: psycopg.Connection[Any], commit: PrefixCommit) -> None:
    connection.execute(statements.UPDATE_CONFLICTS, {"prefix": commit.prefix, "kinds": [REOPENED, CHANGED, REGROUPED]})


def _remember(connection: psycopg.Connection[Any], commit: PrefixCommit) -> None:
    connection.execute(
        statements.APPEND_EVENTS,
        {
            "prefix": commit.prefix,
            "as_of": commit.as_of,
            "run": commit.run_id,
            "root": commit.root_run_id,
            "events": ["detected", "reopened", "changed"],
        },
    )


def _resolve_gone(connection: psycopg.Connection[Any], commit: PrefixCommit) -> None:
    gone = connection.execute(
        "SELECT DISTINCT ssn, pair_id, low_id, high_id FROM differing WHERE kind = %s", [GONE]
    ).fetchall()
    reasons = reasons_of(commit.sidelined(), [(low, high) for _, _, low, high in gone])
    connection.execute(
        statements.RESOLVE,
        {
            "prefix": commit.prefix,
            "as_of": commit.as_of,
            "run": commit.run_id,
            "root": commit.root_run_id,
            "ssns": [row[0] for row in gone],
            "pairs": [row[1] for row in gone],
            "reasons": reasons,
        },
    )


def _write_down(
    connection: psycopg.Connection[Any], commit: PrefixCommit, incoming: Incoming, tally: Tally, started: float
) -> CommitOutcome:
    """Write the row of `prefix_runs`; commits of one root run take turns here, so that each gets its own position."""
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
    }
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
