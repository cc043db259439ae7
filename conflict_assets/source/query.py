"""The statements that read visits.

They are written once in Snowflake's dialect, and composed, bound and translated here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlglot
from sqlglot import exp

from conflict_assets.configuration.setting_values import LONGEST_NAME
from conflict_assets.domain.calendar import end_of_calendar, first_moment
from conflict_assets.domain.columns.numbers import NUMBER_TEXT
from conflict_assets.domain.normalization import (
    BLANK,
    BLANKS,
    DASHES_AND_WHITE_SPACE,
    WHITE_SPACE,
    Ranges,
    normal_ssn,
    trimmed,
)
from conflict_assets.source.local_dates import date_by_offsets
from conflict_assets.source.protocol import BLOCK_DAYS, SourceError, VisitQuery
from conflict_assets.source.survey import Survey

Dialect = Literal["snowflake", "duckdb"]
Text = Literal["active_visits", "named_visits", "visit_survey"]
Bound = str | int | bool | None
Value = str | int | bool | exp.Expr | None
"""What a statement needs by a name: a value that is bound (a list as JSON), or the table in which its rows lie."""

Tables = Mapping[str, exp.Expr]
"""Where rows lie that a statement needs, by the name of the value that would give them: the survey's, or a list's."""

NO_TABLES: Tables = {}
SURVEY_TABLE = "conflict_assets_survey"

FACT = "FACTVISITCALLPERFORMANCE_CR"
STATUS_COLUMN = "Visit Status"
PLACEHOLDER_SSNS = ("000000000", "999999999")
MAX_IDENTIFIER = LONGEST_NAME


@dataclass(frozen=True, kw_only=True)
class SourceLayout:
    """Where the views are, and how they differ from the usual.

    They may differ in names, in their zone and in columns without a zone. `zoneless` holds (view, column) of timestamps
    that are stored without a time zone, and which are read in `time_zone`. `ssn_is_number` says that SSNs are stored as
    numbers, which have lost the zeros that they begin with.
    """

    schema: str
    database: str | None = None
    time_zone: str = "America/New_York"
    status_column: str | None = STATUS_COLUMN
    zoneless: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    ssn_is_number: bool = False


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


def survey_statement(
    query: VisitQuery, layout: SourceLayout, dialect: Dialect, tables: Tables = NO_TABLES
) -> Statement:
    """Return the first statement of a run, the survey.

    Its rows (`SURVEY_SCHEMA`) say what there is, and where the second statement has to look.

    Raises:
        SourceError: a name in `layout` can't be an identifier.
    """
    return _statement("visit_survey", {**_values(query, layout), **tables}, layout, dialect)


def rows_statement(
    query: VisitQuery, survey: Survey, layout: SourceLayout, dialect: Dialect, tables: Tables = NO_TABLES
) -> Statement:
    """Return the second statement of a run, for the rows that travel.

    Its rows are as `ROW_SCHEMA`. `tables` says where the survey's rows lie.

    Raises:
        SourceError: a name in `layout` can't be an identifier.
    """
    pointed: dict[str, Value] = {"survey": exp.to_table(SURVEY_TABLE), "followed": json.dumps(survey.unnamed(query))}
    return _statement("active_visits", {**_values(query, layout), **pointed, **tables}, layout, dialect)


def look_up_statement(
    query: VisitQuery,
    visit_ids: Sequence[str],
    layout: SourceLayout,
    dialect: Dialect,
    tables: Tables = NO_TABLES,
) -> Statement:
    """Return the statement that looks up visits by their ids.

    It gives each row of a visit with its outcome (`LOOK_UP_SCHEMA`).

    Raises:
        SourceError: a name in `layout` can't be an identifier.
    """
    named: dict[str, Value] = {"visit_ids": json.dumps(sorted({trimmed(each) for each in visit_ids}))}
    return _statement("named_visits", {**_values(query, layout), **named, **tables}, layout, dialect)


def list_statements(values: Sequence[str], most_bytes: int) -> list[Statement]:
    """Return statements that give the texts of a list as rows.

    The rows have a column VALUE. Each statement has at most `most_bytes` bytes.
    """
    tree = _parsed("list_values")
    sql = tree.transform(_numbered({"list": 1})).sql(dialect="snowflake", comments=False)
    room = most_bytes - len(sql)
    pieces: list[list[str]] = [[]]
    size = 0
    for value in values:
        # As JSON in JSON, with the comma that follows it.
        length = len(json.dumps(json.dumps(value))) + 1
        if size + length > room and pieces[-1]:
            pieces.append([])
            size = 0
        pieces[-1].append(value)
        size += length
    return [Statement(sql, {"list": json.dumps(piece)}) for piece in pieces]


def all_rows_of(tables: Sequence[exp.Expr]) -> exp.Expr:
    """The rows of several tables as one."""
    selects: list[exp.Query] = [exp.select("*").from_(table) for table in tables]
    return exp.union(*selects, distinct=False).subquery() if len(selects) > 1 else selects[0].subquery()


def _statement(text: Text, values: Mapping[str, Value], layout: SourceLayout, dialect: Dialect) -> Statement:
    """Compose, parametrize and translate a statement."""
    tree = _composed(text).copy()
    _qualify(tree, layout)
    if dialect == "duckdb":
        _tell_dates_by_offsets(tree, layout, values)
    _leave_out_odd_dates(tree, layout)
    _read_zoneless_in(tree, layout)
    _name_status(tree, layout.status_column)
    _lay(tree, {name: value for name, value in values.items() if isinstance(value, exp.Expr)})
    return _said_to(dialect, tree, {name: value for name, value in values.items() if not isinstance(value, exp.Expr)})


def _said_to(dialect: Dialect, tree: exp.Expr, values: Mapping[str, Bound]) -> Statement:
    """Translate a statement into a dialect, with the values that it uses."""
    tree = tree.transform(_to_duckdb if dialect == "duckdb" else _to_snowflake)
    used = {placeholder.name for placeholder in tree.find_all(exp.Placeholder)}
    bound = {name: value for name, value in values.items() if name in used}
    if dialect == "snowflake":
        tree = tree.transform(_numbered({name: number for number, name in enumerate(bound, 1)}))
    return Statement(tree.sql(dialect=dialect, pretty=True, comments=False), bound)


def _numbered(numbers: Mapping[str, int]) -> Callable[[exp.Expr], exp.Expr]:
    """Call placeholders by their numbers."""
    return lambda node: exp.Placeholder(this=str(numbers[node.name])) if isinstance(node, exp.Placeholder) else node


def _lay(tree: exp.Expr, tables: Mapping[str, exp.Expr]) -> None:
    """Replace table functions by tables that hold their rows.

    A table function would make the rows from a value. `tables` goes by the names of these values.
    """
    for rows in list(tree.find_all(exp.TableFromRows)):
        name = next((placeholder.name for placeholder in rows.find_all(exp.Placeholder)), "")
        if name in tables:
            table = tables[name].copy()
            table.set("alias", rows.args.get("alias"))
            rows.replace(table)


def identifier(name: str, *, setting: str) -> exp.Identifier:
    """Quote a name that a setting gives.

    A plain name means what it means unquoted, which is the name in Snowflake's capitals.

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
    """Return the statement that counts the repeated keys of dimensions.

    More than one row of a dimension carries a repeated key. The columns are `view_name` and `repeated_keys`.
    """
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
    """Return the table expressions of the rows that travel.

    The tree's own take the places of those of the same names, and new expressions come first. No outcome is left out,
    and which rows are watched or repeated is not asked.
    """
    own = {cte.alias: cte for cte in tree.args["with_"].expressions}
    rest = [cte.copy() for cte in _parsed("active_visits").args["with_"].expressions]
    for cte in rest:
        if cte.alias in {"needed_patient", "located"}:
            cte.this.set("where", None)
    unasked = {"pointed", "watched", "repeated", "left_out"}
    places = [own.pop(cte.alias, cte) for cte in rest if cte.alias not in unasked]
    return [*own.values(), *places]


