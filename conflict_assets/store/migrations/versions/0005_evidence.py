"""Decisions and events become evidence.

Decisions are only ever appended to. Events store the facts that they rest on. After an SSN was corrected, no resolved
twin of the conflict is shown.
"""

from pathlib import Path

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"

# Conflicts that hold are a branch of their own, so that a query for them alone does not search for twins.
_SHOWN = """(
    SELECT * FROM visit_conflicts WHERE resolved_at IS NULL
    UNION ALL
    SELECT * FROM visit_conflicts AS g
    WHERE g.resolved_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM visit_conflicts AS t WHERE t.pair_id = g.pair_id AND t.resolved_at IS NULL)
)"""

_FACTS = (
    *("visit_date", "is_actual", "starts_at", "ends_at", "latitude", "longitude", "rate_per_minute", "shift_amount"),
    *("overlap_amount", "provider_id", "zip_code", "visit_type"),
)
_PAIR_FACTS = ("policy_id", "distance_miles", "average_miles_per_hour", "eta_travel_minutes", "minutes_between")


def upgrade() -> None:
    """Store every decision from now on, and the facts of every event.

    The next night compares all rows once.
    """
    _run(_script("0005_evidence.sql"))
    states = _script("0005_conflict_states.sql")
    _run(states.replace("{view}", "conflict_states").replace("{rows}", _SHOWN))
    _run(states.replace("{view}", "all_conflict_states").replace("{rows}", "visit_conflicts"))
    op.execute(
        "COMMENT ON VIEW conflict_states IS 'Conflict rows with their status: a decision, else resolved, expired, new "
        "or open; without a resolved twin, of another SSN, of a conflict that holds. Full SSNs: not for readers.'"
    )
    op.execute(
        "COMMENT ON VIEW all_conflict_states IS 'Conflict rows with their status, resolved twins too. Full SSNs: not "
        "for readers.'"
    )


def downgrade() -> None:
    """Drop all but the newest decision of each pair.

    The facts of events are dropped too. Conflicts and events stay.
    """
    op.execute("DROP VIEW all_conflict_states, conflict_events, judged_facts, judged_visits, decision_log")
    before = _script("0004_new_since.sql").replace("{is_new}", "c.first_detected_at >= r.new_since")
    _run(before)
    op.execute("DROP VIEW holding_decisions")
    op.execute(
        "DELETE FROM conflict_decisions AS d USING conflict_decisions AS n "
        "WHERE n.pair_id = d.pair_id AND n.decision_id > d.decision_id"
    )
    op.execute("ALTER TABLE conflict_decisions DROP COLUMN decision_id")
    op.execute("ALTER TABLE conflict_decisions ADD CONSTRAINT conflict_decisions_pkey PRIMARY KEY (pair_id)")
    columns = [*_PAIR_FACTS, *_FACTS, *(f"con_{name}" for name in _FACTS)]
    op.execute("ALTER TABLE conflict_history " + ", ".join(f"DROP COLUMN {name}" for name in columns))
    op.execute("ALTER TABLE prefix_runs DROP COLUMN policy_id, DROP COLUMN settled_xid")
    op.execute("DROP TABLE detection_policies")


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _run(script: str) -> None:
    op.get_bind().connection.cursor().execute(script.encode())
