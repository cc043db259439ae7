"""Dates of instants in DuckDB, by the offsets of their zone.

This takes a tenth of the time that DuckDB's calendar takes.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp

BEFORE, AFTER = timedelta(days=366), timedelta(days=60)
"""Around the window: what lies further out is rare enough to go through the calendar."""

Offset = tuple[datetime, timedelta]
"""From when on a zone's clock is ahead of UTC by how much."""


def offsets(zone: ZoneInfo, first: datetime, end: datetime) -> list[Offset]:
    """The offsets of a zone between two instants.

    Each comes with the instant from which it holds.
    """
    found = [(first, _offset(zone, first))]
    moment = first
    while moment < end:
        following = min(moment + timedelta(days=1), end)
        if _offset(zone, following) != found[-1][1]:
            changed = _changes_at(zone, moment, following)
            found.append((changed, _offset(zone, changed)))
            moment = changed
        else:
            moment = following
    return found


def date_by_offsets(cast: exp.Cast, zone: ZoneInfo, first: date, last: date) -> None:
    """Compute the date of an instant near the window by offsets.

    `first` and `last` are both in the window. The dates of instants further out are computed as before.
    """
    moment = cast.this.args["timestamp"]
    begin, end = (datetime.combine(day, time(), UTC) for day in (first - BEFORE, last + AFTER))
    near = exp.and_(_reaches(moment, begin), exp.not_(_reaches(moment, end)))
    (_, usual), *later = offsets(zone, begin, end)
    ahead: exp.Expr = _microseconds(usual)
    for since, offset in later:
        ahead = exp.If(this=_reaches(moment, since), true=_microseconds(offset), false=ahead)
    local = exp.Add(this=exp.Anonymous(this="epoch_us", expressions=[moment.copy()]), expression=exp.paren(ahead))
    by_offset = exp.cast(exp.Anonymous(this="make_timestamp", expressions=[local]), exp.DataType.Type.DATE)
    cast.replace(exp.If(this=near, true=by_offset, false=cast.copy()))


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _changes_at(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second in which the offset changes between two instants.

    It changes once between them.
    """
    usual = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _offset(zone, middle) == usual else (before, middle)
    return after


def _reaches(moment: exp.Expr, instant: datetime) -> exp.Expr:
    written = exp.cast(exp.Literal.string(instant.isoformat(" ")), exp.DataType.Type.TIMESTAMPTZ)
    return exp.GTE(this=moment.copy(), expression=written)


def _microseconds(offset: timedelta) -> exp.Expr:
    return exp.convert(offset // timedelta(microseconds=1))
