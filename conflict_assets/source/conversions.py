"""How the statements convert stored instants.

The SQL says `CONVERT_TIMEZONE(..., column)::type`. This is completed here by what the layout and the calendar demand.
"""

from datetime import date

from sqlglot import exp

from conflict_assets.domain.calendar import end_of_calendar, first_moment
from conflict_assets.source.layout import FACT, SourceLayout
from conflict_assets.source.local_dates import date_by_offsets


def tell_dates_by_offsets(tree: exp.Expr, layout: SourceLayout, first: date, last: date) -> None:
    """Compute dates in and near a window by the offsets of the zone.

    This is for DuckDB. Both ends are in the window.
    """
    zoneless = {column for _, column in layout.zoneless}
    for cast, moment in _conversions(tree):
        if moment.name not in zoneless and cast.is_type(exp.DataType.Type.DATE):
            date_by_offsets(cast, layout.zone, first, last)


def leave_out_odd_dates(tree: exp.Expr, layout: SourceLayout) -> None:
    """Make dates and times missing that the calendar does not have.

    This is done before any function sees them. `CONVERT_TIMEZONE(..., column)::type` becomes `IFF(column is in the
    calendar, CONVERT_TIMEZONE(..., column)::type, NULL)`.
    """
    zoneless = {column for _, column in layout.zoneless}
    for cast, moment in _conversions(tree):
        in_calendar = _is_in_calendar(cast, moment, layout, zoneless=moment.name in zoneless)
        cast.replace(exp.If(this=in_calendar, true=cast.copy(), false=exp.null()))


def _is_in_calendar(cast: exp.Cast, moment: exp.Column, layout: SourceLayout, *, zoneless: bool) -> exp.Expr:
    """Whether the calendar has an instant.

    A date is in the calendar by the clock of its zone, and an instant by the clock of UTC.
    """
    clock = layout.zone if cast.is_type(exp.DataType.Type.DATE) else None
    bounds = [first_moment(clock), end_of_calendar(clock)]
    stored = exp.DataType.Type.TIMESTAMPTZ
    held: exp.Expr = moment.copy()
    if zoneless:
        bounds = [each.astimezone(layout.zone).replace(tzinfo=None) for each in bounds]
        stored = exp.DataType.Type.TIMESTAMPNTZ
        # Such a column may be of nanoseconds, which have no room for the bounds.
        held = exp.cast(held, stored)
    first, end = (exp.cast(exp.Literal.string(each.isoformat(" ")), stored) for each in bounds)
    return exp.and_(exp.GTE(this=held, expression=first), exp.LT(this=held.copy(), expression=end))


def read_zoneless(tree: exp.Expr, layout: SourceLayout) -> None:
    """Read timestamps without a zone in the layout's zone.

    `(to, column)` becomes `(from, to, column)`, or the column. What such a column is compared with has no zone either.
    """
    columns = {column for view, column in layout.zoneless if view == FACT}
    for conversion in list(tree.find_all(exp.ConvertTimezone)):
        moment = conversion.args["timestamp"]
        if not (isinstance(moment, exp.Column) and moment.name in columns):
            continue
        if isinstance(conversion.args["target_tz"], exp.Placeholder):
            conversion.replace(moment)
        else:
            conversion.set("source_tz", exp.Placeholder(this="source_zone"))
    for cast in tree.find_all(exp.Cast):
        if isinstance(cast.this, exp.Placeholder) and cast.parent and cast.parent.this.name in columns:
            cast.set("to", exp.DataType.build("TIMESTAMP_NTZ", dialect="snowflake"))


def _conversions(tree: exp.Expr) -> list[tuple[exp.Cast, exp.Column]]:
    """Each `CONVERT_TIMEZONE(..., column)::type` with its column."""
    casts = [cast for cast in tree.find_all(exp.Cast) if isinstance(cast.this, exp.ConvertTimezone)]
    moments = [(cast, cast.this.args["timestamp"]) for cast in casts]
    return [(cast, moment) for cast, moment in moments if isinstance(moment, exp.Column)]
