"""What happens to a warehouse, and to what a night goes by, between two nights."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from conflict_assets.source.contract import CONTRACT
from conflict_assets.source.layout import FACT, STATUS_COLUMN
from conflict_assets_tests.incremental.values import BAD_SSNS, SSNS, midnight, moment_of, text_of, written_ssn
from conflict_assets_tests.incremental.warehouse import (
    AGENCIES,
    FEWEST_VISITS,
    KEYS,
    MOST_VISITS,
    TIMES,
    RandomWarehouse,
    Row,
)

DIMENSIONS = tuple(view for view in CONTRACT if view != FACT)
SPEED_BANDS = (((0, None, 30.0),), ((0, 3, 2.0), (3, None, 8.0)), ((0, 5, 4.0), (5, 10, 10.0), (10, None, 50.0)))
LONGEST_MOVE = 800
SHOWN = 0.8
"""The share of edits that are of visits near visits of another agency."""
MENDED = {"DIMPROVIDER": 0.6, "DIMCAREGIVER": 0.5, FACT: 0.4}
SELDOM_MENDED = 0.2
"""How often a dimension is made what it was, and what share of the visits outside the window is removed, each time."""


def insert_visits(house: RandomWarehouse) -> None:
    """Add visits near each other."""
    for _ in range(house.rng.randint(1, 4)):
        house.add_visits()


def edit_cells(house: RandomWarehouse) -> None:
    """Give some cells, each of another column, another value; those of visits mostly where it shows."""
    telling = house.telling_visits()
    for _ in range(house.rng.randint(8, 16)):
        view, column = house.next_cell()
        rows = telling if view == FACT and telling and house.rng.random() < SHOWN else house.tables[view]
        if rows:
            house.change(view, house.rng.choice(rows), column)


def edit_a_column(house: RandomWarehouse) -> None:
    """Give many cells of one column another value."""
    view, column = house.next_cell()
    rows = house.tables[view]
    for row in house.rng.sample(rows, min(-(-len(rows) // 2), house.rng.randint(2, 10))):
        house.change(view, row, column)


def delete_visits(house: RandomWarehouse) -> None:
    """Remove visits without a trace."""
    for _ in range(min(len(house.visits), house.rng.randint(1, 6))):
        house.visits.remove(house.rng.choice(house.visits))


def delete_dimension_row(house: RandomWarehouse) -> None:
    """Remove a row of a dimension."""
    rows = house.tables[house.rng.choice(DIMENSIONS)]
    if rows:
        rows.remove(house.rng.choice(rows))


def mend(house: RandomWarehouse) -> None:
    """Make some dimensions what they were in the beginning, and replace some visits by good ones."""
    for view in house.rng.sample(DIMENSIONS, 4):
        house.tables[view][:] = [dict(row) for row in house.plain[view]]
    for row in house.rng.sample(house.visits, min(len(house.visits), 10)):
        house.visits.remove(row)
    for _ in range(5):
        house.add_visits()


def move_dates(house: RandomWarehouse) -> None:
    """Move visits to other dates, with their times or without."""
    for row in _some_visits(house):
        days = house.rng.choice((-1, 1, 1, 10, -10, house.rng.randint(-LONGEST_MOVE, LONGEST_MOVE)))
        step = timedelta(days=days)
        row["Visit Date"] = midnight((moment_of(row["Visit Date"]) + step).date())
        if house.rng.random() < 0.7:
            for name in TIMES:
                row[name] = text_of(moment_of(row[name]) + step) if row[name] else None


def move_caregivers(house: RandomWarehouse) -> None:
    """Give visits to other caregivers."""
    _spread(house, "Caregiver Id", [row["Caregiver Id"] for row in house.tables["DIMCAREGIVER"]])


def move_agencies(house: RandomWarehouse) -> None:
    """Give visits to other agencies."""
    _spread(house, "Provider Id", AGENCIES)


def change_ssn(house: RandomWarehouse) -> None:
    """Swap two caregivers' SSNs, or write one anew, well or badly."""
    caregivers = house.tables["DIMCAREGIVER"]
    if len(caregivers) < 2:
        return
    one, other = house.rng.sample(caregivers, 2)
    share = house.rng.random()
    if share < 0.4:
        one["SSN"], other["SSN"] = other["SSN"], one["SSN"]
    elif share < 0.8:
        one["SSN"] = written_ssn(house.rng, house.rng.choice(SSNS))
    else:
        one["SSN"] = house.rng.choice(BAD_SSNS)


