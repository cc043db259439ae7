"""The SQL of an export, over the store's views.

It says which conflicts the export holds, and which of their columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql

from conflict_assets.domain.normalization import trimmed
from conflict_assets.domain.statuses import OPEN_STATUSES
from conflict_assets.store.brief_columns import BRIEF_COLUMNS
from conflict_assets.store.stored_columns import FLAGS

MASKED_VIEW, FULL_VIEW = "conflict_visit_maps", "conflict_sides"
NAMED = {"agency": ("provider_id", "provider_name"), "payer": ("payer_id", "contract")}
"""The columns of the id and the name, for each kind of thing that a person may name."""


class Columns(StrEnum):
    """How many columns of a conflict an export holds.

    It holds what a reviewer needs, or every column of `conflict_visit_maps`.
    """

    BRIEF = "brief"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class ExportQuery:
    """The conflicts of an export: those that match every given filter.

    A filter matches when either of the two visits matches it. Agencies and payers are given by id, or by name in any
    letter case. Rules are given by number. A conflict is one row, from the side of the smaller visit id, or one row for
    each side. Prefixes and full SSNs are for logins of the writer role.
    """

    statuses: Sequence[str] = OPEN_STATUSES
    agencies: Sequence[str] = ()
    payers: Sequence[str] = ()
    rules: Sequence[int] = ()
    prefixes: Sequence[str] = ()
    first_date: date | None = None
    last_date: date | None = None
    both_sides: bool = False
    full_ssns: bool = False
    columns: Columns = Columns.ALL


def view_of(query: ExportQuery) -> str:
    """Return the name of the view to read.

    This is the masked view, unless prefixes or full SSNs are asked for.
    """
    return FULL_VIEW if query.full_ssns or query.prefixes else MASKED_VIEW


def selected(connection: psycopg.Connection[Any], query: ExportQuery) -> sql.Composable:
    """Return the SQL of the selected columns, for either view."""
    columns = [
        sql.SQL("{} AS {}").format(expression, sql.Identifier(name))
        for name, expression in _expressions(connection, query).items()
    ]
    return sql.SQL(", ").join(columns)


def _expressions(connection: psycopg.Connection[Any], query: ExportQuery) -> Mapping[str, sql.Composable]:
    """Return the selected expressions by their names in the export."""
    if query.columns is Columns.BRIEF:
        return {
            each.name: sql.SQL(each.expression) if each.expression else _column_of_view(each.name, query)
            for each in BRIEF_COLUMNS
        }
    # The names come from the masked view even where the full one is read: no prefix may stand beside an SSN.
    found = (
        connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(MASKED_VIEW))).description or []
    )
    return {column.name: _column_of_view(column.name, query) for column in found}


def _column_of_view(name: str, query: ExportQuery) -> sql.Composable:
    """Return the SQL of a column as exports show it, from either view.

    Flags are booleans. SSNs are masked unless they are asked for in full.
    """
    masked = view_of(query) == MASKED_VIEW
    text = "{}"
    if name in FLAGS and masked:
        text = "{} = 'Y'"
    elif name == "ssn" and not masked and not query.full_ssns:
        text = "'***-**-' || right({}, 4)"
    return sql.SQL(text).format(sql.Identifier(name))


def filters(query: ExportQuery) -> sql.Composable:
    """Return the SQL condition that a row must match, for either view."""
    conditions: list[sql.Composable] = [sql.SQL("status = ANY({})").format([str(status) for status in query.statuses])]
    if not query.both_sides:
        conditions.append(sql.SQL('visit_id < con_visit_id COLLATE "C"'))
    for what, wanted in (("agency", query.agencies), ("payer", query.payers)):
        if wanted:
            conditions.append(either_side(*NAMED[what], wanted))
    if query.rules:
        conditions.append(sql.SQL("rule = ANY({})").format(list(query.rules)))
    if query.prefixes:
        conditions.append(sql.SQL("ssn_prefix = ANY({})").format(list(query.prefixes)))
    if query.first_date is not None:
        conditions.append(sql.SQL("greatest(visit_date, con_visit_date) >= {}").format(query.first_date))
    if query.last_date is not None:
        conditions.append(sql.SQL("least(visit_date, con_visit_date) <= {}").format(query.last_date))
    return sql.SQL(" AND ").join(conditions)


def either_side(ids: str, names: str, wanted: Sequence[str]) -> sql.Composable:
    """Return the condition that either visit has one of these ids or names.

    Names match in any letter case.
    """
    texts = [trimmed(text) for text in wanted]
    return sql.SQL("({0} = ANY({4}) OR {1} = ANY({4}) OR lower({2}) = ANY({5}) OR lower({3}) = ANY({5}))").format(
        *(sql.Identifier(f"{side}{name}") for name in (ids, names) for side in ("", "con_")),
        texts,
        [text.lower() for text in texts],
    )
