"""The contract's tables in memory: refilled for each test, and read as the source reads a file, beside the twin."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa

from conflict_assets.domain.reasons import InactiveReason, RejectReason
from conflict_assets.source import query as query_module
from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.dialects import Dialect
from conflict_assets.source.duckdb import DuckDBVisitReader
from conflict_assets.source.layout import STATUS_COLUMN, SourceLayout
from conflict_assets.source.protocol import VisitQuery
from conflict_assets.source.query import Text, Value
from conflict_assets.source.statement import Statement
from conflict_assets_tests.source.classification_twin import TOLD_OF, Sorting, classify_visits, order_of_rows
from conflict_assets_tests.source.reading import read_with
from conflict_assets_tests.source.warehouse import WHOLE_NUMBERS, declared_type

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
ARROW = {
    Kind.TEXT: pa.string(),
    Kind.DIGITS: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.INSTANT: pa.timestamp("us", "UTC"),
}
REASONS = tuple(str(reason) for reason in (*InactiveReason, *RejectReason))


@dataclass(frozen=True)
class Found:
    """What the source says: the rows that travel, in its order, and the counts by prefix."""

    rows: list[Row]
    counts: dict[str | None, dict[str, int]]

    def by_id(self) -> dict[str, Row]:
        """The rows by visit id."""
        return {row["visit_id"]: row for row in self.rows}


_compose = query_module._statement
_composed: dict[tuple[object, ...], Statement] = {}


def composed_once(text: Text, values: Mapping[str, Value], layout: SourceLayout, dialect: Dialect) -> Statement:
    """A statement as the source composes it, but only once: its text depends on no value, and takes long to make."""
    if (key := (text, layout, dialect)) not in _composed:
        _composed[key] = _compose(text, values, layout, dialect)
    made = _composed[key]
    return Statement(made.sql, {name: values[name] for name in made.named})


class Bench:
    """Tables to be filled again and again; to make them takes longer than to sort what is in them."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1, "preserve_insertion_order": "false"})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute('CREATE SCHEMA "BI"')
        for view, columns in CONTRACT.items():
            declared = ", ".join(f'"{column}" {declared_type(column, kind)}' for column, kind in columns.items())
            self.connection.execute(f'CREATE TABLE "BI"."{view}" ({declared})')

    def fill(self, tables: Tables) -> None:
        """Put these rows, and no others, into the tables."""
        assert set(tables) <= set(CONTRACT)
        for view, columns in CONTRACT.items():
            self.connection.execute(f'TRUNCATE "BI"."{view}"')
            if rows := tables.get(view):
                assert {name for row in rows for name in row} <= set(columns)
                types = [(name, pa.int64() if name in WHOLE_NUMBERS else ARROW[kind]) for name, kind in columns.items()]
                self.connection.register("filling", pa.Table.from_pylist(list(rows), schema=pa.schema(types)))
                self.connection.execute(f'INSERT INTO "BI"."{view}" SELECT * FROM filling')  # noqa: S608 - a name of the contract
                self.connection.unregister("filling")

    def reader(self, **layout: Any) -> DuckDBVisitReader:
        """A reader of what the tables hold."""
        return DuckDBVisitReader(self.connection, SourceLayout(schema="BI", **layout))

    def find(self, tables: Tables, query: VisitQuery, **layout: Any) -> Found:
        """Let the source sort these tables."""
        self.fill(tables)
        with patch.object(query_module, "_statement", composed_once):
            return read(self.reader(**layout), query)

    def sort(self, tables: Tables, query: VisitQuery, **layout: Any) -> Found:
        """Let the source sort these tables, and hold it to its twin."""
        found = self.find(tables, query, **layout)
        assert_agreement(found, sort_as_twin(tables, query, **layout))
        return found


def read(reader: DuckDBVisitReader, query: VisitQuery) -> Found:
    """Read an open source as a run does."""
    counts, rows = read_with(reader, query)
    return Found(rows.to_pylist(), counts)


def sort_as_twin(tables: Tables, query: VisitQuery, **layout: Any) -> Sorting:
    """What the twin says of tables that the source reads by this layout."""
    zone = layout.get("time_zone", "America/New_York")
    return classify_visits(
        tables, query, time_zone=zone, has_status=layout.get("status_column", STATUS_COLUMN) is not None
    )


def assert_agreement(found: Found, twin: Sorting) -> None:
    """Source and twin say the same of every row and number, and nothing is lost."""
    counts = [(prefix, found.counts.get(prefix), twin.counts.get(prefix)) for prefix in {**found.counts, **twin.counts}]
    assert_all_equal("counts", counts)
    assert found.rows == sorted(found.rows, key=order_of_rows), "rows are out of order"
    rows = in_full_order(row for row in found.rows if row["outcome"] not in TOLD_OF)
    pairs = enumerate(zip_longest(rows, in_full_order(twin.rows), fillvalue={}))
    assert_all_equal("row", [(number, *pair) for number, pair in pairs])
    told = counted(row for row in found.rows if row["outcome"] in TOLD_OF)
    assert not (missing := counted(twin.must_tell) - told), f"should be told of: {list(missing)[:2]}"
    assert not (needless := told - counted(twin.may_tell)), f"should not be told of: {list(needless)[:2]}"
    assert_nothing_is_lost(found, len(twin.visits))


def in_full_order(rows: Iterable[Row]) -> list[Row]:
    """Rows in their order; old rows of one visit, which have no order, by what they were counted as."""
    return sorted(rows, key=lambda row: [*order_of_rows(row), row["surveyed_as"] or ""])


def assert_all_equal(what: str, pairs: Iterable[tuple[Any, Row | None, Row | None]]) -> None:
    """Find the first of many pairs that differs, and say in what: to tell how long lists differ takes minutes."""
    for key, ours, theirs in pairs:
        names = {**(ours or {}), **(theirs or {})}
        differing = {name: ((ours or {}).get(name), (theirs or {}).get(name)) for name in names}
        differing = {name: values for name, values in differing.items() if values[0] != values[1]}
        assert not differing, f"{what} {key!r} by source and twin: {differing}"


def counted(rows: Iterable[Row]) -> Counter[tuple[Any, ...]]:
    """How often each row of what is told of an inactive visit occurs."""
    return Counter(
        (row["ssn_prefix"], row["visit_id"], row["outcome"], row["surveyed_as"], any_other(row)) for row in rows
    )


def any_other(row: Row) -> bool:
    """Whether a row has more than what is told of an inactive visit."""
    filled = {name for name, value in row.items() if value is not None}
    return not filled <= {"ssn_prefix", "visit_id", "outcome", "surveyed_as"}


def assert_nothing_is_lost(found: Found, visits: int) -> None:
    """Every visit is counted, once and under one name."""
    for counts in found.counts.values():
        assert counts["visits_seen"] == counts["active"] + sum(counts[reason] for reason in REASONS)
        assert 0 <= counts["contested"] <= counts["active"]
    assert sum(counts["visits_seen"] for counts in found.counts.values()) == visits
    contested = [row["ssn_prefix"] for row in found.rows if row["outcome"] == "contested"]
    for prefix, counts in found.counts.items():
        assert contested.count(prefix) == counts["contested"]