@cache
def _parsed(name: str) -> exp.Expr:
    text = (files("conflict_assets.source") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
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


def _tell_dates_by_offsets(tree: exp.Expr, layout: SourceLayout, values: Mapping[str, Value]) -> None:
    first, last = (date.fromisoformat(str(values[name])) for name in ("first_date", "last_date"))
    zoneless = {column for _, column in layout.zoneless}
    for cast, moment in _conversions(tree):
        if moment.name not in zoneless and cast.is_type(exp.DataType.Type.DATE):
            date_by_offsets(cast, _zone(layout.time_zone), first, last)


def _leave_out_odd_dates(tree: exp.Expr, layout: SourceLayout) -> None:
    """Make dates and times missing that the calendar does not have.

    This is done before any function sees them. `CONVERT_TIMEZONE(..., column)::type` becomes `IFF(column is in the
    calendar, CONVERT_TIMEZONE(..., column)::type, NULL)`. A date is in the calendar by the clock of its zone, and an
    instant by the clock of UTC.
    """
    zone = _zone(layout.time_zone)
    zoneless = {column for _, column in layout.zoneless}
    for cast, moment in _conversions(tree):
        clock = zone if cast.is_type(exp.DataType.Type.DATE) else None
        bounds = [first_moment(clock), end_of_calendar(clock)]
        stored = exp.DataType.Type.TIMESTAMPTZ
        if moment.name in zoneless:
            bounds = [each.astimezone(zone).replace(tzinfo=None) for each in bounds]
            stored = exp.DataType.Type.TIMESTAMPNTZ
        first, end = (exp.cast(exp.Literal.string(each.isoformat(" ")), stored) for each in bounds)
        # A zoneless column may be of nanoseconds, which have no room for the bounds.
        held = exp.cast(moment.copy(), stored) if moment.name in zoneless else moment.copy()
        in_calendar = exp.and_(exp.GTE(this=held, expression=first), exp.LT(this=held.copy(), expression=end))
        cast.replace(exp.If(this=in_calendar, true=cast.copy(), false=exp.null()))


def _conversions(tree: exp.Expr) -> list[tuple[exp.Cast, exp.Column]]:
    """Each `CONVERT_TIMEZONE(..., column)::type` with its column."""
    casts = [cast for cast in tree.find_all(exp.Cast) if isinstance(cast.this, exp.ConvertTimezone)]
    moments = [(cast, cast.this.args["timestamp"]) for cast in casts]
    return [(cast, moment) for cast, moment in moments if isinstance(moment, exp.Column)]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SourceError(f"SOURCE_TIME_ZONE is {name!r}; allowed: a time zone such as America/New_York.") from None


def _read_zoneless_in(tree: exp.Expr, layout: SourceLayout) -> None:
    """Read timestamps without a zone in the layout's zone.

    `(to, column)` becomes `(from, to, column)`, or the column.
    """
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
        "number_text": f"^{NUMBER_TEXT}$",
        "source_zone": layout.time_zone,
        "has_status": layout.status_column is not None,
        "ssn_is_number": layout.ssn_is_number,
        "dashes_and_white_space": DASHES_AND_WHITE_SPACE,
        "blanks": BLANKS,
    }


