"""What the store removes when it is old enough.

Decisions and open conflicts stay, whatever their age. A conflict is removed with its events, and a visit with its last
conflict, so that no SSN is stored for longer than it is needed.
"""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from conflict_assets.store.commit_record import PREFIX_LOCK
from conflict_assets.store.errors import StoreError


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How many days rows stay."""

    rejected_visits: int
    closed_conflicts: int
    """The days count from when a conflict was resolved, or left the window."""
    history: int
    prefix_runs: int


@dataclass(frozen=True, kw_only=True)
class Purged:
    """How many rows were removed.

    A conflict counts once for both of its rows.
    """

    conflicts: int = 0
    visits: int = 0
    events: int = 0
    prefix_runs: int = 0
    rejected_visits: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(
            conflicts=self.conflicts + other.conflicts,
            visits=self.visits + other.visits,
            events=self.events + other.events,
            prefix_runs=self.prefix_runs + other.prefix_runs,
            rejected_visits=self.rejected_visits + other.rejected_visits,
        )

    def __bool__(self) -> bool:
        return any(astuple(self))


_MAKE_LIST = """
    CREATE TEMPORARY TABLE IF NOT EXISTS purged_conflicts (ssn text, pair_id text) ON COMMIT DELETE ROWS"""

_CLOSED = """
    WITH gone AS (
        DELETE FROM visit_conflicts AS c USING prefix_runs AS r
        WHERE c.ssn_prefix = %(prefix)s AND r.ssn_prefix = %(prefix)s AND r.latest
            AND (c.resolved_at < %(closed_before)s
                OR (c.resolved_at IS NULL
                    AND least(c.visit_date, c.con_visit_date) < r.first_date - %(closed_days)s))
            AND NOT EXISTS (SELECT FROM holding_decisions AS d WHERE d.pair_id = c.pair_id)
        RETURNING c.ssn, c.pair_id
    )
    INSERT INTO purged_conflicts SELECT * FROM gone"""

_THEIR_EVENTS = """
    DELETE FROM conflict_history AS h USING purged_conflicts AS p
    WHERE h.pair_id = p.pair_id AND h.ssn_prefix = %(prefix)s AND h.ssn = p.ssn
        AND h.event <> 'decided'"""

_PERSONAL = ("ssn", "ssn_prefix", "latitude", "longitude", "zip_code", "con_latitude", "con_longitude", "con_zip_code")
"""Columns of an event that say who the caregiver is, and where clients live."""

# What people decided stays on record, without the personal data.
_THEIR_DECISIONS = f"""
    UPDATE conflict_history AS h SET {", ".join(f"{name} = NULL" for name in _PERSONAL)}
    FROM purged_conflicts AS p
    WHERE h.pair_id = p.pair_id AND h.ssn_prefix = %(prefix)s AND h.ssn = p.ssn"""  # noqa: S608 - constants

_VISITS = """
    DELETE FROM conflict_visits AS v
    WHERE v.ssn_prefix = %(prefix)s AND NOT EXISTS (
        SELECT FROM visit_conflicts AS c
        WHERE c.ssn_prefix = %(prefix)s AND c.ssn = v.ssn AND v.visit_id IN (c.visit_id, c.con_visit_id))"""

# A run that says when a stored conflict was last detected stays with it. The two runs that the checks compare stay too.
_RUNS = """
    DELETE FROM prefix_runs AS p
    WHERE p.ssn_prefix = %(prefix)s AND p.as_of < %(runs_before)s AND NOT p.latest
        AND p.as_of < (SELECT min(n.as_of) FROM (SELECT as_of FROM prefix_runs WHERE ssn_prefix = %(prefix)s
                       ORDER BY latest DESC, as_of DESC LIMIT 2) AS n)
        AND p.as_of NOT IN (SELECT s.last_detected_at FROM all_conflict_states AS s
                            WHERE s.ssn_prefix = %(prefix)s AND s.last_detected_at < %(runs_before)s)"""

_EVENTS = """
    DELETE FROM conflict_history AS h
    WHERE h.happened_at < %(history_before)s AND h.event <> 'decided'
        AND NOT EXISTS (SELECT FROM holding_decisions AS d WHERE d.pair_id = h.pair_id)
        AND NOT EXISTS (
            SELECT FROM visit_conflicts AS c
            JOIN prefix_runs AS r ON r.ssn_prefix = c.ssn_prefix AND r.latest
            WHERE c.pair_id = h.pair_id AND c.ssn_prefix = h.ssn_prefix AND c.ssn = h.ssn
                AND c.resolved_at IS NULL AND least(c.visit_date, c.con_visit_date) >= r.first_date)"""

# A row keeps the time at which it was first seen, and is of today as long as its prefix is read.
_REJECTED = """
    DELETE FROM rejected_visits AS v
    WHERE v.as_of < %(rejected_before)s
        AND NOT EXISTS (
            SELECT FROM prefix_runs AS r
            WHERE r.latest AND r.as_of >= %(rejected_before)s
                AND (r.ssn_prefix = v.ssn_prefix OR v.ssn_prefix IS NULL))"""

_TABLES = ("visit_conflicts", "conflict_visits", "conflict_history", "prefix_runs")


def purge_prefix(connection: psycopg.Connection[Any], prefix: str, keep: Retention, *, now: datetime) -> Purged:
    """Purge conflicts, visits and runs of a prefix.

    The caller owns the transaction. The purge and overlapping runs of the prefix wait for each other.
    """
    values = _values(keep, now) | {"prefix": prefix}
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PREFIX_LOCK, int(prefix)])
    connection.execute(_MAKE_LIST)
    rows = connection.execute(_CLOSED, values).rowcount
    events = connection.execute(_THEIR_EVENTS, values).rowcount if rows else 0
    if rows:
        connection.execute(_THEIR_DECISIONS, values)
    return Purged(
        conflicts=(rows + 1) // 2,
        events=events,
        visits=connection.execute(_VISITS, values).rowcount,
        prefix_runs=connection.execute(_RUNS, values).rowcount,
    )


def purge_lists(connection: psycopg.Connection[Any], keep: Retention, *, now: datetime) -> Purged:
    """Purge what is removed by age alone, over all prefixes.

    This removes events and rejected visits. The caller owns the transaction.
    """
    values = _values(keep, now)
    return Purged(
        events=connection.execute(_EVENTS, values).rowcount,
        rejected_visits=connection.execute(_REJECTED, values).rowcount,
    )


def require_right_to_purge(connection: psycopg.Connection[Any]) -> None:
    """Refuse a login that may not delete, before anything is removed.

    Raises:
        StoreError: the login may not delete. The message holds the statement that gives the right.
    """
    row = connection.execute(
        """SELECT current_user, bool_and(has_table_privilege(t, 'DELETE'))
               AND (SELECT bool_and(has_column_privilege('conflict_history', c, 'UPDATE')) FROM unnest(%s::text[]) AS c)
           FROM unnest(%s::text[]) AS t""",
        [list(_PERSONAL), list(_TABLES)],
    ).fetchone()
    if row and not row[1]:
        raise StoreError(
            f"The store's login {row[0]} may not remove what is old: the role conflicts_writer deletes no conflict. "
            f"As the store's owner: GRANT DELETE ON {', '.join(_TABLES)} TO {row[0]}; "
            f"GRANT UPDATE ({', '.join(_PERSONAL)}) ON conflict_history TO {row[0]}"
        )


def _values(keep: Retention, now: datetime) -> dict[str, Any]:
    return {
        "closed_days": keep.closed_conflicts,
        "closed_before": now - timedelta(days=keep.closed_conflicts),
        "history_before": now - timedelta(days=keep.history),
        "runs_before": now - timedelta(days=keep.prefix_runs),
        "rejected_before": now - timedelta(days=keep.rejected_visits),
    }
