"""The comments on the tables' columns, as the migrations write them.

They are known without a store, so that pages of Dagster can explain columns before the first night.
"""

import re
from pathlib import Path

_MIGRATIONS = Path(__file__).with_name("migrations") / "versions"
_COMMENT = re.compile(r"^COMMENT ON COLUMN (\w+)\.(\w+) IS\s+'((?:[^']|'')*)';", re.MULTILINE)


def column_comments(table: str) -> dict[str, str]:
    """Return the comments on the columns of a table.

    Where several migrations comment on a column, the last one counts.
    """
    scripts = (script.read_text(encoding="utf-8") for script in sorted(_MIGRATIONS.glob("*.sql")))
    found = (comment for script in scripts for comment in _COMMENT.findall(script))
    return {column: text.replace("''", "'") for name, column, text in found if name == table}
