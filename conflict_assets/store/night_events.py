"""The conflicts that the last night has resolved and reopened."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from conflict_assets.store.listing import BY_AMOUNT, RankedPair
from conflict_assets.store.store_queries import capped

RUNS = """WITH runs AS (SELECT *, (as_of AT TIME ZONE %(zone)s)::date AS night FROM prefix_runs),
    night AS (SELECT * FROM runs WHERE night = (SELECT max(night) FROM runs))"""
"""The runs of the newest date, `night`."""

EVENTS = ("resolved", "reopened")

_OVERLAPS, _SHIFTS = (
    f"coalesce(max({one}) + max({other}), max({one}), max({other}))"
    for one, other in (
        (capped("h.overlap_amount"), capped("h.con_overlap_amount")),
        (capped("h.shift_amount"), capped("h.con_shift_amount")),
    )
)

# A night has a run for each prefix and little is known of their number, so events are chosen by time before they are
# joined with runs. Several runs of the date may have resolved the same conflict. It is listed once.
_EVENTS = f"""{RUNS}, since AS MATERIALIZED (
        SELECT * FROM conflict_history
        WHERE happened_at >= (SELECT min(as_of) FROM night) AND event = ANY(%(events)s)
    ), events AS (
        SELECT h.event, h.pair_id, right(h.ssn, 4) AS last_four, {_OVERLAPS} AS amount, {_SHIFTS} AS shifts
        FROM since AS h
        JOIN night AS n ON n.ssn_prefix = h.ssn_prefix AND n.as_of = h.happened_at AND n.root_run_id = h.root_run_id
        GROUP BY h.event, h.pair_id, h.ssn
    ), ranked AS (SELECT *, row_number() OVER (PARTITION BY event ORDER BY {BY_AMOUNT}) AS place FROM events)
    SELECT event, pair_id, last_four FROM ranked WHERE place <= %(shown)s ORDER BY place"""  # noqa: S608 - constants


@dataclass(frozen=True, kw_only=True)
class _Event(RankedPair):
    event: str


def night_events(connection: psycopg.Connection[Any], time_zone: str, shown: int) -> dict[str, list[RankedPair]]:
    """Return the costliest conflicts that the last night has resolved and reopened.

    They are listed by event. A night is a date in `time_zone`.
    """
    with connection.cursor(row_factory=class_row(_Event)) as cursor:
        found = cursor.execute(_EVENTS, {"zone": time_zone, "events": list(EVENTS), "shown": shown}).fetchall()
    return {event: [each for each in found if each.event == event] for event in EVENTS}
