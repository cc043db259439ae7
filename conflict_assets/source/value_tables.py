"""Tables that hold what a statement would else be given as a value.

They are the survey's rows, and lists that are too long to be bound.
"""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from conflict_assets.source.statement import Bound

Tables = Mapping[str, exp.Expr]
"""Where rows lie that a statement needs, by the name of the value that would give them: the survey's, or a list's."""

NO_TABLES: Tables = {}


def put_in_tables(tree: exp.Expr, tables: Tables) -> None:
    """Replace table functions by tables that hold their rows.

    A table function would make the rows from a value.
    """
    for rows in list(tree.find_all(exp.TableFromRows)):
        name = next((placeholder.name for placeholder in rows.find_all(exp.Placeholder)), "")
        if name in tables:
            table = tables[name].copy()
            table.set("alias", rows.args.get("alias"))
            rows.replace(table)


def put_in_place_of(tree: exp.Expr, view: str, table: exp.Expr | Bound) -> None:
    """Read a table instead of a view, if there is one: rows of the view that stay in the warehouse."""
    if isinstance(table, exp.Expr):
        for found in [each for each in tree.find_all(exp.Table) if each.name == view]:
            found.replace(table.copy())


def all_rows_of(tables: Sequence[exp.Expr]) -> exp.Expr:
    """The rows of several tables as one."""
    selects: list[exp.Query] = [exp.select("*").from_(table) for table in tables]
    return exp.union(*selects, distinct=False).subquery() if len(selects) > 1 else selects[0].subquery()
