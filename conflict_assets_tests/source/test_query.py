"""The statements as text: bound values only, one read of the fact view, nothing that Snowflake does not document."""

from itertools import pairwise

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from conflict_assets.source.layout import FACT, SourceLayout, identifier
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.query import duplicates_statement, rows_statement, survey_statement
from conflict_assets.source.result_tables import ResultScans
from conflict_assets_tests.source.reading import NO_SURVEY
from conflict_assets_tests.source.warehouse import all_of

QUERY_ID = "01b71944-0001-b181-0000-0129032279f6"
LAYOUT = SourceLayout(database="ANALYTICS", schema="BI")
TEXTS = ("active_visits", "visit_survey")
FUNCTIONS_URL = "https://docs.snowflake.com/en/sql-reference/functions/"
DOCUMENTED = {
    "ABS": "abs",
    "CAST": "cast",
    "COALESCE": "coalesce",
    "CONTAINS": "contains",
    "CONVERT_TIMEZONE": "convert_timezone",
    "COUNT": "count",
    "DATEADD": "dateadd",
    "DATE_PART": "date_part",
    "DATEDIFF": "datediff",
    "FLATTEN": "flatten",
    "FLOOR": "floor",
    "GET_PATH": "get_path",
    "GROUPING": "grouping",
    "HASH": "hash",
    "IFF": "iff",
    "LAG": "lag",
    "LEAD": "lead",
    "LOWER": "lower",
    "LPAD": "lpad",
    "MAX": "max",
    "MIN": "min",
    "NULLIF": "nullif",
    "PARSE_JSON": "parse_json",
    "REGEXP_LIKE": "regexp_like",
    "REGEXP_REPLACE": "regexp_replace",
    "REGEXP_SUBSTR": "regexp_substr",
    "REPLACE": "replace",
    "RESULT_SCAN": "result_scan",
    "ROW_NUMBER": "row_number",
    "SPLIT_PART": "split_part",
    "SUBSTRING": "substr",
    "SUM": "sum",
    "TRANSLATE": "translate",
    "TRIM": "trim",
    "TRY_TO_DOUBLE": "try_to_double",
    "UPPER": "upper",
}
"""Every function of the statements, with its page under `FUNCTIONS_URL`."""
WORDS = {
    "AND",
    "AS",
    "FROM",
    "IN",
    "NOT",
    "OR",
    "OVER",
    "TABLE",
    "WHERE",
    "ON",
    "WHEN",
    "THEN",
    "BY",
    "SETS",
    "DECIMAL",
}
"""What may stand before a bracket and is no function."""


def statement(text, query=None, layout=LAYOUT, survey=NO_SURVEY):
    if text == "visit_survey":
        return survey_statement(query or all_of(), layout, "snowflake")
    return rows_statement(query or all_of(), survey, layout, "snowflake", {"survey": ResultScans().table(QUERY_ID)})


def functions(sql):
    tokens = sqlglot.tokenize(sql, read="snowflake")
    called = {
        name.text.upper()
        for name, bracket in pairwise(tokens)
        if bracket.token_type is TokenType.L_PAREN and name.text.isidentifier()
    }
    return called - WORDS


def test_every_function_is_one_that_snowflake_documents():
    used = set().union(*(functions(statement(text).sql) for text in TEXTS))
    assert used | functions(duplicates_statement(LAYOUT, "snowflake").sql) == set(DOCUMENTED)


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_passes_the_parser_of_snowflake_s_dialect(text):
    (tree,) = sqlglot.parse(statement(text).sql, dialect="snowflake")
    assert isinstance(tree, exp.Query)
    assert not list(tree.find_all(exp.Command))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("prefixes", [("04",), all_of().prefixes], ids=["one prefix", "all prefixes"])
def test_the_fact_view_is_read_once(text, prefixes):
    tree = sqlglot.parse_one(statement(text, all_of(prefixes=prefixes)).sql, dialect="snowflake")
    assert [table.name for table in tree.find_all(exp.Table)].count(FACT) == 1


@pytest.mark.parametrize("text", TEXTS)
def test_no_value_is_in_the_text_however_many_there_are(text):
    ssns = tuple(f"9{number:08d}" for number in range(50_000))
    agencies = ("agency one", "agency two")
    made = statement(text, all_of(excluded_ssns=ssns, excluded_agencies=agencies))
    assert made.sql == statement(text).sql
    assert all(value in str(made.positional) for value in (ssns[0], ssns[-1], *agencies))


@pytest.mark.parametrize("text", TEXTS)
def test_the_numbers_of_the_marks_are_those_of_the_values(text):
    made = statement(text)
    marks = {int(mark.name) for mark in sqlglot.parse_one(made.sql, dialect="snowflake").find_all(exp.Placeholder)}
    assert marks == set(range(1, len(made.positional) + 1))


@pytest.mark.parametrize("name", ["", "   ", "x" * 256, "a\nb", "a\x00b"])
def test_a_name_that_can_be_none_is_refused_with_its_setting(name):
    with pytest.raises(SourceError, match=r"SNOWFLAKE_SCHEMA is .*; allowed: a name of 1 to 255"):
        identifier(name, setting="SNOWFLAKE_SCHEMA")


@pytest.mark.parametrize(
    "layout",
    [
        SourceLayout(database="ANALYTICS", schema='BI"; DROP TABLE X; --'),
        SourceLayout(database="A.B; DROP DATABASE C", schema="BI"),
        SourceLayout(database="ANALYTICS", schema="BI", status_column='Visit Status" OR 1=1 --'),
    ],
    ids=["schema", "database", "status column"],
)
@pytest.mark.parametrize("text", TEXTS)
def test_names_are_quoted(text, layout):
    plain, odd = (sqlglot.parse(statement(text, layout=each).sql, dialect="snowflake") for each in (LAYOUT, layout))
    assert len(odd) == 1
    assert [type(node) for node in odd[0].walk()] == [type(node) for node in plain[0].walk()]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("zone", ["UTC') OR ('1'='1", "../UTC", "", "Nowhere/Land"])
def test_a_zone_that_nobody_knows_is_refused_before_it_is_asked_for(text, zone):
    with pytest.raises(SourceError, match=r"SOURCE_TIME_ZONE is .*; allowed: a time zone such as"):
        statement(text, layout=SourceLayout(database="ANALYTICS", schema="BI", time_zone=zone))


def test_a_plain_name_means_what_it_means_unquoted():
    assert identifier("analytics", setting="x").sql(dialect="snowflake") == '"ANALYTICS"'
    assert identifier("My Views", setting="x").sql(dialect="snowflake") == '"My Views"'


def test_without_a_status_column_none_is_read():
    made = statement("active_visits", layout=SourceLayout(database="A", schema="B", status_column=None))
    assert '"Visit Status"' not in made.sql
    assert made.named["has_status"] is False
