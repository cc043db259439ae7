"""The texts of the statements, in Snowflake's dialect.

A file of `sql` is a statement. What several statements share is a file of `sql/parts`, which each includes whole, at
the place that it marks. Nothing else is said by templates: values are bound.
"""

from functools import cache

import sqlglot
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlglot import exp

_FILES = Environment(
    loader=PackageLoader("conflict_assets.source", "sql"), undefined=StrictUndefined, autoescape=select_autoescape()
)


def parsed(name: str) -> exp.Expr:
    """Return a statement, with its parts in it, as a tree of one's own."""
    return _read(name).copy()


@cache
def all_texts() -> str:
    """Return the texts of all statements, whole."""
    return "\n".join(_FILES.get_template(name).render() for name in sorted(_FILES.list_templates(["sql"])))


@cache
def _read(name: str) -> exp.Expr:
    return sqlglot.parse_one(_FILES.get_template(f"{name}.sql").render(), dialect="snowflake")
