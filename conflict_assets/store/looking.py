"""One conflict, or one group of conflicts, for people to look at; by the masked view, which readers see too."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import kwargs_row
from psycopg.types.datetime import DateLoader, TimestamptzLoader


@dataclass(frozen=True, kw_only=True)
class ShownVisit:
    """A visit of a stored conflict, without its client."""

    visit_id: str
    visit_date: date | None
    provider_id: str
    provider_name: str | None
    sch_start_time: datetime | None
    sch_end_time: datetime | None
    visit_start_time: datetime | None
    visit_end_time: datetime | None


@dataclass(frozen=True, kw_only=True)
class StoredConflict:
    """What the store holds of a conflict; the SSN is masked. `visit` has the smaller visit id."""

    pair_id: str
    group_id: str
    ssn: str
    status: str
    rule: int
    overlap_minutes: float | None
    distance_miles: float | None
    eta_travel_minutes: float | None
    minutes_between: float | None
    first_detected_at: datetime
    last_detected_at: datetime
    resolved_at: datetime | None
    resolved_reason: str | None
    decision: str | None
    decision_reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision_outdated: bool
    visit: ShownVisit
    con_visit: ShownVisit
    unreadable: tuple[str, ...] = ()
    """Columns that hold what no date and no time can be; they are missing here."""


_OWN = [each.name for each in fields(StoredConflict) if each.name not in {"visit", "con_visit", "unreadable"}]
_VISIT = [each.name for each in fields(ShownVisit)]
_SELECT = sql.SQL("SELECT {} FROM conflict_visit_maps AS m WHERE visit_id < con_visit_id COLLATE {} AND ").format(
    sql.SQL(", ").join(map(sql.Identifier, [*_OWN, *_VISIT, *(f"con_{name}" for name in _VISIT)])),
    sql.Identifier("C"),
)
_ORDER = sql.SQL(" ORDER BY least(visit_date, con_visit_date), pair_id, ssn")


def conflicts_of_pair(connection: psycopg.Connection[Any], pair_id: str) -> list[StoredConflict]:
    """What the store holds of a pair: one row, but for a visit that changed its caregiver; those that hold first."""
    found = _read(connection, sql.SQL("pair_id = {}").format(pair_id))
    return sorted(found, key=lambda each: each.resolved_at is not None)


def conflicts_of_group(connection: psycopg.Connection[Any], group_id: str) -> list[StoredConflict]:
    """The conflicts of a group that hold, by day."""
    return _read(connection, sql.SQL("group_id = {} AND resolved_at IS NULL").format(group_id))


def _read(connection: psycopg.Connection[Any], condition: sql.Composable) -> list[StoredConflict]:
    with connection.cursor(row_factory=kwargs_row(_stored)) as cursor:
        cursor.adapters.register_loader("date", _AnyDateLoader)
        cursor.adapters.register_loader("timestamptz", _AnyTimeLoader)
        return cursor.execute(_SELECT + condition + _ORDER).fetchall()


_UNREADABLE = object()


class _AnyDateLoader(DateLoader):
    """Dates of PostgreSQL, whose calendar is larger than Python's."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _UNREADABLE


class _AnyTimeLoader(TimestamptzLoader):
    """Times of PostgreSQL, whose calendar is larger than Python's."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _UNREADABLE


def _stored(**columns: Any) -> StoredConflict:
    known: dict[str, Any] = {name: None if value is _UNREADABLE else value for name, value in columns.items()}
    return StoredConflict(
        **{name: known[name] for name in _OWN},
        visit=ShownVisit(**{name: known[name] for name in _VISIT}),
        con_visit=ShownVisit(**{name: known[f"con_{name}"] for name in _VISIT}),
        unreadable=tuple(name for name, value in columns.items() if value is _UNREADABLE),
    )
