"""What the latest commits of the prefixes have found together."""

from collections.abc import Sequence
from typing import Any

import psycopg

from conflict_assets.store.row_types import Found

Connection = psycopg.Connection[Any]


def latest_found(connection: Connection) -> Found:
    """Return what the latest commits of all prefixes have found."""
    row = connection.execute(
        "SELECT coalesce(sum(conflicts), 0), coalesce(sum(conflict_rows), 0) FROM prefix_runs WHERE latest"
    ).fetchone()
    conflicts, rows = row or (0, 0)
    return Found(conflicts=int(conflicts), rows=int(rows))


def latest_visits(connection: Connection, *, without: Sequence[str], counted: Sequence[str]) -> dict[str, int]:
    """Sum the visit counts of all other prefixes' latest commits, by name.

    The prefixes in `without` are left out. `counted` names the counts.
    """
    rows = connection.execute(
        """SELECT name, coalesce(sum((r.counts->>name)::bigint), 0)::bigint
           FROM unnest(%(counted)s::text[]) AS name
           LEFT JOIN prefix_runs AS r ON r.latest AND r.ssn_prefix <> ALL(%(without)s)
           GROUP BY name""",
        {"counted": list(counted), "without": list(without)},
    ).fetchall()
    return dict(rows)