def _to_snowflake(node: exp.Expr) -> exp.Expr:
    """Say which characters are trimmed.

    fakesnow respects them only where the text is cast to the type that it has.
    """
    if isinstance(node, exp.Trim) and not node.args.get("expression"):
        text = exp.cast(node.this.transform(_to_snowflake), exp.DataType.Type.VARCHAR)
        return exp.Trim(this=text, expression=exp.Placeholder(this="blanks"))
    return node


def _trimmed_in_duckdb(text: exp.Expr, *, or_null: bool) -> exp.Expr:
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


def _to_duckdb(node: exp.Expr) -> exp.Expr:
    """Translate what SQLGlot does not, or what DuckDB does faster otherwise."""
    or_null = isinstance(node, exp.Nullif) and isinstance(node.this, exp.Trim) and node.expression.name == ""
    if or_null or isinstance(node, exp.Trim):
        trim = node.this if or_null else node
        return _trimmed_in_duckdb(trim.this.transform(_to_duckdb), or_null=or_null)
    if isinstance(node, exp.Translate):
        return _without(node.this.transform(_to_duckdb), _one_of(WHITE_SPACE, "-"))
    if isinstance(node, exp.TableFromRows) and isinstance(node.this, exp.Explode):
        arrays = [parse.this for parse in node.find_all(exp.ParseJSON)]
        return exp.Table(this=exp.Anonymous(this="json_each", expressions=arrays), alias=node.args["alias"])
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Column):
        return _cast_in_duckdb(node)
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


def _cast_in_duckdb(node: exp.Cast) -> exp.Expr:
    if node.this.name == "VALUE":
        return exp.Anonymous(this="json_extract_string", expressions=[node.this, exp.Literal.string("$")])
    if node.this.name == "item":
        return exp.cast(node.this, exp.DataType.Type.UBIGINT)  # what DuckDB's hashes are
    return node
