"""What a commit has found, in a word: the next one that finds the same need not compare rows."""

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Add the digest; it is missing for earlier commits, which are compared row by row once more."""
    op.execute("ALTER TABLE prefix_runs ADD COLUMN digest text")
    op.execute("COMMENT ON COLUMN prefix_runs.digest IS 'A hash of all rows that were found'")


def downgrade() -> None:
    """Drop the digest; nothing else is lost."""
    op.execute("ALTER TABLE prefix_runs DROP COLUMN digest")
