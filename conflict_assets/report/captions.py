"""What the charts show in words, for those who can't see them."""

from collections.abc import Mapping, Sequence

from conflict_assets.domain.report_data import ChartFigures, NightPoint
from conflict_assets.domain.rules import Rule
from conflict_assets.output.wording import count_text

RULE_NAMES = {rule.flag: rule.label for rule in Rule}
"""The rules in their order: the label by the flag."""

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHOWN_PLACES = 3


def captions(figures: ChartFigures) -> Mapping[str, str]:
    """Describe each chart of the page, by its name."""
    count = f"{count_text(figures.open_conflicts)} open conflicts"
    rules = ", ".join(f"{label} {count_text(figures.by_rule[flag])}" for flag, label in RULE_NAMES.items())
    prefixes = _highest([(f"prefix {prefix}", count) for prefix, count in figures.by_prefix.items()])
    hours = _highest([(f"{WEEKDAYS[day - 1]} {hour:02}:00", count) for (day, hour), count in figures.by_hour.items()])
    return {
        "rules": f"Bars of {count} by rule: {rules}",
        "prefixes": f"Heat map of {count} by SSN prefix; most: {prefixes}",
        "hours": f"Heat map of {count} by hour of the week; most: {hours}",
        "trend": trend_title(figures.nights),
    }


def trend_title(nights: Sequence[NightPoint]) -> str:
    """Describe the picture of the trend."""
    if not nights:
        return "Trend of open conflicts: no night yet"
    last = nights[-1]
    return (
        f"Trend of open conflicts over {len(nights)} nights: {nights[0].open_conflicts:,} after {nights[0].night}, "
        f"{last.open_conflicts:,} after {last.night}, which found {came_text(last)} and {last.resolved:,} resolved"
    )


def came_text(point: NightPoint) -> str:
    """Return the new conflicts as `3,268 new`.

    Reopened conflicts follow if there are any.
    """
    return f"{point.new:,} new" + (f", {point.reopened:,} reopened" if point.reopened else "")


def _highest(counts: Sequence[tuple[str, int]]) -> str:
    most = sorted(((name, count) for name, count in counts if count), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{name} with {count_text(count)}" for name, count in most[:SHOWN_PLACES]) or "none"
