"""The statements that read visits: written once in Snowflake's dialect, composed, bound and translated here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

import sqlglot
from sqlglot import exp

from conflict_assets.domain.normalizing import (
    BLANK,
    BLANKS,
    DASHES_AND_WHITE_SPACE,
    WHITE_SPACE,
    Ranges,
    normal_ssn,
    trimmed,
)
from conflict_assets.source.protocol import BLOCK_DAYS, SourceError, VisitQuery
from conflict_assets.source.survey import Survey

Dialect = Literal["snowflake", "duckdb"]
Text = Literal["active_visits", "named_visits", "visit_survey"]
Value = str | int | bool | None

FACT = "FACTVISITCALLPERFORMANCE_CR"
STATUS_COLUMN = "Visit Status"
PLACEHOLDER_SSNS = ("000000000", "999999999")
MAX_IDENTIFIER = 255


@dataclass(frozen=True, kw_only=True)
class SourceLayout:
    """Where the views are and how they differ from the usual: names, zone, columns without a zone.

    `zoneless` holds (view, column) of timestamps that are stored without a time zone: they are read in `time_zone`.
    `ssn_is_number` says that SSNs are stored as numbers, which have lost the zeros that they begin with.
    """

    schema: str
    database: str | None = None
    time_zone: str = "America/New_York"
    status_column: str | None = STATUS_COLUMN
    zoneless: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    ssn_is_number: bool = False


@dataclass(frozen=True)
class Statement:
    """SQL text with its bound values, by name (DuckDB) or by position (Snowflake, `:1`, `:2`, ...)."""

    sql: str
    named: Mapping[str, Value]

    @property
    def positional(self) -> tuple[Value, ...]:
        """The values in the order of their numbers."""
        return tuple(self.named.values())


def survey_statement(query: VisitQuery, layout: SourceLayout, dialect: Dialect) -> Statement:
    """The first statement of a run: what there is, and where the second has to look (`SURVEY_SCHEMA`).

    Raises:
        SourceError: a name in `layout` can't be an identifier.
    """
    return _statement("visit_survey", _values(query, layout), layout, dialect)


def rows_statement(query: VisitQuery, survey: Survey, layout: SourceLayout, dialect: Dialect) -> Statement:
    """The second statement of a run: the rows that travel (`ROW_SCHEMA`).

    Raises:
        SourceError: a name in `layout` can't be an identifier.
    """
    watched = [f"{ssn} {' '.join(map(str, sorted(blocks)))} " for ssn, blocks in survey.watched(query).items()]
    pointed: dict[str, Value] = {"watched": json.dumps(watched), "repeated": json.dumps(survey.repeated)}
    return _statement("active_visits", _values(query, layout) | pointed, layout, dialect)


def look_up_statement(query: VisitQuery, visit_ids: Sequence[str], layout: SourceLayout, dialect: Dialect) -> Statement:
    """Visits by their ids, each of their rows with its outcome (`LOOK_UP_SCHEMA`).

    Raises:
        SourceError: a name in `layout` can't be an identifier.
    """
    named: dict[str, Value] = {"visit_ids": json.dumps(sorted({trimmed(each) for each in visit_ids}))}
    return _statement("named_visits", _values(query, layout) | named, layout, dialect)


def _statement(text: Text, values: Mapping[str, Value], layout: SourceLayout, dialect: Dialect) -> Statement:
    """Compose, parametrize and translate a statement."""
    tree = _composed(text).copy()
    _qualify(tree, layout)
    _read_zoneless_in(tree, layout)
    _name_status(tree, layout.status_column)
    return _said_to(dialect, tree, values)


def _said_to(dialect: Dialect, tree: exp.Expr, values: Mapping[str, Value]) -> Statement:
    """Say a statement in a dialect, with those of the values that it asks for."""
    tree = tree.transform(_to_duckdb if dialect == "duckdb" else _to_snowflake)
    used = {placeholder.name for placeholder in tree.find_all(exp.Placeholder)}
    values = {name: value for name, value in values.items() if name in used}
    if dialect == "snowflake":
        numbers = {name: number for number, name in enumerate(values, 1)}
        for placeholder in list(tree.find_all(exp.Placeholder)):
            placeholder.set("this", str(numbers[placeholder.name]))
    return Statement(tree.sql(dialect=dialect, pretty=True, comments=False), values)


def identifier(name: str, *, setting: str) -> exp.Identifier:
    """Quote a name that a setting gives; a plain name means what it means unquoted: Snowflake's capitals.

    Raises:
        SourceError: the name is empty, too long or holds a character that no name has.
    """
    if not name.strip() or len(name) > MAX_IDENTIFIER or not name.isprintable():
        raise SourceError(
            f"{setting} is {name!r}; allowed: a name of 1 to {MAX_IDENTIFIER} printable characters. Mend the setting."
        )
    plain = not exp.to_identifier(name).quoted
    return exp.to_identifier(name.upper() if plain else name, quoted=True)


def duplicates_statement(layout: SourceLayout, dialect: Dialect) -> Statement:
    """Count the keys that more than one row of a dimension carries: `view_name`, `repeated_keys`."""
    tree = _parsed("dimension_duplicates").copy()
    _qualify(tree, layout)
    return _said_to(dialect, tree, {"blanks": BLANKS})


@cache
def _composed(text: Text) -> exp.Expr:
    """Put the shared table expressions before the statement's own."""
    tree = _parsed(text).copy()
    own = _with_rest_of_rows(tree) if text == "named_visits" else tree.args["with_"].expressions
    tree.args["with_"].set("expressions", [*_parsed("classified_visits").args["with_"].expressions, *own])
    return tree


