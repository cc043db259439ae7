"""The statements that read visits.

They are written once in Snowflake's dialect (`sql`), and get their values and their dialect here.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from sqlglot import exp

from conflict_assets.domain.columns.numbers import NUMBER_TEXT
from conflict_assets.domain.normalization import BLANKS, DASHES_AND_WHITE_SPACE, PLACEHOLDER_SSNS, normal_ssn, trimmed
from conflict_assets.source.bound_lists import list_text
from conflict_assets.source.cells import BUCKETS_TOGETHER, CELL_OF_FIRST_BLOCK, CELLS_A_BUCKET, MODULUS
from conflict_assets.source.conversions import leave_out_odd_dates, read_zoneless, tell_dates_by_offsets
from conflict_assets.source.dialects import Dialect
from conflict_assets.source.layout import FACT, SourceLayout, name_status, qualify_views
from conflict_assets.source.protocol import BLOCK_DAYS, FIRST_BLOCK, Look, VisitQuery
from conflict_assets.source.statement import Bound, Statement, bound_statement
from conflict_assets.source.statement_texts import parsed
from conflict_assets.source.survey import Survey
from conflict_assets.source.value_tables import NO_TABLES, Tables, put_in_place_of, put_in_tables

Text = Literal[
    "active_visits",
    "all_cells",
    "cells",
    "changed_visits",
    "coarse_cells",
    "dimension_hashes",
    "finer_cells",
    "named_visits",
    "repeated_ids",
    "ssn_buckets",
    "visit_count",
    "visit_survey",
]
Value = Bound | exp.Expr
"""What a statement needs by a name: a value that is bound (a list as JSON), or the table in which its rows lie."""

SURVEY_TABLE = "conflict_assets_survey"

DAYS_AROUND = timedelta(days=4)
"""How far from a span a visit's instant may be: two days, and what there is between the zones of the world."""

KEY_MASK = (1 << 18) - 1
"""How many buckets the keys of a dimension are shared into, less one."""


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
    own: dict[str, Value] = {
        "survey": exp.to_table(SURVEY_TABLE),
        "followed": list_text(survey.unnamed(query)),
        "every_outcome": False,
    }
    return _statement("active_visits", {**_values(query, layout), **own, **tables}, layout, dialect)


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
    own: dict[str, Value] = {
        "visit_ids": list_text(sorted({trimmed(each) for each in visit_ids})),
        "every_outcome": True,
    }
    return _statement("named_visits", {**_values(query, layout), **own, **tables}, layout, dialect)


def cells_statement(query: VisitQuery, layout: SourceLayout, dialect: Dialect, tables: Tables = NO_TABLES) -> Statement:
    """Return the statement that counts and hashes all visits by cell (`CELL_SCHEMA`)."""
    return _statement("cells", {**_values(query, layout), **tables}, layout, dialect)


def all_cells_statement(layout: SourceLayout, dialect: Dialect, kept: exp.Expr) -> Statement:
    """Return the statement that fetches the cells of a result that stays in the warehouse."""
    return _statement("all_cells", {"kept": kept, **_CELL_VALUES}, layout, dialect)


def coarse_cells_statement(layout: SourceLayout, dialect: Dialect, kept: exp.Expr) -> Statement:
    """Return the statement that takes together the cells of a result that stays in the warehouse."""
    return _statement("coarse_cells", {"kept": kept, **_CELL_VALUES}, layout, dialect)


def finer_cells_statement(
    coarse: Sequence[int], layout: SourceLayout, dialect: Dialect, kept: exp.Expr, tables: Tables = NO_TABLES
) -> Statement:
    """Return the statement that gives the cells, of a result that stays, that some coarse ones consist of."""
    values = {"kept": kept, "coarse_cells": list_text(coarse), **_CELL_VALUES}
    return _statement("finer_cells", {**values, **tables}, layout, dialect)


def dimension_hashes_statement(layout: SourceLayout, dialect: Dialect) -> Statement:
    """Return the statement that counts and hashes the rows of dimensions by key (`DIMENSION_SCHEMA`)."""
    return _statement("dimension_hashes", _CELL_VALUES, layout, dialect)


def visit_count_statement(layout: SourceLayout, dialect: Dialect) -> Statement:
    """Return the statement that counts all rows of the fact view."""
    return _statement("visit_count", {}, layout, dialect)


def ssn_buckets_statement(
    query: VisitQuery, ssns: Sequence[str], layout: SourceLayout, dialect: Dialect, tables: Tables = NO_TABLES
) -> Statement:
    """Return the statement that tells in which buckets SSNs are (`ssn`, `bucket`)."""
    return _statement("ssn_buckets", {**_values(query, layout), "ssns": list_text(ssns), **tables}, layout, dialect)


