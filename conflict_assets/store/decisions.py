"""The decisions that people make about conflicts.

They are stored apart from what runs compute, and are only ever appended to. The newest decision about a pair holds.
Writers wait for each other, so that each of them sees the newest decision before its own.
"""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from re import fullmatch
from typing import Any

import psycopg
from psycopg import sql

from conflict_assets.domain.conflict_ids import DIGEST_DIGITS, pair_id
from conflict_assets.domain.normalization import trimmed
from conflict_assets.store.errors import StoreError
from conflict_assets.store.stored_columns import EVENT_FACTS

DECISION_LOCK = 0x636F6E64
"""Whoever writes decisions holds this advisory lock until its transaction ends."""

ROWS_A_BATCH = 5_000
SHOWN = 5


class DecisionValue(StrEnum):
    """What is decided.

    `CLEARED` takes a decision back.
    """

    WHITELISTED = "whitelisted"
    IGNORED = "ignored"
    CLEARED = "cleared"


class Origin(StrEnum):
    """Where a decision comes from.

    An import never overwrites a person's decision.
    """

    PERSON = "person"
    IMPORT = "import"


@dataclass(frozen=True)
class Pair:
    """A conflict by its name.

    The visit ids are known when the conflict was named by them. `visit_id` is the smaller one.
    """

    pair_id: str
    visit_id: str | None = None
    con_visit_id: str | None = None

    def __str__(self) -> str:
        """Return the name that was given."""
        return self.pair_id if self.visit_id is None else f"{self.visit_id},{self.con_visit_id}"


@dataclass(frozen=True)
class Decision:
    """One decision about one conflict, and why."""

    pair: Pair
    verdict: DecisionValue
    reason: str


@dataclass(frozen=True)
class DecisionOutcome:
    """The outcome of writing decisions.

    `written` counts the decisions that were written. `unchanged` counts the decisions that are the same as what is
    stored and, of an import, those that a person has decided.
    """

    given: int
    written: int
    unchanged: int
    unseen: tuple[Pair, ...] = ()
    """The imported decisions about conflicts that the store does not hold."""


def pair_of_visits(visit_id: str, con_visit_id: str) -> Pair:
    """Return the conflict of two visits, named as the engine names it.

    The visits may be given in either order.

    Raises:
        ValueError: an id is empty, or the two are the same.
    """
    low, high = sorted((trimmed(visit_id), trimmed(con_visit_id)))
    if not low or low == high:
        raise ValueError(f"a conflict has two different visits; found {visit_id!r} and {con_visit_id!r}")
    return Pair(pair_id(low, high), low, high)


def parse_pair(text: str) -> Pair:
    """Read a conflict's name.

    The name is its `pair_id`, or its two visit ids with a comma between them.

    Raises:
        ValueError: the text is neither.
    """
    given = trimmed(text)
    if fullmatch(rf"[0-9a-fA-F]{{{DIGEST_DIGITS}}}", given):
        return Pair(given.lower())
    visit, comma, con_visit = given.partition(",")
    if not comma:
        raise ValueError(
            f"pair {given!r} is neither a pair_id ({DIGEST_DIGITS} hex digits) nor two visit ids with a comma between"
        )
    return pair_of_visits(visit, con_visit)


def decide(
    connection: psycopg.Connection[Any],
    decisions: Sequence[Decision],
    *,
    decided_by: str | None = None,
    keep_same: bool = False,
) -> DecisionOutcome:
    """Append a person's decisions, all or none of them.

    The caller owns the transaction. The last decision about a conflict counts. `decided_by` is who runs this process
    unless it is given. With `keep_same` a decision that holds with the same reason stays, whoever made it: a file that
    is given again repeats what others decided.

    Raises:
        StoreError: a conflict is not in the store.
    """
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


def take_over(
    connection: psycopg.Connection[Any], decisions: Sequence[Decision], *, decided_by: str
) -> DecisionOutcome:
    """Append imported decisions, also about conflicts that are not stored yet.

    The caller owns the transaction. What a person has decided or cleared here stays as it is.
    """
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
    return pair.pair_id, pair.visit_id, pair.con_visit_id, str(decision.verdict), decision.reason


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


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
