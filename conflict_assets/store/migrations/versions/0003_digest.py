"""A digest of what a commit has found.

The next commit need not compare rows when it finds the same digest.
"""

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Add the digest.

    It is missing for earlier commits, whose rows are compared one by one once more.
    """
    op.execute("ALTER TABLE prefix_runs ADD COLUMN digest text")
    op.execute("COMMENT ON COLUMN prefix_runs.digest IS 'A hash of all rows that were found'")


def downgrade() -> None:
    """Drop the digest.

    Nothing else is lost.
    """
    op.execute("ALTER TABLE prefix_runs DROP COLUMN digest")
