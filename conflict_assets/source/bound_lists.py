"""Lists that are bound to a statement, each as one JSON text."""

import json
from collections.abc import Sequence
from typing import Any

from conflict_assets.source.statement import Statement, bound_statement
from conflict_assets.source.statement_texts import parsed


def list_text(items: Sequence[Any]) -> str:
    """Write a list as JSON, without blanks between its items."""
    return json.dumps(items, separators=(",", ":"))


def list_statements(items: Sequence[Any], most_bytes: int) -> list[Statement]:
    """Return statements that give the items of a list as rows.

    The rows have a column VALUE, where an object is its JSON. Each statement has at most `most_bytes` bytes.
    """
    sql = bound_statement("snowflake", parsed("list_values"), {"list": ""}).sql
    room = most_bytes - len(sql)
    pieces: list[list[Any]] = [[]]
    size = 0
    for item in items:
        # As JSON in JSON, with the comma that follows it.
        length = len(json.dumps(list_text(item))) + 1
        if size + length > room and pieces[-1]:
            pieces.append([])
            size = 0
        pieces[-1].append(item)
        size += length
    return [Statement(sql, {"list": list_text(piece)}) for piece in pieces]
