"""The store keeps what the report reads of open conflicts, as columns."""

from pathlib import Path

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    """Add the table, which the next commit of each prefix fills."""
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_bytes())


def downgrade() -> None:
    """Drop the table, which holds nothing that other tables do not."""
    op.execute("DROP TABLE open_conflict_columns")