def changed_visits_statement(
    query: VisitQuery, look: Look, layout: SourceLayout, dialect: Dialect, tables: Tables = NO_TABLES
) -> Statement:
    """Return the statement that gives the visits to be looked at again.

    They are rows of the fact view as it stores them.
    """
    own: dict[str, Value] = {
        "changed_cells": list_text(look.cells),
        "repeated_ids": list_text(look.repeated_ids),
        "any_repeated": bool(look.repeated_ids),
        **_spans(look),
    }
    return _statement("changed_visits", {**_values(query, layout), **own, **tables}, layout, dialect)


def _spans(look: Look) -> Mapping[str, Value]:
    """Return the spans of a look's dates, and the days around them in any zone."""
    spans = look.spans or ((FIRST_BLOCK, FIRST_BLOCK),) * 2
    bounds = {
        name: (day + side * DAYS_AROUND).isoformat()
        for place, span in zip(("first", "second"), spans, strict=True)
        for name, day, side in ((f"{place}_begin", span[0], -1), (f"{place}_end", span[1], 1))
    }
    return {"any_date": look.spans is None, **bounds}


def repeated_ids_statement(  # noqa: PLR0917 - what a statement of a query needs, and what was kept
    query: VisitQuery,
    look: Look,
    kept: exp.Expr,
    layout: SourceLayout,
    dialect: Dialect,
    tables: Tables = NO_TABLES,
) -> Statement:
    """Return the statement that finds the visit ids of kept visits that are on rows elsewhere (`REPEATED_SCHEMA`)."""
    own: dict[str, Value] = {
        "kept": kept,
        "changed_cells": list_text(look.cells),
        "repeated_ids": list_text(look.repeated_ids),
    }
    return _statement("repeated_ids", {**_values(query, layout), **own, **tables}, layout, dialect)


def duplicates_statement(layout: SourceLayout, dialect: Dialect) -> Statement:
    """Return the statement that counts the repeated keys of dimensions.

    More than one row of a dimension carries a repeated key. The columns are `view_name` and `repeated_keys`.
    """
    tree = parsed("dimension_duplicates")
    qualify_views(tree, layout)
    return bound_statement(dialect, tree, {"blanks": BLANKS})


def _statement(text: Text, values: Mapping[str, Value], layout: SourceLayout, dialect: Dialect) -> Statement:
    """Fit a statement to the layout, put rows in tables, bind the values and translate it."""
    tree = parsed(text)
    qualify_views(tree, layout)
    if dialect == "duckdb" and "first_date" in values:
        first, last = (date.fromisoformat(str(values[name])) for name in ("first_date", "last_date"))
        tell_dates_by_offsets(tree, layout, first, last)
    leave_out_odd_dates(tree, layout)
    read_zoneless(tree, layout)
    name_status(tree, layout.status_column)
    put_in_tables(tree, {name: value for name, value in values.items() if isinstance(value, exp.Expr)})
    put_in_place_of(tree, FACT, values.get("fact"))
    bound = {name: value for name, value in values.items() if not isinstance(value, exp.Expr)}
    return bound_statement(dialect, tree, bound)


def _values(query: VisitQuery, layout: SourceLayout) -> dict[str, Value]:
    ssns = {normal_ssn(ssn) for ssn in query.excluded_ssns} | set(PLACEHOLDER_SSNS)
    return {
        "prefixes": list_text(query.prefixes),
        "prefix_length": query.prefix_length,
        "all_prefixes": query.all_prefixes,
        "first_date": query.first_date.isoformat(),
        "last_date": query.last_date.isoformat(),
        "block_days": BLOCK_DAYS,
        "first_block": FIRST_BLOCK.isoformat(),
        "buckets": query.buckets,
        "bucket_mask": query.buckets - 1,
        "cross_midnight": query.cross_midnight,
        "max_visits_per_day": query.max_visits_per_day,
        "excluded_agencies": list_text(sorted({trimmed(agency) for agency in query.excluded_agencies})),
        "excluded_ssns": list_text(sorted(ssns)),
        "number_text": f"^{NUMBER_TEXT}$",
        "source_zone": layout.time_zone,
        "has_status": layout.status_column is not None,
        "ssn_is_number": layout.ssn_is_number,
        "dashes_and_white_space": DASHES_AND_WHITE_SPACE,
        **_CELL_VALUES,
    }


_CELL_VALUES: Mapping[str, Value] = {
    "cells_a_bucket": CELLS_A_BUCKET,
    "cell_of_first_block": CELL_OF_FIRST_BLOCK,
    "modulus": MODULUS,
    "key_mask": KEY_MASK,
    "buckets_together": BUCKETS_TOGETHER,
    "blanks": BLANKS,
}
