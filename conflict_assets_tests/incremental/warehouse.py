"""A small warehouse that changes at random: rows in memory, and a DuckDB file that holds the same."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa

from conflict_assets.domain.normalization import normal_ssn, trimmed
from conflict_assets.domain.policy import DEFAULT_SPEED_BANDS
from conflict_assets.domain.window import Window
from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.layout import FACT, STATUS_COLUMN
from conflict_assets_tests.incremental.values import (
    COMMON,
    SSNS,
    midnight,
    moment_of,
    new_value,
    text_of,
    written_ssn,
)
from conflict_assets_tests.source.warehouse import WHOLE_NUMBERS, Warehouse, declared_type

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]
Cell = tuple[str, str]
"""A view and a column of it."""

CELLS: tuple[Cell, ...] = tuple((view, column) for view, columns in CONTRACT.items() for column in columns)
KEYS: Mapping[str, str] = {view: next(iter(columns)) for view, columns in CONTRACT.items()}
"""The column of each dimension by which it is joined, the first of its columns."""

AGENCIES = ("P", "Q", "R", "S")
ROWS_OF_DIMENSIONS = {"DIMCAREGIVER": 12, "DIMPROVIDER": len(AGENCIES), "DIMPATIENT": 5, "DIMPATIENTADDRESS": 5}
FEWEST_VISITS, MOST_VISITS = 110, 150
BLOCK = timedelta(days=10)
BLOCKS_BEGIN = date(2000, 1, 1)
ARROW = {Kind.TEXT: pa.string(), Kind.DIGITS: pa.string(), Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_()}
TIMES = ("Scheduled Start Time", "Scheduled End Time", "Visit Start Time", "Visit End Time", "Call In Time",
         "Call Out Time")  # fmt: skip


@dataclass
class Surroundings:
    """What a night goes by besides the warehouse: settings, the store's lists, and how the source is laid out."""

    settings: dict[str, Any] = field(default_factory=lambda: {"max_visits_per_day": 4})
    agencies: set[str] = field(default_factory=set)
    ssns: set[str] = field(default_factory=set)
    bands: tuple[Any, ...] = DEFAULT_SPEED_BANDS
    layout: dict[str, Any] = field(default_factory=lambda: {"status_column": STATUS_COLUMN})


