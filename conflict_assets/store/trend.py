"""The trend of the store from night to night.

It is computed from what each run has stored.
"""

from typing import Any

import psycopg
from psycopg.rows import class_row

from conflict_assets.domain.report_data import NightPoint

# A night lasts until the first run of the next night reads the source (`next`). The runs, events and decisions that
# hold at that moment count.
_TREND = """
    WITH runs AS MATERIALIZED (
        SELECT ssn_prefix, as_of, first_date, last_date, conflicts, new_conflicts AS new, reopened, resolved,
            lead(as_of, 1, 'infinity') OVER (PARTITION BY ssn_prefix ORDER BY as_of, committed_at) AS until
        FROM prefix_runs
    ), nights AS (
        SELECT (as_of AT TIME ZONE %(zone)s)::date AS night, sum(new) AS new, sum(reopened) AS reopened,
            sum(resolved) AS resolved,
            lead(min(as_of), 1, 'infinity') OVER (ORDER BY min(as_of)) AS next
        FROM runs GROUP BY 1 ORDER BY 1 DESC LIMIT %(nights)s
    ), standing AS (
        SELECT n.night, n.next, r.ssn_prefix, r.first_date, r.last_date, r.conflicts
        FROM nights AS n JOIN runs AS r ON r.as_of < n.next AND r.until >= n.next
    ), decisions AS (
        SELECT pair_id, reason AS decision, happened_at AS since,
            lead(happened_at, 1, 'infinity') OVER (PARTITION BY pair_id ORDER BY event_id) AS until
        FROM conflict_history WHERE event = 'decided'
    ), lives AS (
        SELECT ssn_prefix, ssn, pair_id, event, happened_at AS since,
            lead(happened_at, 1, 'infinity') OVER (PARTITION BY ssn_prefix, ssn, pair_id ORDER BY event_id) AS until
        FROM conflict_history
        WHERE event IN ('detected', 'reopened', 'resolved') AND pair_id IN (SELECT pair_id FROM decisions)
    ), decided AS (
        SELECT s.night, count(*) AS conflicts
        FROM decisions AS d
        JOIN lives AS l ON l.pair_id = d.pair_id AND l.event <> 'resolved'
        JOIN visit_conflicts AS c ON c.ssn_prefix = l.ssn_prefix AND c.ssn = l.ssn AND c.pair_id = l.pair_id
            AND c.visit_id < c.con_visit_id COLLATE "C"
        JOIN standing AS s ON s.ssn_prefix = l.ssn_prefix
            AND l.since < s.next AND l.until >= s.next AND d.since < s.next AND d.until >= s.next
            AND least(c.visit_date, c.con_visit_date) >= s.first_date
            AND greatest(c.visit_date, c.con_visit_date) <= s.last_date
        WHERE d.decision <> 'cleared'
        GROUP BY s.night
    ), held AS (SELECT night, sum(conflicts) AS conflicts FROM standing GROUP BY night)
    SELECT n.night, (h.conflicts - coalesce(d.conflicts, 0))::int AS open_conflicts, n.new::int, n.reopened::int,
        n.resolved::int
    FROM nights AS n JOIN held AS h USING (night) LEFT JOIN decided AS d USING (night)
    ORDER BY n.night"""


def trend(connection: psycopg.Connection[Any], time_zone: str, nights: int) -> list[NightPoint]:
    """Return the last nights that had a run, oldest first.

    A night is a date in `time_zone`.
    """
    with connection.cursor(row_factory=class_row(NightPoint)) as cursor:
        return cursor.execute(_TREND, {"zone": time_zone, "nights": nights}).fetchall()
