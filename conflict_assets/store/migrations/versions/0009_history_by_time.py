"""The store finds the last night's events without reading all of its history."""

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    """Add the index, which is a few pages: events lie in the order in which they happened."""
    op.execute("CREATE INDEX conflict_history_time ON conflict_history USING brin (happened_at)")


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX conflict_history_time")