def repeat_visit_ids(house: RandomWarehouse) -> None:
    """Give visits the ids of other visits of their SSN, newer or older."""
    for _ in range(house.rng.randint(1, 3)):
        visits = house.visits_of(house.rng.choice(SSNS))
        if len(visits) > 1:
            one, other = house.rng.sample(visits, 2)
            one["Visit Id"] = other["Visit Id"]
            by = timedelta(days=house.rng.choice((-1, 1, 1)), minutes=house.rng.randint(0, 9))
            one["Visit Updated Timestamp"] = house.rng.choice(
                (text_of(moment_of(other["Visit Updated Timestamp"]) + by), other["Visit Updated Timestamp"], None)
            )


def part_visit_ids(house: RandomWarehouse) -> None:
    """Give visits that share an id an id of their own, or remove them."""
    shared: dict[Any, list[Row]] = {}
    for row in house.visits:
        shared.setdefault(row["Visit Id"], []).append(row)
    for rows in [rows for rows in shared.values() if len(rows) > 1][: house.rng.randint(1, 3)]:
        row = house.rng.choice(rows)
        if house.rng.random() < 0.5:
            row["Visit Id"] = f"v{next(house.numbers):05d}"
        else:
            house.visits.remove(row)


def copy_visits(house: RandomWarehouse) -> None:
    """Add rows that equal others in everything."""
    for row in _some_visits(house):
        house.visits.extend(dict(row) for _ in range(house.rng.choice((1, 1, 2))))


def change_equal_rows(house: RandomWarehouse) -> None:
    """Change rows that equal each other alike."""
    equal: dict[str, list[Row]] = {}
    for row in house.visits:
        equal.setdefault(repr(row), []).append(row)
    columns = [column for view, column in (house.next_cell() for _ in range(6)) if view == FACT]
    for rows in [rows for rows in equal.values() if len(rows) > 1]:
        for column in columns:
            house.change(FACT, rows[0], column)
        for row in rows[1:]:
            row.update(rows[0])


def make_a_crowd(house: RandomWarehouse) -> None:
    """Give an SSN more visits on a date than a day may hold."""
    ssn, day = house.rng.choice(SSNS), house.some_day()
    crowd = range(house.rng.randint(3, 6))
    house.visits.extend(house.new_visit(ssn, day) for _ in crowd)


def thin_crowds(house: RandomWarehouse) -> None:
    """Remove one visit of dates that hold several of one caregiver."""
    days: dict[tuple[Any, Any], list[Row]] = {}
    for row in house.visits:
        days.setdefault((row["Caregiver Id"], row["Visit Date"]), []).append(row)
    for rows in [rows for rows in days.values() if len(rows) > 2][:3]:
        house.visits.remove(house.rng.choice(rows))


def repeat_dimension_keys(house: RandomWarehouse) -> None:
    """Add a row of a dimension with the key of another, which differs in one column."""
    view = house.rng.choice(DIMENSIONS)
    if house.tables[view]:
        row = dict(house.rng.choice(house.tables[view]))
        house.tables[view].append(row)
        house.change(view, row, house.rng.choice([name for name in row if name != KEYS[view]]))


def close_agencies(house: RandomWarehouse) -> None:
    """Make agencies inactive, demonstrations, or what they were."""
    for row in house.tables["DIMPROVIDER"]:
        if house.rng.random() < 0.4:
            row["Is Active"], row["Is Demo"] = house.rng.choice(
                ((True, False), (True, False), (True, None), (False, False), (None, False), (True, True))
            )


