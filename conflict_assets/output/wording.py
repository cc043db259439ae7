"""Counts, amounts, dates and spans of time as people read them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

CENTS_BELOW = 1000


def count_text(count: float) -> str:
    """Return a count as `12,345`."""
    return f"{count:,.0f}"


def money_text(dollars: float) -> str:
    """Return an amount as `$12,346`, below a thousand with cents: `$12.35`."""
    return f"${dollars:,.2f}" if round(abs(dollars), 2) < CENTS_BELOW else f"${dollars:,.0f}"


def seconds_text(seconds: float) -> str:
    """Return seconds as `0.4 s`, `4 min 05 s` or `1 h 02 min`."""
    if round(seconds, 1) < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"  # noqa: PLR2004


def hours_text(minutes: float) -> str:
    """Return minutes as `2 h 05 min` or `45 min`."""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours:,} h {rest:02} min" if hours else f"{rest} min"


def share_text(part: float, whole: float) -> str:
    """Return a share as `12.3 %`, or `-` when the whole is zero."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def day_text(day: date) -> str:
    """Return a day as `5 Jan 2026`."""
    return f"{day.day} {day:%b %Y}"


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as `5 Jan 2026, 02:14 EST`."""
    local = moment.astimezone(zone)
    return f"{day_text(local)}, {local:%H:%M %Z}"


def span_text(span: timedelta) -> str:
    """Return a span of time as `seconds_text` does."""
    return seconds_text(span.total_seconds())
