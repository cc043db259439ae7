"""The data dictionary: every column that people read.

It is made from the comments on the store's views. `python -m conflict_assets.store.data_dictionary FILE` writes it,
from a store of its own.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from conflict_assets.store.brief_columns import BRIEF_COLUMNS
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.embedded.embedded_server import embedded_url, stop_embedded
from conflict_assets.store.export_query import MASKED_VIEW
from conflict_assets.store.export_rows import Columns, ExportQuery, export_conflicts

VIEWS = (MASKED_VIEW, "open_conflicts", "conflict_summary", "conflict_events", "decision_log")
"""The views that readers may see."""

HEAD = """\
# Columns

Every column of the exports and of the views that readers may see. `make generated` writes this page from the comments
on the store's views; a test fails when it is stale. The columns of `export --columns all` are those of the view
`conflict_visit_maps`, where flags are booleans.
"""

_SHOWN = {"double precision": "number", "timestamp with time zone": "instant", "smallint": "whole number"}
_SHOWN |= {"bigint": "whole number", "integer": "whole number", "jsonb": "JSON"}
_SHOWN |= {"string": "text", "double": "number", "timestamp[us, tz=UTC]": "instant", "date32[day]": "date"}


def dictionary(connection: psycopg.Connection[Any]) -> str:
    """Return the page for the schema of this store."""
    parts = [HEAD, _brief(connection), *(_view(connection, view) for view in VIEWS)]
    return "\n".join(parts)


def _brief(connection: psycopg.Connection[Any]) -> str:
    meanings = {name: meaning for name, _, meaning in _columns(connection, MASKED_VIEW)}
    with export_conflicts(connection, ExportQuery(columns=Columns.BRIEF)) as export:
        kinds = {each.name: str(each.type) for each in export.schema}
    rows = [(each.name, kinds[each.name], each.meaning or meanings[each.name]) for each in BRIEF_COLUMNS]
    return _section("export --columns brief", "What a reviewer needs; the last two are to be filled in.", rows)


def _view(connection: psycopg.Connection[Any], view: str) -> str:
    row = connection.execute("SELECT obj_description(%s::regclass)", [view]).fetchone()
    return _section(view, row[0] if row else "", _columns(connection, view))


def _columns(connection: psycopg.Connection[Any], view: str) -> list[tuple[str, str, str]]:
    return connection.execute(
        """SELECT attname, format_type(atttypid, NULL), coalesce(col_description(attrelid, attnum), '')
           FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        [view],
    ).fetchall()


def _section(title: str, text: str, rows: list[tuple[str, str, str]]) -> str:
    return "\n".join(
        [f"## {title}", "", text, "", "| column | type | what it is |", "|---|---|---|", *_lines(rows), ""]
    )


def _lines(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    for name, kind, meaning in rows:
        yield f"| `{name}` | {_SHOWN.get(kind, kind)} | {meaning} |"


def main() -> None:
    """Write the page from a store that is made for it."""
    with tempfile.TemporaryDirectory(prefix="conflicts-columns-") as folder:
        server = Path(folder) / "server"
        url = embedded_url(server, stay=True)
        try:
            with ConflictStore(url=url, prefix_length=1) as store:
                store.administration.prepare()
            with psycopg.connect(url, autocommit=True) as connection:
                Path(sys.argv[1]).write_text(dictionary(connection), encoding="utf-8")
        finally:
            stop_embedded(server)


if __name__ == "__main__":
    main()
