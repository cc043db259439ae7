"""The tables of conflicts, visits, decisions, history, runs and users' lists."""

from pathlib import Path

from alembic import op

revision: str = "0001"
down_revision: str | None = None

_TABLES = (
    "visit_conflicts",
    "conflict_visits",
    "conflict_decisions",
    "conflict_history",
    "prefix_runs",
    "rejected_visits",
    "excluded_agencies",
    "excluded_ssns",
    "speed_bands",
    "conflict_store",
)


def upgrade() -> None:
    """Make the tables.

    The partitions follow when the prefix length is known.
    """
    script = Path(__file__).with_suffix(".sql").read_bytes()
    op.get_bind().connection.cursor().execute(script)


def downgrade() -> None:
    """Drop everything, including rows and partitions."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
