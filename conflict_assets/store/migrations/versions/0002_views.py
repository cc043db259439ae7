"""The views of the store.

They hold the derived status of each conflict, both sides joined, the open conflicts, and the summary.
"""

from pathlib import Path

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

_VIEWS = ("conflict_summary", "open_conflicts", "conflict_visit_maps", "conflict_sides", "conflict_states")


def upgrade() -> None:
    """Make the views."""
    script = Path(__file__).with_suffix(".sql").read_bytes()
    op.get_bind().connection.cursor().execute(script)


def downgrade() -> None:
    """Drop the views.

    No row is lost.
    """
    for view in _VIEWS:
        op.execute(f"DROP VIEW {view}")
