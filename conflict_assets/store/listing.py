"""Lists of conflicts in an order that people ask for, with their costs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from conflict_assets.domain.listed_conflicts import ConflictList, ListedConflict, ListedVisit, ShownConflict
from conflict_assets.store.conflict_lookup import ShownVisit, StoredConflict, conflicts_of_pairs
from conflict_assets.store.export_query import ExportQuery, filters, view_of
from conflict_assets.store.export_rows import require_writer
from conflict_assets.store.store_queries import capped

Connection = psycopg.Connection[Any]

FEW_PAIRS = 200
"""The most pairs that are looked up by indexes, in each prefix."""


class Order(StrEnum):
    """The order in which conflicts are listed."""

    AMOUNT = "amount"
    DATE = "date"
    AGE = "age"


@dataclass(frozen=True, kw_only=True)
class RankedPair:
    """A pair at its rank.

    The last four digits distinguish the pair from a twin under another SSN. `total` counts all pairs.
    """

    pair_id: str
    last_four: str
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class PairAmounts:
    """The costs of a pair, in dollars.

    They are each visit's shift and overlap, and both overlaps together.
    """

    pair_id: str
    last_four: str
    shift_amount: float | None
    con_shift_amount: float | None
    overlap_amount: float | None
    con_overlap_amount: float | None
    amount: float | None


# The sort keys that come before the amount. They are fixed here, so that no SQL comes from a user.
_FIRST = {
    Order.AMOUNT: ("0", "ASC"),
    Order.DATE: ("max(greatest(visit_date, con_visit_date))", "DESC"),
    Order.AGE: ("min(first_detected_at)", "ASC"),
}

BY_AMOUNT_BYTEWISE = "amount DESC NULLS LAST, shifts DESC NULLS LAST, pair_id, last_four"
BY_AMOUNT = BY_AMOUNT_BYTEWISE.replace("pair_id", 'pair_id COLLATE "C"')
"""The costliest pair comes first: where texts are ordered by their bytes, and where a collation orders them.

Of pairs with equal overlaps (a trip has none), the pair with the longer or dearer visits comes first.
"""

# Either both rows of a conflict match a filter or neither does, so the amounts of both are there.
_RANK = f"""
    SELECT pair_id, last_four, {{total}} AS total
    FROM (
        SELECT pair_id, right(ssn, 4) AS last_four, {{key}} AS key, sum({capped("overlap_amount")}) AS amount,
            sum({capped("shift_amount")}) AS shifts
        FROM {{source}} WHERE {{condition}} GROUP BY pair_id, ssn
    ) AS pairs
    ORDER BY key {{direction}}, {BY_AMOUNT} LIMIT {{limit}}"""  # noqa: S608 - constants

_SIDES = ", ".join(
    f'max({capped(name)}) FILTER (WHERE visit_id {side} con_visit_id COLLATE "C") AS {prefix}{name}'
    for name in ("shift_amount", "overlap_amount")
    for prefix, side in (("", "<"), ("con_", ">"))
)

_AMOUNTS = f"""
    SELECT *, coalesce(overlap_amount + con_overlap_amount, overlap_amount, con_overlap_amount) AS amount
    FROM (
        SELECT pair_id, right(ssn, 4) AS last_four, {_SIDES}
        FROM conflict_visit_maps WHERE pair_id = ANY(%s) GROUP BY pair_id, ssn
    ) AS sides"""  # noqa: S608 - constants

_NEW_OF_RUNS = """status = 'new' AND (ssn_prefix, first_detected_at) IN (
    SELECT ssn_prefix, as_of FROM prefix_runs WHERE root_run_id = ANY({}) AND new_conflicts > 0)"""


def list_conflicts(connection: Connection, query: ExportQuery, order: Order, limit: int) -> ConflictList:
    """Return the first conflicts that match a query, read at one moment.

    Raises:
        StoreError: prefixes are asked for, and the login may not see them.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
        if query.prefixes:
            require_writer(connection, "prefixes")
        condition = filters(replace(query, both_sides=True))
        pairs = rank_pairs(connection, view_of(query), condition, order=order, limit=limit, counted=True)
        return ConflictList(listed(connection, pairs), pairs[0].total if pairs else 0)


