"""The decisions that people make about conflicts.

They are stored apart from what runs compute, and are only ever appended to. The newest decision about a pair holds.
Writers wait for each other, so that each of them sees the newest decision before its own.
"""

import getpass
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import psycopg
from psycopg import sql

from conflict_assets.store.decision_types import Decision, DecisionOutcome, MadeDecision, Origin, Pair
from conflict_assets.store.errors import StoreError
from conflict_assets.store.session import StoreSession
from conflict_assets.store.stored_columns import EVENT_FACTS

DECISION_LOCK = 0x636F6E64
"""Whoever writes decisions holds this advisory lock until its transaction ends."""

ROWS_A_BATCH = 5_000
SHOWN = 5


class Decisions:
    """The decisions in the store, which are appended and read."""

    def __init__(self, session: StoreSession) -> None:
        self._session = session

    def decide(
        self, decisions: Sequence[Decision], *, decided_by: str | None = None, keep_same: bool = False
    ) -> DecisionOutcome:
        """Append a person's decisions, all or none of them.

        The last decision about a conflict counts. `decided_by` is who runs this process unless it is given. With
        `keep_same` a decision that holds with the same reason stays, whoever made it: a file that is given again
        repeats what others decided.

        Raises:
            StoreError: a conflict is not in the store.
        """
        return self._session.transact(decide, decisions, decided_by=decided_by, keep_same=keep_same)

    def take_over(self, decisions: Sequence[Decision], *, decided_by: str = "import") -> DecisionOutcome:
        """Append decisions of the replaced system, also about conflicts that are not stored yet.

        What a person has decided or cleared here stays as it is.
        """
        return self._session.transact(_take_over, decisions, decided_by)

    def about(self, pair_ids: Sequence[str]) -> list[MadeDecision]:
        """Return every decision about these pairs, the newest first."""
        return self._session.rows_of(MadeDecision, _ABOUT, [list(pair_ids)])


def decide(
    connection: psycopg.Connection[Any],
    decisions: Sequence[Decision],
    *,
    decided_by: str | None = None,
    keep_same: bool = False,
) -> DecisionOutcome:
    """Do as `Decisions.decide` says, in the caller's transaction."""
    named = {decision.pair.pair_id: decision for decision in decisions}
    known = _known(connection, list(named))
    unknown = [str(named[key].pair) for key in named if key not in known]
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise StoreError(
            f"{len(unknown)} of {len(named)} conflicts are not in the store: {', '.join(unknown[:SHOWN])}{more}. "
            "Nothing is written. A conflict's name is its pair_id in conflict_visit_maps, or its two visit ids."
        )
    rows = [(Pair(key, *known[key]), named[key]) for key in named]
    written = _write(connection, rows, Origin.PERSON, decided_by or _user(), keep_same=keep_same)
    return DecisionOutcome(given=len(decisions), written=written, unchanged=len(named) - written)


def _take_over(connection: psycopg.Connection[Any], decisions: Sequence[Decision], decided_by: str) -> DecisionOutcome:
    named = {decision.pair.pair_id: decision for decision in decisions}
    rows = [(decision.pair, decision) for decision in named.values()]
    held = _held(connection, list(named))
    written = _write(connection, rows, Origin.IMPORT, decided_by)
    return DecisionOutcome(
        given=len(decisions),
        written=written,
        unchanged=len(named) - written,
        unseen=tuple(decision.pair for key, decision in named.items() if key not in held),
    )


def _known(connection: psycopg.Connection[Any], pairs: list[str]) -> dict[str, tuple[str, str]]:
    rows = connection.execute(
        """SELECT DISTINCT pair_id, visit_id, con_visit_id FROM visit_conflicts
           WHERE pair_id = ANY(%(pairs)s) AND visit_id < con_visit_id COLLATE "C"
           UNION SELECT pair_id, visit_id, con_visit_id FROM conflict_decisions WHERE pair_id = ANY(%(pairs)s)""",
        {"pairs": pairs},
    ).fetchall()
    return {pair: (visit, con_visit) for pair, visit, con_visit in rows}


def _held(connection: psycopg.Connection[Any], pairs: list[str]) -> set[str]:
    rows = connection.execute("SELECT pair_id FROM visit_conflicts WHERE pair_id = ANY(%s)", [pairs]).fetchall()
    return {pair_id for (pair_id,) in rows}


