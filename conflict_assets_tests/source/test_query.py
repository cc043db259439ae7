"""The statements as text: bound values only, one read of the fact view, nothing that Snowflake does not document."""

from itertools import pairwise

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from conflict_assets.source.contract import CONTRACT
from conflict_assets.source.layout import FACT, SourceLayout, identifier
from conflict_assets.source.protocol import Look, SourceError
from conflict_assets.source.query import (
    all_cells_statement,
    cells_statement,
    changed_visits_statement,
    coarse_cells_statement,
    dimension_hashes_statement,
    duplicates_statement,
    finer_cells_statement,
    repeated_ids_statement,
    rows_statement,
    ssn_buckets_statement,
    survey_statement,
    visit_count_statement,
)
from conflict_assets.source.result_tables import ResultScans
from conflict_assets_tests.source.reading import NO_SURVEY
from conflict_assets_tests.source.warehouse import all_of

QUERY_ID = "01b71944-0001-b181-0000-0129032279f6"
LAYOUT = SourceLayout(database="ANALYTICS", schema="BI")
TEXTS = ("active_visits", "visit_survey")
FUNCTIONS_URL = "https://docs.snowflake.com/en/sql-reference/functions/"
DOCUMENTED = {
    "ABS": "abs",
    "BITAND": "bitand",
    "BOOLOR_AGG": "boolor_agg",
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

LOOK = Look(cells=[1], repeated_ids=["7"])


def statement(text, query=None, layout=LAYOUT, survey=NO_SURVEY):
    if text == "visit_survey":
        return survey_statement(query or all_of(), layout, "snowflake")
    return rows_statement(query or all_of(), survey, layout, "snowflake", {"survey": ResultScans().table(QUERY_ID)})


def statements_of_incremental_nights(layout=LAYOUT):
    """Each statement that only a night needs that compares with an earlier one."""
    kept, query = ResultScans().table(QUERY_ID), all_of()
    return {
        "all_cells": all_cells_statement(layout, "snowflake", kept),
        "cells": cells_statement(query, layout, "snowflake"),
        "coarse_cells": coarse_cells_statement(layout, "snowflake", kept),
        "finer_cells": finer_cells_statement([1], layout, "snowflake", kept),
        "dimension_hashes": dimension_hashes_statement(layout, "snowflake"),
        "visit_count": visit_count_statement(layout, "snowflake"),
        "ssn_buckets": ssn_buckets_statement(query, ["041234567"], layout, "snowflake"),
        "repeated_ids": repeated_ids_statement(query, LOOK, kept, layout, "snowflake"),
        "changed_visits": changed_visits_statement(query, LOOK, layout, "snowflake"),
    }


def functions(sql):
    tokens = sqlglot.tokenize(sql, read="snowflake")
    called = {
        name.text.upper()
        for name, bracket in pairwise(tokens)
        if bracket.token_type is TokenType.L_PAREN and name.text.isidentifier()
    }
    return called - WORDS


def test_every_function_is_one_that_snowflake_documents():
    texts = [statement(text) for text in TEXTS] + list(statements_of_incremental_nights().values())
    used = set().union(*(functions(each.sql) for each in texts))
    assert used | functions(duplicates_statement(LAYOUT, "snowflake").sql) == set(DOCUMENTED)


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_passes_the_parser_of_snowflake_s_dialect(text):
    (tree,) = sqlglot.parse(statement(text).sql, dialect="snowflake")
    assert isinstance(tree, exp.Query)
    assert not list(tree.find_all(exp.Command))


@pytest.mark.parametrize("name", statements_of_incremental_nights())
def test_the_texts_of_incremental_nights_pass_it_too(name):
    (tree,) = sqlglot.parse(statements_of_incremental_nights()[name].sql, dialect="snowflake")
    assert isinstance(tree, exp.Query)
    assert not list(tree.find_all(exp.Command))


def test_every_column_that_is_read_is_hashed():
    """A column of the contract that no hash covers could change without being noticed."""
    layout = LAYOUT
    hashed = {
        column.name
        for text in ("cells", "dimension_hashes")
        for tree in sqlglot.parse(statements_of_incremental_nights(layout)[text].sql, dialect="snowflake")
        for function in tree.find_all(exp.Anonymous, exp.Func)
        if function.sql_name() == "HASH" or function.name == "HASH"
        for column in function.find_all(exp.Column)
    }
    read = {column for view, columns in CONTRACT.items() for column in columns}
    # The columns of caregivers are hashed under the names that they have as a visit's.
    assert read - hashed <= {*CONTRACT["DIMCAREGIVER"], "Is Active", "Is Demo"}


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