def costliest_new(connection: Connection, root_run_ids: Sequence[str], limit: int) -> tuple[ListedConflict, ...]:
    """Return the costliest conflicts that these runs have found for the first time.

    Conflicts with a decision are left out.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Of tables that a first night has just filled PostgreSQL knows no sizes, and would join them row by row.
        connection.execute("SELECT set_config('jit', 'off', true), set_config('enable_nestloop', 'off', true)")
        condition = sql.SQL(_NEW_OF_RUNS).format(list(root_run_ids))
        ranked = rank_pairs(connection, "conflict_sides", condition, limit=limit)
        connection.execute("SELECT set_config('enable_nestloop', 'on', true)")
        return listed(connection, ranked)


def rank_pairs(
    connection: Connection,
    source: str,
    condition: sql.Composable,
    *,
    order: Order = Order.AMOUNT,
    limit: int,
    counted: bool = False,
) -> list[RankedPair]:
    """Return the first pairs of a relation, in an order.

    The relation has both rows of each conflict. With `counted` each pair holds the number of all pairs, which costs
    more.
    """
    key, direction = _FIRST[order]
    fixed = {"key": key, "direction": direction, "total": "(count(*) OVER ())::int" if counted else "0"}
    statement = sql.SQL(_RANK).format(
        **{name: sql.SQL(text) for name, text in fixed.items()},
        source=sql.Identifier(source),
        condition=condition,
        limit=limit,
    )
    with connection.cursor(row_factory=class_row(RankedPair)) as cursor:
        return cursor.execute(statement).fetchall()


def listed(connection: Connection, pairs: Sequence[RankedPair]) -> tuple[ListedConflict, ...]:
    """Return what people see of these pairs, in the order of the pairs.

    A pair that no view shows is left out.
    """
    return all_listed(connection, [pairs])[0]


def all_listed(connection: Connection, lists: Sequence[Sequence[RankedPair]]) -> tuple[tuple[ListedConflict, ...], ...]:
    """Return what people see of several lists of pairs.

    The store is asked once for all of them, so that they cost no more than one.
    """
    found = _listed_by_key(connection, list(chain.from_iterable(lists)))
    return tuple(tuple(found[key] for key in dict.fromkeys(map(_key, pairs)) if key in found) for pairs in lists)


def _key(pair: RankedPair) -> tuple[str, str]:
    return pair.pair_id, pair.last_four


def _listed_by_key(connection: Connection, pairs: Sequence[RankedPair]) -> dict[tuple[str, str], ListedConflict]:
    if not pairs:
        return {}
    names = sorted({pair.pair_id for pair in pairs})
    found: dict[tuple[str, str], StoredConflict] = {}
    with _few_looked_up_by_index(connection, len(names)):
        for each in conflicts_of_pairs(connection, names):
            found.setdefault((each.pair_id, each.ssn[-4:]), each)
        with connection.cursor(row_factory=class_row(PairAmounts)) as cursor:
            amounts = {(each.pair_id, each.last_four): each for each in cursor.execute(_AMOUNTS, [names])}
    return {key: _conflict(found[key], amounts[key]) for key in map(_key, pairs) if key in found}


@contextmanager
def _few_looked_up_by_index(connection: Connection, pairs: int) -> Iterator[None]:
    """Have a few pairs looked up by the indexes.

    Of tables that a night has just filled PostgreSQL knows no sizes, and would read them whole, twice, for a join.
    """
    setting = "SELECT set_config('enable_hashjoin', %s, true), set_config('enable_mergejoin', %s, true)"
    few = pairs <= FEW_PAIRS
    with connection.transaction():
        if few:
            connection.execute(setting, ["off", "off"])
        yield
        if few:
            connection.execute(setting, ["on", "on"])


_OWN = [each.name for each in fields(ShownConflict)]


def _conflict(stored: StoredConflict, amounts: PairAmounts) -> ListedConflict:
    return ListedConflict(
        **{name: getattr(stored, name) for name in _OWN},
        amount=amounts.amount,
        visits=(
            _visit(stored.visit, amounts.shift_amount, amounts.overlap_amount),
            _visit(stored.con_visit, amounts.con_shift_amount, amounts.con_overlap_amount),
        ),
    )


def _visit(shown: ShownVisit, shift_amount: float | None, overlap_amount: float | None) -> ListedVisit:
    return ListedVisit(
        visit_id=shown.visit_id,
        visit_date=shown.visit_date,
        provider_id=shown.provider_id,
        provider_name=shown.provider_name,
        payer_id=shown.payer_id,
        payer_name=shown.contract,
        is_actual=shown.is_actual,
        start=shown.start,
        end=shown.end,
        shift_amount=shift_amount,
        overlap_amount=overlap_amount,
    )
