"""Every column of the views that people read gets a comment.

The data dictionary is made of these comments.
"""

from pathlib import Path

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"

_NONE = b"""
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT c.relname AS view, a.attname AS name
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.oid IN ('conflict_visit_maps'::regclass, 'open_conflicts'::regclass, 'conflict_events'::regclass,
            'decision_log'::regclass, 'conflict_summary'::regclass)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS NULL', one.view, one.name);
    END LOOP;
END
$$"""


def upgrade() -> None:
    """Comment the columns of the views that people read."""
    _run(Path(__file__).with_suffix(".sql").read_bytes())


def downgrade() -> None:
    """Remove the comments.

    No row is lost.
    """
    _run(_NONE)


def _run(script: bytes) -> None:
    op.get_bind().connection.cursor().execute(script)