def exclude(house: RandomWarehouse) -> None:
    """Put an agency or an SSN on the store's lists, or take one away."""
    around = house.around
    if house.rng.random() < 0.5:
        around.agencies ^= {house.rng.choice((*AGENCIES, " P ", "nobody"))}
    else:
        around.ssns ^= {house.rng.choice((*SSNS, f" {SSNS[0][:3]}-{SSNS[0][3:5]}-{SSNS[0][5:]}"))}
    for names in (around.agencies, around.ssns):
        if len(names) > 2:
            names.clear()


def change_settings(house: RandomWarehouse) -> None:
    """Choose another policy, which some readings depend on and some do not."""
    choices: Mapping[str, tuple[Any, ...]] = {
        "cross_midnight": (True, False),
        "max_visits_per_day": (2, 3, 4, 50),
        "extra_distance_factor": (1.25, 1.0, 3.0),
        "back_to_back_counts": (True, False),
        "incomplete_actuals": ("scheduled", "ignore"),
    }
    if house.rng.random() < 0.2:
        house.around.bands = house.rng.choice(SPEED_BANDS)
        return
    name = house.rng.choice([*choices, "cross_midnight", "max_visits_per_day"])
    house.around.settings[name] = house.rng.choice(choices[name])


def change_layout(house: RandomWarehouse) -> None:
    """Read the source in another zone or without a status, or the window by another zone's date."""
    share = house.rng.random()
    if share < 0.3:
        house.around.layout["status_column"] = house.rng.choice((STATUS_COLUMN, None))
    elif share < 0.6:
        house.around.layout["time_zone"] = house.rng.choice(("America/New_York", "America/Los_Angeles", "UTC"))
    else:
        house.around.settings["schedule_time_zone"] = house.rng.choice(
            ("America/New_York", "Pacific/Kiritimati", "Pacific/Midway")
        )


def shuffle_rows(house: RandomWarehouse) -> None:
    """Let the rows lie in another order, which changes nothing."""
    for rows in house.tables.values():
        house.rng.shuffle(rows)


def _some_visits(house: RandomWarehouse) -> list[Row]:
    return house.rng.sample(house.visits, min(len(house.visits), house.rng.randint(1, 6)))


def _spread(house: RandomWarehouse, column: str, values: Any) -> None:
    for row in _some_visits(house):
        row[column] = house.rng.choice(values or [None])


def _keep_up(house: RandomWarehouse) -> None:
    """Let a warehouse to which much has happened have something to find: good dimensions, and visits in the window."""
    rng = house.rng
    for view in DIMENSIONS:
        if rng.random() < MENDED.get(view, SELDOM_MENDED):
            house.tables[view][:] = [dict(row) for row in house.plain[view]]
    first, last = midnight(house.window.first), midnight(house.window.last)
    for row in [row for row in house.visits if not first <= (row["Visit Date"] or "") <= last]:
        if rng.random() < MENDED[FACT]:
            house.visits.remove(row)
    while len(house.visits) < FEWEST_VISITS:
        house.add_visits()
    while len(house.visits) > MOST_VISITS:
        house.visits.remove(rng.choice(house.visits))


OPERATIONS: Mapping[Callable[[RandomWarehouse], None], int] = {
    insert_visits: 3,
    edit_cells: 8,
    edit_a_column: 3,
    delete_visits: 2,
    delete_dimension_row: 1,
    mend: 4,
    move_dates: 2,
    move_caregivers: 2,
    move_agencies: 2,
    change_ssn: 2,
    repeat_visit_ids: 3,
    part_visit_ids: 2,
    copy_visits: 2,
    change_equal_rows: 2,
    make_a_crowd: 2,
    thin_crowds: 1,
    repeat_dimension_keys: 2,
    close_agencies: 1,
    exclude: 2,
    change_settings: 2,
    change_layout: 1,
    shuffle_rows: 1,
}
"""Every operation, and how often it comes beside the others."""


def happen(house: RandomWarehouse, number: int) -> list[str]:
    """Let so many operations happen, and return their names."""
    if not number:
        return []
    chosen = [edit_cells, *house.rng.choices(list(OPERATIONS), list(OPERATIONS.values()), k=number)]
    for operation in chosen:
        operation(house)
    _keep_up(house)
    house.settle()
    return [operation.__name__ for operation in chosen]
