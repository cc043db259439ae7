"""The store knows what the visits of a commit were, so that the same ones need not be judged again."""

from pathlib import Path

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    """Add the column, which the next commit of each prefix fills."""
    op.get_bind().connection.cursor().execute(Path(__file__).with_suffix(".sql").read_bytes())


def downgrade() -> None:
    """Drop the column: the next night judges all prefixes."""
    op.execute("ALTER TABLE prefix_runs DROP COLUMN content")
