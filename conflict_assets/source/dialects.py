"""What the statements' SQL becomes in the dialect of each warehouse, where SQLGlot does not know it."""

from typing import Literal

from sqlglot import exp

from conflict_assets.domain.normalization import BLANK, WHITE_SPACE, Ranges

Dialect = Literal["snowflake", "duckdb"]

_HASH = exp.DataType.Type.UBIGINT
"""The type of DuckDB's hashes."""


def in_dialect(tree: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Rewrite a statement for a warehouse, before SQLGlot writes it down."""
    return tree.transform(_to_duckdb if dialect == "duckdb" else _to_snowflake)


def _to_snowflake(node: exp.Expr) -> exp.Expr:
    """Say which characters are trimmed.

    fakesnow respects them only where the text is cast to the type that it has.
    """
    if isinstance(node, exp.Trim) and not node.args.get("expression"):
        text = exp.cast(node.this.transform(_to_snowflake), exp.DataType.Type.VARCHAR)
        return exp.Trim(this=text, expression=exp.Placeholder(this="blanks"))
    return node


def _to_duckdb(node: exp.Expr) -> exp.Expr:
    """Translate what SQLGlot does not, or what DuckDB does faster otherwise."""
    or_null = isinstance(node, exp.Nullif) and isinstance(node.this, exp.Trim) and node.expression.name == ""
    if or_null or isinstance(node, exp.Trim):
        trim = node.this if or_null else node
        return _trimmed(trim.this.transform(_to_duckdb), or_null=or_null)
    if isinstance(node, exp.Translate):
        return _without(node.this.transform(_to_duckdb), _one_of(WHITE_SPACE, "-"))
    if isinstance(node, exp.TableFromRows) and isinstance(node.this, exp.Explode):
        arrays = [parse.this for parse in node.find_all(exp.ParseJSON)]
        return exp.Table(this=exp.Anonymous(this="json_each", expressions=arrays), alias=node.args["alias"])
    if isinstance(node, exp.Cast):
        return _cast(node)
    if isinstance(node, exp.ConvertTimezone):
        return _converted(node)
    return node


def _trimmed(text: exp.Expr, *, or_null: bool) -> exp.Expr:
    """Trim a text, and turn an empty one into null if asked.

    Of a column, only texts that don't begin and end with a printable ASCII character are looked at closely. The
    functions of the first look run once for each word of a dictionary, and most columns are stored as one.
    """
    trimmed = _without(text, f"^{_one_of(BLANK)}+|{_one_of(BLANK)}+$")
    trimmed = exp.Nullif(this=trimmed, expression=exp.Literal.string("")) if or_null else trimmed
    if not isinstance(text, exp.Column):
        return trimmed
    last = exp.Anonymous(this="substr", expressions=[text.copy(), exp.Literal.number(-1)])
    is_plain = exp.and_(*(each.between("!", "~") for each in (text.copy(), last)))
    return exp.Case().when(is_plain, text.copy()).else_(trimmed)


def _without(text: exp.Expr, pattern: str) -> exp.Expr:
    """Take out of a text whatever matches a pattern."""
    arguments = map(exp.Literal.string, (pattern, "", "g"))
    return exp.Anonymous(this="regexp_replace", expressions=[text.copy(), *arguments])


def _one_of(ranges: Ranges, more: str = "") -> str:
    """A pattern that matches one character of ranges."""
    return f"[{more}" + "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges) + "]"


def _cast(node: exp.Cast) -> exp.Expr:
    if isinstance(node.this, exp.Column) and node.this.name == "VALUE":
        text = exp.Anonymous(this="json_extract_string", expressions=[node.this, exp.Literal.string("$")])
        if node.is_type(exp.DataType.Type.VARCHAR):
            return text
        return exp.cast(text, _HASH) if node.is_type(exp.DataType.Type.DECIMAL) else exp.Cast(this=text, to=node.to)
    if isinstance(node.this, exp.Column) and node.this.name == "item":
        return exp.cast(node.this, _HASH)
    if isinstance(node.this, exp.JSONExtract) and node.is_type(exp.DataType.Type.VARCHAR):
        # A cast would leave the text in the quotes that it has in JSON.
        document, path = node.this.this.transform(_to_duckdb), node.this.expression
        return exp.JSONExtractScalar(this=document, expression=path)
    return node


def _converted(node: exp.ConvertTimezone) -> exp.Expr:
    if node.args["target_tz"].name != "UTC" or node.args.get("source_tz"):
        return node
    # The same instant without its zone; through the calendar of a zone it takes 20 times as long.
    microseconds = exp.Anonymous(this="epoch_us", expressions=[node.args["timestamp"]])
    return exp.Anonymous(this="make_timestamp", expressions=[microseconds])
