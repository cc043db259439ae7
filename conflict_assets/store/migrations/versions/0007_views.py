"""The store knows what its views were made from.

From here on `conflict_assets/store/views.sql` makes all of them, and migrations make tables only.
"""

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    """Add the digest of the views' statements.

    It is missing until the views are made, which follows.
    """
    op.execute("ALTER TABLE conflict_store ADD COLUMN views_digest text")
    op.execute(
        "COMMENT ON COLUMN conflict_store.views_digest IS "
        "'A hash of the statements that the views were made from; null for those of earlier releases'"
    )


def downgrade() -> None:
    """Drop the digest.

    The views are those of the migrations before already, as `earlier_views` says.
    """
    op.execute("ALTER TABLE conflict_store DROP COLUMN views_digest")
