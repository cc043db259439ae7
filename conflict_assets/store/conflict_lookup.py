"""Look-ups of single conflicts, or of one group of conflicts, for people.

They read the masked view, which readers may see too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import kwargs_row
from psycopg.types.datetime import DateLoader, TimestamptzLoader

from conflict_assets.domain.listed_conflicts import ShownConflict


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
    payer_id: str | None
    contract: str | None

    @property
    def is_actual(self) -> bool:
        """Return whether the visit is judged by its actual times.

        Else it is judged by its schedule.
        """
        return self.visit_start_time is not None and self.visit_end_time is not None

    @property
    def start(self) -> datetime | None:
        """Return when the visit starts, by the times that it is judged by."""
        return self.visit_start_time if self.is_actual else self.sch_start_time

    @property
    def end(self) -> datetime | None:
        """Return when the visit ends, by the times that it is judged by."""
        return self.visit_end_time if self.is_actual else self.sch_end_time


@dataclass(frozen=True, kw_only=True)
class StoredConflict(ShownConflict):
    """A conflict in the store, with its visits.

    `visit` has the smaller visit id.
    """

    visit: ShownVisit
    con_visit: ShownVisit
    unreadable: tuple[str, ...] = ()
    """Columns whose stored value is no date or time that Python knows. They are None here."""


_OWN = [each.name for each in fields(ShownConflict)]
_VISIT = [each.name for each in fields(ShownVisit)]
_SELECT = sql.SQL("SELECT {} FROM conflict_visit_maps AS m WHERE visit_id < con_visit_id COLLATE {} AND ").format(
    sql.SQL(", ").join(map(sql.Identifier, [*_OWN, *_VISIT, *(f"con_{name}" for name in _VISIT)])),
    sql.Identifier("C"),
)
_ORDER = sql.SQL(" ORDER BY least(visit_date, con_visit_date), pair_id, ssn")


def conflicts_of_pairs(connection: psycopg.Connection[Any], pair_ids: Sequence[str]) -> list[StoredConflict]:
    """Return what the store shows of several pairs, ordered by day.

    A pair is one row, except for visits that are under several SSNs. Its conflicts all hold, or all of them are
    resolved: the resolved twin of a conflict that holds is not shown.
    """
    return _read(connection, sql.SQL("pair_id = ANY({})").format(list(pair_ids)))


def conflicts_of_group(connection: psycopg.Connection[Any], group_id: str) -> list[StoredConflict]:
    """Return the conflicts of a group that hold, ordered by day."""
    return _read(connection, sql.SQL("group_id = {} AND resolved_at IS NULL").format(group_id))


def _read(connection: psycopg.Connection[Any], condition: sql.Composable) -> list[StoredConflict]:
    with connection.cursor(row_factory=kwargs_row(_stored)) as cursor:
        cursor.adapters.register_loader("date", _AnyDateLoader)
        cursor.adapters.register_loader("timestamptz", _AnyTimeLoader)
        return cursor.execute(_SELECT + condition + _ORDER).fetchall()


_UNREADABLE = object()


class _AnyDateLoader(DateLoader):
    """A loader of PostgreSQL's dates, whose calendar is larger than Python's."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _UNREADABLE


class _AnyTimeLoader(TimestamptzLoader):
    """A loader of PostgreSQL's times, whose calendar is larger than Python's."""

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