def _with_rest_of_rows(tree: exp.Expr) -> list[exp.Expr]:
    """The table expressions of the rows that travel, where the tree's own take the places of those of their names.

    No outcome is left out, and which rows are watched or repeated is not asked. New expressions come first.
    """
    own = {cte.alias: cte for cte in tree.args["with_"].expressions}
    rest = [cte.copy() for cte in _parsed("active_visits").args["with_"].expressions]
    for cte in rest:
        if cte.alias in {"needed_patient", "located"}:
            cte.this.set("where", None)
    places = [own.pop(cte.alias, cte) for cte in rest if cte.alias not in {"watched", "repeated", "sidelined"}]
    return [*own.values(), *places]


@cache
def _parsed(name: str) -> exp.Expr:
    text = (files("conflict_assets.source") / f"{name}.sql").read_text(encoding="utf-8")
    return sqlglot.parse_one(text, dialect="snowflake")


def _qualify(tree: exp.Expr, layout: SourceLayout) -> None:
    schema = identifier(layout.schema, setting="the schema")
    database = identifier(layout.database, setting="the database") if layout.database else None
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Identifier) and table.name not in own:
            table.set("this", exp.to_identifier(table.name, quoted=True))
            table.set("db", schema.copy())
            table.set("catalog", database.copy() if database else None)


def _read_zoneless_in(tree: exp.Expr, layout: SourceLayout) -> None:
    """Read timestamps without a zone in the layout's: `(to, column)` becomes `(from, to, column)` or the column."""
    columns = {column for view, column in layout.zoneless if view == FACT}
    for conversion in list(tree.find_all(exp.ConvertTimezone)):
        moment = conversion.args["timestamp"]
        if not (isinstance(moment, exp.Column) and moment.name in columns):
            continue
        if isinstance(conversion.args["target_tz"], exp.Placeholder):
            conversion.replace(moment)
        else:
            conversion.set("source_tz", exp.Placeholder(this="source_zone"))


def _name_status(tree: exp.Expr, status_column: str | None) -> None:
    for column in list(tree.find_all(exp.Column)):
        if column.name == STATUS_COLUMN:
            if status_column is None:
                column.replace(exp.cast(exp.null(), exp.DataType.Type.VARCHAR))
            else:
                identifier(status_column, setting="VISIT_STATUS_COLUMN")
                column.set("this", exp.to_identifier(status_column, quoted=True))


def _values(query: VisitQuery, layout: SourceLayout) -> dict[str, Value]:
    ssns = {normal_ssn(ssn) for ssn in query.excluded_ssns} | set(PLACEHOLDER_SSNS)
    return {
        "prefixes": json.dumps(list(query.prefixes)),
        "prefix_length": query.prefix_length,
        "all_prefixes": query.all_prefixes,
        "first_date": query.first_date.isoformat(),
        "last_date": query.last_date.isoformat(),
        "block_days": BLOCK_DAYS,
        "cross_midnight": query.cross_midnight,
        "max_visits_per_day": query.max_visits_per_day,
        "excluded_agencies": json.dumps(sorted({trimmed(agency) for agency in query.excluded_agencies})),
        "excluded_ssns": json.dumps(sorted(ssns)),
        "source_zone": layout.time_zone,
        "has_status": layout.status_column is not None,
        "ssn_is_number": layout.ssn_is_number,
        "dashes_and_white_space": DASHES_AND_WHITE_SPACE,
        "blanks": BLANKS,
    }


def _to_snowflake(node: exp.Expr) -> exp.Expr:
    """Say which characters are trimmed; fakesnow keeps them only where the text is cast to what it is."""
    if isinstance(node, exp.Trim) and not node.args.get("expression"):
        text = exp.cast(node.this.transform(_to_snowflake), exp.DataType.Type.VARCHAR)
        return exp.Trim(this=text, expression=exp.Placeholder(this="blanks"))
    return node


def _trimmed_in_duckdb(text: exp.Expr, *, or_null: bool) -> exp.Expr:
    """Trim a text; what is empty then becomes null, where asked.

    Of a column, only what doesn't begin and end with a printable ASCII character is looked at closely. The functions of
    the first look are asked once for each word of a dictionary, and most columns are kept as one.
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


def _to_duckdb(node: exp.Expr) -> exp.Expr:
    """Say in DuckDB's words what SQLGlot does not translate, or what DuckDB does faster another way."""
    or_null = isinstance(node, exp.Nullif) and isinstance(node.this, exp.Trim) and node.expression.name == ""
    if or_null or isinstance(node, exp.Trim):
        trim = node.this if or_null else node
        return _trimmed_in_duckdb(trim.this.transform(_to_duckdb), or_null=or_null)
    if isinstance(node, exp.Translate):
        return _without(node.this.transform(_to_duckdb), _one_of(WHITE_SPACE, "-"))
    if isinstance(node, exp.TableFromRows) and isinstance(node.this, exp.Explode):
        arrays = [parse.this for parse in node.find_all(exp.ParseJSON)]
        return exp.Table(this=exp.Anonymous(this="json_each", expressions=arrays), alias=node.args["alias"])
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Column) and node.this.name == "VALUE":
        text = exp.Anonymous(this="json_extract_string", expressions=[node.this, exp.Literal.string("$")])
        return text if node.is_type(exp.DataType.Type.VARCHAR) else exp.cast(text, exp.DataType.Type.UBIGINT)
    if (
        isinstance(node, exp.ConvertTimezone)
        and node.args["target_tz"].name == "UTC"
        and not node.args.get("source_tz")
    ):
        # The same instant without its zone; through the calendar of a zone it takes 20 times as long.
        return exp.Anonymous(
            this="make_timestamp", expressions=[exp.Anonymous(this="epoch_us", expressions=[node.args["timestamp"]])]
        )
    return node
