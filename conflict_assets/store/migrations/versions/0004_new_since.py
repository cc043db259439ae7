"""Conflicts are new for the whole date of a prefix's latest run.

A conflict is new when it was first detected on that date, so that a repeated run on the same date changes nothing.
"""

from pathlib import Path

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"

# Runs of one date have the same window, in whatever zone the date was counted, so the first of them began the date.
# The digest is removed, since it holds for rows only while the row of its run is the last row that was written.
_FILL = """
    UPDATE prefix_runs AS p SET new_since = d.since, digest = NULL
    FROM (SELECT ssn_prefix, last_date, min(as_of) AS since FROM prefix_runs GROUP BY ssn_prefix, last_date) AS d
    WHERE d.ssn_prefix = p.ssn_prefix AND d.last_date = p.last_date"""


def upgrade() -> None:
    """Add the instant since which conflicts are new.

    Earlier runs get it too. The next night compares all rows once.
    """
    op.execute("ALTER TABLE prefix_runs ADD COLUMN new_since timestamptz")
    op.execute(
        "COMMENT ON COLUMN prefix_runs.new_since IS "
        "'When the date of the snapshot began in the schedule''s time zone: what was first detected since then is new'"
    )
    op.execute(_FILL)
    op.execute("ALTER TABLE prefix_runs ALTER COLUMN new_since SET NOT NULL")
    _derive_status("c.first_detected_at >= r.new_since")


def downgrade() -> None:
    """Count as new what the very latest run has detected first.

    No row is lost.
    """
    _derive_status("c.first_detected_at = r.as_of")
    op.execute("ALTER TABLE prefix_runs DROP COLUMN new_since")


def _derive_status(is_new: str) -> None:
    """Replace the view of the status, below all views that read it."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").replace("{is_new}", is_new)
    op.get_bind().connection.cursor().execute(script.encode())