def _write(
    connection: psycopg.Connection[Any],
    rows: Sequence[tuple[Pair, Decision]],
    origin: Origin,
    decided_by: str,
    *,
    keep_same: bool = False,
) -> int:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [DECISION_LOCK])
    written = 0
    for batch in _batches(rows):
        columns: list[list[Any]] = [list(column) for column in zip(*(_values(*row) for row in batch), strict=True)]
        row = connection.execute(_WRITE, [*columns, decided_by, str(origin), keep_same]).fetchone()
        written += row[0] if row else 0
    return written


def _batches(rows: Sequence[tuple[Pair, Decision]]) -> list[Sequence[tuple[Pair, Decision]]]:
    return [rows[start : start + ROWS_A_BATCH] for start in range(0, len(rows), ROWS_A_BATCH)]


def _values(pair: Pair, decision: Decision) -> tuple[str | None, ...]:
    return pair.pair_id, pair.visit_id, pair.con_visit_id, str(decision.value), decision.reason


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


_ABOUT = sql.SQL("SELECT {} FROM decision_log WHERE pair_id = ANY(%s) ORDER BY decision_id DESC").format(
    sql.SQL(", ").join(sql.Identifier(each.name) for each in fields(MadeDecision))
)

_WRITE = sql.SQL(
    """WITH given AS (
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
            WITH ORDINALITY AS g (pair_id, visit_id, con_visit_id, decision, reason, number)
    ), stored AS MATERIALIZED (
        SELECT f.*, r.policy_id
        FROM judged_facts AS f JOIN given AS g ON g.pair_id = f.pair_id
        LEFT JOIN prefix_runs AS r ON r.ssn_prefix = f.ssn_prefix AND r.latest
    ), looks AS (
        SELECT DISTINCT ON (pair_id) pair_id, rule, overlap_minutes
        FROM stored ORDER BY pair_id, resolved_at IS NOT NULL, ssn
    ), written AS (
        INSERT INTO conflict_decisions AS d (pair_id, visit_id, con_visit_id, decision, reason, decided_by, decided_at,
            origin, rule, overlap_minutes)
        SELECT n.pair_id, n.visit_id, n.con_visit_id, n.decision, n.reason, n.decided_by, clock_timestamp(), n.origin,
            n.rule, n.overlap_minutes
        FROM (SELECT g.*, l.rule, l.overlap_minutes, %s::text AS decided_by, %s::text AS origin
              FROM given AS g LEFT JOIN looks AS l ON l.pair_id = g.pair_id) AS n
        LEFT JOIN LATERAL (SELECT * FROM conflict_decisions AS x WHERE x.pair_id = n.pair_id
                           ORDER BY x.decision_id DESC LIMIT 1) AS o ON true
        WHERE CASE WHEN o.pair_id IS NULL THEN n.decision <> 'cleared'
            WHEN %s::boolean AND o.decision = n.decision AND o.reason = n.reason THEN false
            WHEN n.origin = 'import' THEN o.origin = 'import' AND o.decision <> n.decision
            ELSE (o.decision, o.reason, o.decided_by, o.rule, o.overlap_minutes, o.origin) IS DISTINCT FROM
                (n.decision, n.reason, n.decided_by, n.rule, n.overlap_minutes, n.origin) END
        ORDER BY n.number
        RETURNING d.*
    ), remembered AS (
        INSERT INTO conflict_history (ssn_prefix, ssn, pair_id, visit_id, con_visit_id, event, reason, rule,
            overlap_minutes, happened_at, policy_id, {facts})
        SELECT s.ssn_prefix, s.ssn, w.pair_id, w.visit_id, w.con_visit_id, 'decided', w.decision, s.rule,
            s.overlap_minutes, w.decided_at, s.policy_id, {facts_of_s}
        FROM written AS w LEFT JOIN stored AS s ON s.pair_id = w.pair_id ORDER BY w.decision_id, s.ssn
    )
    SELECT count(*) FROM written"""
).format(
    facts=sql.SQL(", ").join(map(sql.Identifier, EVENT_FACTS)),
    facts_of_s=sql.SQL(", ").join(sql.Identifier("s", name) for name in EVENT_FACTS),
)
