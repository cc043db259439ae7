"""The row of `prefix_runs` that each commit of a prefix writes, and the locks under which it does so."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from conflict_assets.store import replace_statements as statements
from conflict_assets.store.commit import CommitOrigin, CommitOutcome
from conflict_assets.store.staging import ChangeCounts, refuse_stale

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


@dataclass(frozen=True, kw_only=True)
class FoundRows:
    """What a commit leaves of its rows in `prefix_runs`.

    `content` stands for all of them, or is None.
    """

    conflicts: int
    rows: int
    digest: str
    content: str | None


def lock_prefix(connection: psycopg.Connection[Any], commit: CommitOrigin) -> None:
    """Keep other transactions from the prefix until the caller's ends.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PREFIX_LOCK, int(commit.prefix)])
    refuse_stale(connection, commit)


def try_lock_prefix(connection: psycopg.Connection[Any], commit: CommitOrigin) -> bool:
    """Keep other transactions from the prefix, or return False if one of them is at work on it.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
    """
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [PREFIX_LOCK, int(commit.prefix)]).fetchone()
    if not (row and row[0]):
        return False
    refuse_stale(connection, commit)
    return True


def settled_before(connection: psycopg.Connection[Any]) -> str:
    """Return the oldest transaction that has not ended.

    What the transactions before it have written is seen from now on.
    """
    row = connection.execute(statements.SETTLED).fetchone()
    return str(row[0]) if row else ""


@dataclass(frozen=True)
class Stored:
    """What the prefix holds already, in the commit's window: the very rows of a digest, or those of the basis.

    The last commit has found them, and nobody has touched what it stored.
    """

    is_digest: bool
    is_basis: bool


def stored(connection: psycopg.Connection[Any], commit: CommitOrigin, *, digest: str, rows: int, policy: int) -> Stored:
    """Compare what the prefix holds with so many rows of a digest, and with the basis of the commit."""
    values = {"prefix": commit.prefix, "first": commit.first_date, "last": commit.last_date}
    asked = {"digest": digest, "rows": rows, "policy": policy, "basis": commit.basis.content if commit.basis else None}
    row = connection.execute(statements.STORED, values | asked).fetchone() or (False, False)
    return Stored(*map(bool, row))


def write_down(  # noqa: PLR0917 - all that a commit knows, by its end
    connection: psycopg.Connection[Any],
    commit: CommitOrigin,
    found: FoundRows,
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
        "conflicts": found.conflicts,
        "rows": found.rows,
        "new": tally.new,
        "changed": tally.changed,
        "resolved": tally.gone,
        "reopened": tally.reopened,
        "detect": commit.detect_seconds,
        "write": time.perf_counter() - started,
        "counts": Jsonb(dict(commit.counts)),
        "digest": found.digest,
        "content": found.content,
        "settled": judged.settled,
        "policy": judged.policy,
    }
    connection.execute(statements.NO_LONGER_LATEST, values)
    row = connection.execute(statements.WRITE_DOWN, values).fetchone()
    position, new, changed, resolved, reopened, unchanged = row or (0, 0, 0, 0, 0, 0)
    return CommitOutcome(
        position=position,
        conflicts=found.conflicts,
        rows=found.rows,
        new=new,
        changed=changed,
        resolved=resolved,
        reopened=reopened,
        unchanged=unchanged,
        write_seconds=time.perf_counter() - started,
    )