class RandomWarehouse:
    """Tables of the contract, drawn and changed by one `Random`, so that a seed gives the same ones again."""

    def __init__(self, rng: Random, window: Window) -> None:
        self.rng = rng
        self.window = window
        self.around = Surroundings()
        self.edited: Counter[Cell] = Counter()
        self.numbers = count(1)
        self.tables: dict[str, list[Row]] = {view: [] for view in CONTRACT}
        self._cells = self._endless_cells()
        self._fill_dimensions()
        self.plain = {view: [dict(row) for row in rows] for view, rows in self.tables.items()}
        while len(self.visits) < (FEWEST_VISITS + MOST_VISITS) // 2:
            self.add_visits()
        self.visits.extend([dict(row) for row in self.visits[:4]])

    @property
    def visits(self) -> list[Row]:
        """The rows of the fact view."""
        return self.tables[FACT]

    def next_cell(self) -> Cell:
        """Another column, each as often as any other."""
        return next(self._cells)

    def _endless_cells(self) -> Iterator[Cell]:
        while True:
            yield from self.rng.sample(CELLS, len(CELLS))

    def change(self, view: str, row: Row, column: str) -> None:
        """Give a cell another value that fits its column."""
        others = [each[column] for each in self.tables[view]]
        row[column] = new_value(self.rng, column, CONTRACT[view][column], row[column], others)
        self.edited[view, column] += 1

    def _fill_dimensions(self) -> None:
        for view, key in KEYS.items():
            if view == FACT:
                continue
            for number in range(ROWS_OF_DIMENSIONS.get(view, 3)):
                row = {column: f"{column} {number}" for column in CONTRACT[view]}
                for column, kind in CONTRACT[view].items():
                    if kind is not Kind.TEXT or column in COMMON:
                        row[column] = new_value(self.rng, column, kind, None, [])
                owner = AGENCIES[number] if view == "DIMPROVIDER" else f"{key} {number}"
                ssn = written_ssn(self.rng, SSNS[number % len(SSNS)])
                usual = {
                    key: owner,
                    "SSN": ssn,
                    "Is Active": True,
                    "Is Demo": False,
                    "Primary Address": True,
                    "Address Type": "Home GPS",
                }
                self.tables[view].append(row | {name: value for name, value in usual.items() if name in row})

    def add_visits(self, **changes: Any) -> list[Row]:
        """Add a few visits of one SSN on one date and its neighbours, mostly contested ones."""
        ssn = self.rng.choice(self.ssns_in_use() or [None])
        day = self.some_day()
        added = [self.new_visit(ssn, day + timedelta(days=self.rng.choice((0, 0, 0, 1, -1)))) | changes for _ in "123"]
        self.visits.extend(added[: self.rng.randint(1, 3)])
        return added

    def some_day(self) -> date:
        """A date: often at an edge of the window, or where a block begins or ends."""
        first, last = self.window.first, self.window.last
        any_day = first + timedelta(days=self.rng.randint(0, (last - first).days))
        start_of_block = any_day - (any_day - BLOCKS_BEGIN) % BLOCK
        return self.rng.choice(
            (
                any_day,
                start_of_block + timedelta(days=self.rng.choice((-1, 0, 9, 10))),
                first + timedelta(days=self.rng.randint(-3, 30)),
                last + timedelta(days=self.rng.randint(-10, 30)),
            )
        )

    def new_visit(self, ssn: str | None, day: date) -> Row:
        """A visit that is good by itself, with something in every column."""
        rng = self.rng
        row = {
            column: new_value(rng, column, kind, None, ["0", "1"] if kind is Kind.TEXT else [])
            for column, kind in CONTRACT[FACT].items()
        }
        for view, key in KEYS.items():
            if key in row and view != FACT:
                row[key] = rng.choice(self.tables[view] or [{key: None}])[key]
        start = moment_of(midnight(day)) + timedelta(minutes=rng.choice((540, 540, 570, 600, 1380)))
        end = start + timedelta(minutes=rng.choice((60, 60, 90, 180)))
        late = timedelta(minutes=rng.choice((0, 0, 5)))
        worked = rng.random() < 0.6
        usual = {
            "Visit Id": f"v{next(self.numbers):05d}",
            "Visit Date": midnight(day),
            "Visit Status": "Confirmed",
            "Is Missed": False,
            "Permanent Deleted": False,
            "Provider Id": rng.choice(AGENCIES),
            "Caregiver Id": rng.choice(self.caregivers_of(ssn) or [None]),
            "Provider Patient Id": rng.choice(self.tables["DIMPATIENT"] or [{"Patient Id": None}])["Patient Id"],
            "Visit Updated User Id": rng.choice(self.tables["DIMUSER"] or [{"User Id": None}])["User Id"],
            "Visit Updated Timestamp": text_of(start),
        }
        times = (start, end, start + late if worked else None, end + late if worked else None, start, end)
        shown = {name: text_of(moment) if moment else None for name, moment in zip(TIMES, times, strict=True)}
        return row | {name: value for name, value in (usual | shown).items() if name in row}

    def ssns_in_use(self) -> list[str]:
        """The SSNs of the caregivers that have a valid one."""
        found = {normal_ssn(row["SSN"] or "") for row in self.tables["DIMCAREGIVER"]}
        return sorted(found & set(SSNS))

    def caregivers_of(self, ssn: str | None) -> list[str]:
        """The ids of the caregivers with an SSN."""
        rows = self.tables["DIMCAREGIVER"]
        return [row["Caregiver Id"] for row in rows if normal_ssn(row["SSN"] or "") == ssn]

    def visits_of(self, ssn: str | None) -> list[Row]:
        """The visits of an SSN."""
        caregivers = set(self.caregivers_of(ssn))
        return [row for row in self.visits if row["Caregiver Id"] in caregivers]

    def telling_visits(self) -> list[Row]:
        """The visits on dates at which their caregiver's SSN has visits at several agencies, roughly."""
        ssns = {row["Caregiver Id"]: normal_ssn(row["SSN"] or "") for row in self.tables["DIMCAREGIVER"]}
        days: dict[tuple[str | None, str | None], list[Row]] = {}
        for row in self.visits:
            days.setdefault((ssns.get(row["Caregiver Id"]), row["Visit Date"]), []).append(row)
        several = [rows for rows in days.values() if len({row["Provider Id"] for row in rows}) > 1]
        return [row for rows in several for row in rows]

    def settle(self) -> None:
        """Leave nothing open that the rules leave open.

        Of two rows of one visit that are alike in all by which the newer one is chosen, a reading may take either. So
        such rows get different application ids, unless they are alike in everything. Of a patient's addresses, those
        that differ in a missing and an odd date alone get the missing one.
        """
        by_id: dict[str, list[Row]] = {}
        for row in self.visits:
            by_id.setdefault(trimmed(row["Visit Id"] or ""), []).append(row)
        for rows in by_id.values():
            _tell_apart(rows, self.numbers)
        for row in self.tables["DIMPATIENTADDRESS"]:
            if len(self.tables["DIMPATIENTADDRESS"]) > ROWS_OF_DIMENSIONS["DIMPATIENTADDRESS"]:
                created = row["Application Created UTC Timestamp"]
                row["Application Created UTC Timestamp"] = None if text_of(moment_of(created)) != created else created


def _tell_apart(rows: list[Row], numbers: Iterator[int]) -> None:
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(repr(row), []).append(row)
    taken: set[str | None] = set()
    for alike in kinds.values():
        if alike[0]["Application Visit Id"] in taken:
            name = f"apart {next(numbers)}"
            for row in alike:
                row["Application Visit Id"] = name
        taken.add(alike[0]["Application Visit Id"])


class WarehouseFile:
    """The DuckDB file in which a source finds the tables."""

    def __init__(self, path: Path) -> None:
        self.path = Warehouse(path).close()
        self._written: dict[str, list[Row]] = {}

    def write(self, tables: Tables) -> None:
        """Bring the file to these rows; tables that hold them already are not touched."""
        differing = [view for view, rows in tables.items() if repr(self._written.get(view)) != repr(rows)]
        if not differing:
            return
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.begin()
            for view in differing:
                self._refill(connection, view, tables[view])
            connection.commit()
        self._written |= {view: [dict(row) for row in tables[view]] for view in differing}

    def _refill(self, connection: duckdb.DuckDBPyConnection, view: str, rows: list[Row]) -> None:
        columns = CONTRACT[view]
        filling = pa.table({name: _arrow([row[name] for row in rows], name, kind) for name, kind in columns.items()})
        connection.register("filling", filling)
        values = ", ".join(f'CAST("{name}" AS {declared_type(name, kind)})' for name, kind in columns.items())
        connection.execute(f'DELETE FROM "BI"."{view}"')  # noqa: S608 - a name of the contract
        connection.execute(f'INSERT INTO "BI"."{view}" SELECT {values} FROM filling')  # noqa: S608 - likewise
        connection.unregister("filling")


def _arrow(values: list[Any], name: str, kind: Kind) -> pa.Array:
    """Values of a column, as text where DuckDB reads it more exactly than Arrow holds it."""
    if name in WHOLE_NUMBERS or kind is Kind.INSTANT:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values, ARROW[kind])
