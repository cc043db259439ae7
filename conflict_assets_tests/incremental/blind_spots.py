"""What a platform would hold that does not see when the cells of one column change.

Many columns are tried at once, so the rules in plain loops judge the visits, and no warehouse and no store.
"""

from datetime import UTC, datetime
from random import Random
from typing import Any

from conflict_assets.domain.window import Window, window_at
from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.layout import STATUS_COLUMN
from conflict_assets.source.protocol import VisitQuery
from conflict_assets_tests.incremental.histories import ZONE
from conflict_assets_tests.incremental.nights import PREFIX_LENGTH, PREFIXES, START, Calendar
from conflict_assets_tests.incremental.operations import happen
from conflict_assets_tests.incremental.warehouse import CELLS, Cell, RandomWarehouse, Row, Surroundings, Tables
from conflict_assets_tests.source.classification_twin import classify_visits

ODD = {"infinity": datetime(9999, 12, 31, 12, tzinfo=UTC), "-infinity": datetime(1, 1, 1, 12, tzinfo=UTC)}


class BlindSpot:
    """The tables as they look to one who overlooks a change of a column while nothing else of the row changes."""

    def __init__(self, cell: Cell) -> None:
        self._view, self._column = cell
        self._held: dict[int, tuple[Row, str, Any]] = {}

    def seen(self, tables: Tables) -> Tables | None:
        """The tables with the values that the column had when its row was last seen to change.

        None when these are the values that it has.
        """
        rows = [row | {self._column: self._value(row)} for row in tables[self._view]]
        return {**tables, self._view: rows} if repr(rows) != repr(tables[self._view]) else None

    def _value(self, row: Row) -> Any:
        others = repr([value for name, value in row.items() if name != self._column])
        _, known, value = self._held.get(id(row), (row, "", None))
        if known != others:
            value = row[self._column]
            # The row itself is held too, so that no other one gets its number.
            self._held[id(row)] = (row, others, value)
        return value


def noticed_changes(*, seeds: int, nights: int) -> set[Cell]:
    """The columns of which one of so many histories has a change that would be noticed, were it overlooked."""
    noticed: set[Cell] = set()
    for seed in range(seeds):
        if len(noticed) == len(CELLS):
            break
        rng = Random(seed)  # noqa: S311 - a history is to come again by its seed
        calendar, house = Calendar(rng), RandomWarehouse(rng, window_at(START, ZONE))
        spots = {cell: BlindSpot(cell) for cell in CELLS if cell not in noticed}
        for _ in range(nights):
            happen(house, calendar.events())
            house.window = window_at(calendar.next_night().as_of, ZONE)
            truth = _judged(house.tables, house.window, house.around)
            held = {cell: spot.seen(house.tables) for cell, spot in spots.items() if cell not in noticed}
            noticed |= {
                cell
                for cell, seen in held.items()
                if seen is not None and _judged(seen, house.window, house.around) != truth
            }
    return noticed


def _judged(tables: Tables, window: Window, around: Surroundings) -> str:
    """What comes of each visit, and the counts."""
    query = VisitQuery(
        prefixes=PREFIXES,
        prefix_length=PREFIX_LENGTH,
        first_date=window.first,
        last_date=window.last,
        excluded_agencies=tuple(around.agencies),
        excluded_ssns=tuple(around.ssns),
        cross_midnight=around.settings.get("cross_midnight", True),
        max_visits_per_day=around.settings["max_visits_per_day"],
    )
    has_status = around.layout["status_column"] == STATUS_COLUMN
    found = classify_visits({view: _typed(view, rows) for view, rows in tables.items()}, query, has_status=has_status)
    return repr((found.rows, sorted(found.counts.items(), key=repr)))


def _typed(view: str, rows: list[Row]) -> list[Row]:
    moments = [column for column, kind in CONTRACT[view].items() if kind is Kind.INSTANT]
    return [row | {name: _moment(row[name]) for name in moments} for row in rows]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return ODD.get(text, ODD["infinity"])
