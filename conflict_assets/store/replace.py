"""Replace what the store holds of one prefix, in one transaction: only rows that differ are written.

The rows of a run go into temporary tables by COPY. They are compared with what is stored, once, into `differing`:
a row for each conflict row that is new, reopened, changed, regrouped or gone. Everything else follows from that.
"""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg.types.json import Jsonb

from conflict_assets.domain.reasons import InactiveReason
from conflict_assets.store import statements
from conflict_assets.store.columns import STORED_CONFLICT, STORED_VISIT
from conflict_assets.store.commit import CommitOutcome, PrefixCommit
from conflict_assets.store.copying import copy_table, fitted
from conflict_assets.store.errors import StaleSnapshot, StoreError
from conflict_assets.store.statements import CHANGED, GONE, NEW, REGROUPED, REOPENED

ROWS_WORTH_STATISTICS = 2_000

PREFIX_LOCK = 0x636F6E70
"""Whoever changes what is stored of a prefix holds this advisory lock with the prefix's number."""

_RUN_LOCK = 0x636F6E72
_EXCLUDED = {str(InactiveReason.EXCLUDED_AGENCY), str(InactiveReason.EXCLUDED_SSN)}
_INACTIVE = {str(reason) for reason in InactiveReason}


@dataclass(frozen=True)
class Staged:
    """A run's rows in the window, in the temporary tables."""

    rows: int
    conflicts: int


@dataclass(frozen=True)
class Tally:
    """Conflicts by what happened to them in this commit."""

    new: int = 0
    reopened: int = 0
    changed: int = 0
    regrouped: int = 0
    gone: int = 0

    @property
    def rewritten(self) -> int:
        """Conflicts that are stored and get other values."""
        return self.reopened + self.changed + self.regrouped


def replace(connection: psycopg.Connection[Any], commit: PrefixCommit) -> CommitOutcome:
    """Bring one prefix to what a run has found; the caller owns the transaction.

    Raises:
        StaleSnapshot: the store holds a newer snapshot of the prefix.
        StoreError: a row is not of this prefix.
    """
    started = time.perf_counter()
    _refuse_strangers(commit)
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PREFIX_LOCK, int(commit.prefix)])
    _refuse_stale(connection, commit)
    staged = _stage(connection, commit)
    connection.execute(statements.WRITE_VISITS, {"prefix": commit.prefix})
    tally = _compare(connection, commit)
    if tally.new:
        _insert_new(connection, commit)
    if tally.rewritten:
        _update_changed(connection, commit)
    if tally.new or tally.rewritten:
        _remember(connection, commit)
    if tally.gone:
        _resolve_gone(connection, commit)
    return _write_down(connection, commit, staged, tally, started)


def _refuse_strangers(commit: PrefixCommit) -> None:
    for name, table in (("conflicts", commit.conflicts), ("visits", commit.visits)):
        own = pc.sum(pc.starts_with(table["ssn"], commit.prefix)).as_py() or 0
        if own != table.num_rows:
            raise StoreError(
                f"{table.num_rows - own} {name} given for prefix {commit.prefix} belong to other prefixes; "
                "allowed: none. Nothing is written."
            )


def _refuse_stale(connection: psycopg.Connection[Any], commit: PrefixCommit) -> None:
    row = connection.execute(
        "SELECT as_of FROM prefix_runs WHERE ssn_prefix = %s AND latest", [commit.prefix]
    ).fetchone()
    if row and row[0] > commit.as_of:
        raise StaleSnapshot(
            f"The snapshot for prefix {commit.prefix} is of {commit.as_of:%Y-%m-%d %H:%M:%S %Z}, and the store holds "
            f"one of {row[0]:%Y-%m-%d %H:%M:%S %Z}. Materialize active_visits again, then visit_conflicts."
        )


