"""What a whole night must have left in a store, whatever happened to the nights before it."""

from collections.abc import Mapping

from conflict_assets_tests.e2e.platform import NIGHT, Rows, told_apart
from conflict_assets_tests.pg import rows

LATEST = "SELECT ssn_prefix, conflicts, conflict_rows, counts FROM prefix_runs WHERE latest ORDER BY ssn_prefix"
CONTENT = {name: NIGHT[name] for name in ("conflicts", "visits", "rejected")} | {"latest runs": LATEST}
"""What a whole night over one state of the source leaves, but for times, ids of runs, and how it came there."""

FAULTS = {
    "pairs that were detected for the first time not exactly once": """
        SELECT FROM conflict_history GROUP BY ssn, pair_id HAVING count(*) FILTER (WHERE event = 'detected') <> 1""",
    "conflicts without an event": """
        SELECT FROM visit_conflicts AS c WHERE NOT EXISTS (
            SELECT FROM conflict_history AS h WHERE h.ssn = c.ssn AND h.pair_id = c.pair_id)""",
    "pairs with events and without a conflict": """
        SELECT FROM conflict_history AS h WHERE NOT EXISTS (
            SELECT FROM visit_conflicts AS c WHERE h.ssn = c.ssn AND h.pair_id = c.pair_id)""",
    "events out of order": """
        SELECT FROM (
            SELECT event, coalesce(lag(event) OVER (PARTITION BY ssn, pair_id ORDER BY event_id), 'none') AS before
            FROM conflict_history) AS e
        WHERE (before = 'none') <> (event = 'detected') OR (before = 'resolved') <> (event = 'reopened')""",
    "conflicts whose last event is not their state": """
        SELECT FROM (
            SELECT DISTINCT ON (ssn, pair_id) * FROM conflict_history ORDER BY ssn, pair_id, event_id DESC) AS h
        JOIN visit_conflicts AS c ON c.ssn = h.ssn AND c.pair_id = h.pair_id
        WHERE (h.event = 'resolved') <> (c.resolved_at IS NOT NULL)""",
    "conflicts that are not two rows, one for each side": """
        SELECT FROM visit_conflicts GROUP BY ssn, pair_id HAVING count(*) <> 2""",
    "conflict rows without their visit": """
        SELECT FROM visit_conflicts AS c WHERE NOT EXISTS (
            SELECT FROM conflict_visits AS v
            WHERE v.ssn_prefix = c.ssn_prefix AND v.ssn = c.ssn AND v.visit_id = c.visit_id)""",
    "prefixes that a chain of runs has committed twice": """
        SELECT FROM prefix_runs GROUP BY root_run_id, ssn_prefix, as_of HAVING count(*) > 1""",
    "prefixes without exactly one latest run": """
        SELECT FROM prefix_runs GROUP BY ssn_prefix HAVING count(*) FILTER (WHERE latest) <> 1""",
    "latest runs that are not the newest": """
        SELECT FROM prefix_runs AS r JOIN prefix_runs AS l ON l.ssn_prefix = r.ssn_prefix AND l.latest
        WHERE r.as_of > l.as_of""",
    "places in a night that two prefixes have": """
        SELECT FROM prefix_runs WHERE position > 0 GROUP BY root_run_id, position HAVING count(*) > 1""",
}


def content(url: str) -> dict[str, Rows]:
    """What the store holds; rows of people, so told apart without being shown."""
    return {name: told_apart(rows(url, query)) for name, query in CONTENT.items()}


def faults(url: str, expected: Mapping[str, Rows], prefixes: int) -> list[str]:
    """What is wrong with a store after a whole night, each in a line."""
    found = content(url)
    wrong = [f"{name}: {found[name]} instead of {expected[name]}" for name in expected if found[name] != expected[name]]
    for name, query in FAULTS.items():
        count = len(rows(url, query))
        if count:
            wrong.append(f"{count} {name}")
    latest = rows(url, "SELECT count(*), count(DISTINCT root_run_id) FROM prefix_runs WHERE latest")
    if latest != [(prefixes, 1)]:
        wrong.append(f"latest prefixes and their nights: {latest[0]} instead of {(prefixes, 1)}")
    return wrong
