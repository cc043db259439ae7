"""The views as the migrations up to 0006 have left them.

Those migrations go down from these views. So a schema that goes down gets them first, and no later migration has to
think of views. The statements are those of the migrations themselves; of what they made, the comments on two views are
missing.
"""

import re
from pathlib import Path

LAST = "0006"
"""The last migration that makes views."""

_VERSIONS = Path(__file__).with_name("versions")

_SHOWN = """(
    SELECT * FROM visit_conflicts WHERE resolved_at IS NULL
    UNION ALL
    SELECT * FROM visit_conflicts AS g
    WHERE g.resolved_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM visit_conflicts AS t WHERE t.pair_id = g.pair_id AND t.resolved_at IS NULL)
)"""


def earlier_views() -> str:
    """Return the statements that make them, which may be repeated."""
    states = _script("0005_conflict_states.sql")
    parts = [
        *_views("0002_views.sql"),
        *_views("0005_evidence.sql"),
        states.replace("{view}", "conflict_states").replace("{rows}", _SHOWN),
        states.replace("{view}", "all_conflict_states").replace("{rows}", "visit_conflicts"),
        _script("0006_comments.sql"),
    ]
    return "\n".join(parts)


def _views(name: str) -> list[str]:
    made = re.findall(r"^(?:CREATE|COMMENT ON) VIEW .*?;$", _script(name), re.MULTILINE | re.DOTALL)
    return [each.replace("CREATE VIEW", "CREATE OR REPLACE VIEW") for each in made]


def _script(name: str) -> str:
    return (_VERSIONS / name).read_text(encoding="utf-8")