def _stage(connection: psycopg.Connection[Any], commit: PrefixCommit) -> Staged:
    connection.execute(statements.MAKE_STAGE)
    conflicts = fitted(commit.conflicts, STORED_CONFLICT)
    first, last = pa.scalar(commit.first_date), pa.scalar(commit.last_date)
    for name in ("visit_date", "con_visit_date"):
        column = conflicts[name]
        conflicts = conflicts.filter(pc.and_(pc.greater_equal(column, first), pc.less_equal(column, last)))
    visits = fitted(commit.visits, STORED_VISIT)
    copy_table(connection, "incoming_conflicts", conflicts)
    copy_table(connection, "incoming_visits", visits)
    if conflicts.num_rows >= ROWS_WORTH_STATISTICS:
        # The keys of a sample are all that the planner needs; statistics of every column would cost more than the rest.
        connection.execute("SET LOCAL default_statistics_target = 10")
        connection.execute("ANALYZE incoming_conflicts (ssn, visit_id, con_visit_id), incoming_visits (ssn, visit_id)")
    pairs = conflicts.select(["ssn", "pair_id"]).group_by(["ssn", "pair_id"]).aggregate([])
    return Staged(rows=conflicts.num_rows, conflicts=pairs.num_rows)


def _compare(connection: psycopg.Connection[Any], commit: PrefixCommit) -> Tally:
    values = {"prefix": commit.prefix, "first": commit.first_date, "last": commit.last_date}
    found = connection.execute(statements.COMPARE, values).rowcount
    if not found:
        return Tally()
    if found >= ROWS_WORTH_STATISTICS:
        connection.execute("ANALYZE differing (ssn, visit_id, con_visit_id, kind)")
    rows = connection.execute(
        """SELECT kind, count(*) FROM (SELECT min(kind) AS kind FROM differing GROUP BY ssn, pair_id) AS pairs
           GROUP BY kind"""
    ).fetchall()
    counts = dict(rows)
    return Tally(*(counts.get(kind, 0) for kind in (NEW, REOPENED, CHANGED, REGROUPED, GONE)))


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
    outcomes = _outcomes(commit.sidelined, {visit for _, _, low, high in gone for visit in (low, high)})
    reasons = [_reason(outcomes.get(low, set()) | outcomes.get(high, set())) for _, _, low, high in gone]
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


def _outcomes(sidelined: pa.Table, visits: set[str]) -> dict[str, set[str]]:
    """Why each of these visits is out, for those that are; one id may belong to two SSNs."""
    ids = sidelined["visit_id"].cast(pa.string())
    table = sidelined.filter(pc.is_in(ids, pa.array(sorted(visits), pa.string())))
    found: dict[str, set[str]] = {}
    for visit, outcome in zip(table["visit_id"].to_pylist(), table["outcome"].to_pylist(), strict=True):
        found.setdefault(visit, set()).add(outcome)
    return found


def _reason(outcomes: set[str]) -> str:
    if outcomes & _EXCLUDED:
        return "excluded"
    return "inactive" if outcomes & _INACTIVE else "gone"


def _write_down(
    connection: psycopg.Connection[Any], commit: PrefixCommit, staged: Staged, tally: Tally, started: float
) -> CommitOutcome:
    """Write the row of `prefix_runs`; commits of one root run take turns here, so that each gets its own position."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_RUN_LOCK, commit.root_run_id])
    values = {
        "root": commit.root_run_id,
        "prefix": commit.prefix,
        "as_of": commit.as_of,
        "run": commit.run_id,
        "first": commit.first_date,
        "last": commit.last_date,
        "counted": bool(commit.counts.get("contested", 1)),
        "total": commit.batches_total,
        "conflicts": staged.conflicts,
        "rows": staged.rows,
        "new": tally.new,
        "changed": tally.changed,
        "resolved": tally.gone,
        "reopened": tally.reopened,
        "detect": commit.detect_seconds,
        "write": time.perf_counter() - started,
        "counts": Jsonb(dict(commit.counts)),
    }
    connection.execute(statements.NO_LONGER_LATEST, values)
    row = connection.execute(statements.WRITE_DOWN, values).fetchone()
    position, new, changed, resolved, reopened, unchanged = row or (0, 0, 0, 0, 0, 0)
    return CommitOutcome(
        position=position,
        conflicts=staged.conflicts,
        rows=staged.rows,
        new=new,
        changed=changed,
        resolved=resolved,
        reopened=reopened,
        unchanged=unchanged,
        write_seconds=time.perf_counter() - started,
    )
