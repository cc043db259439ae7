"""A statement as a driver takes it: a text, and the values that are bound to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from conflict_assets.source.dialects import Dialect, in_dialect

Bound = str | int | bool | None


@dataclass(frozen=True)
class Statement:
    """SQL text with its bound values.

    Values are bound by name (DuckDB) or by position (Snowflake, `:1`, `:2`, ...).
    """

    sql: str
    named: Mapping[str, Bound]

    @property
    def positional(self) -> tuple[Bound, ...]:
        """The values in the order of their numbers."""
        return tuple(self.named.values())

    @property
    def size(self) -> int:
        """Bytes of the text with its values, each as JSON.

        A driver sends them as JSON.
        """
        return len(json.dumps([self.sql, *self.positional]))


def bound_statement(dialect: Dialect, tree: exp.Expr, values: Mapping[str, Bound]) -> Statement:
    """Write a statement in a dialect, and bind the values that it uses."""
    tree = in_dialect(tree, dialect)
    used = {placeholder.name for placeholder in tree.find_all(exp.Placeholder)}
    bound = {name: value for name, value in values.items() if name in used}
    if dialect == "snowflake":
        tree = tree.transform(_numbered({name: number for number, name in enumerate(bound, 1)}))
    return Statement(tree.sql(dialect=dialect, pretty=True, comments=False), bound)


def _numbered(numbers: Mapping[str, int]) -> Callable[[exp.Expr], exp.Expr]:
    """Call placeholders by their numbers."""
    return lambda node: exp.Placeholder(this=str(numbers[node.name])) if isinstance(node, exp.Placeholder) else node
