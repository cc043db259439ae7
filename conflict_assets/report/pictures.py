"""Pictures for the UI, as PNG inside markdown.

They show counts only, never a row.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from conflict_assets.domain.report_data import NightPoint
from conflict_assets.report.captions import RULE_NAMES, came_text

NUMBERED_CELLS = 100
DATED_NIGHTS = 10
FEWEST_DAYS = 9
"""The shortest length of the trend's axis.

The bars of a young store would be too wide on a shorter one.
"""
DWARFED = 4
"""A bar more than this many times as high as the next one is cut off."""
BAR_COLOUR = "#0072B2"
REOPENED_COLOUR = "#009E73"
RESOLVED_COLOUR = "#E69F00"
"""The three colours are blue, green and orange of the Okabe-Ito palette.

Colour-blind readers can distinguish them.
"""


def rule_bars(by_rule: Mapping[str, int], names: Mapping[str, str] | None = None) -> Figure:
    """Draw horizontal bars of open conflicts (pairs) by rule.

    The rules are in their own order, under their flags or under other names.
    """
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    counts = [by_rule.get(rule, 0) for rule in RULE_NAMES]
    labels = [f"{number} {(names or {}).get(rule, rule)}" for number, rule in enumerate(RULE_NAMES, 1)]
    bars = axes.barh(labels, counts, color=BAR_COLOUR)
    axes.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=3)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.14 * max(*counts, 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
    axes.set_xlabel("open conflicts (pairs)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def heat_strip(by_prefix: Mapping[str, int]) -> Figure:
    """Draw a cell for each prefix, darker with more open conflicts (pairs).

    Up to a hundred cells, ten in a row, show their counts. A thousand cells, fifty in a row, show only their colour.
    """
    prefixes = sorted(by_prefix)
    columns = 10 if len(prefixes) <= NUMBERED_CELLS else 50
    rows = max(1, -(-len(prefixes) // columns))
    figure = Figure(figsize=(8, 0.6 + 0.36 * min(rows, 10)), layout="constrained")
    axes = figure.subplots()
    grid = [[float("nan")] * columns for _ in range(rows)]
    for cell, prefix in enumerate(prefixes):
        grid[cell // columns][cell % columns] = by_prefix[prefix]
    image = axes.imshow(grid, cmap="cividis_r", aspect="auto", vmin=0)
    figure.colorbar(image, ax=axes, label="open conflicts (pairs)")
    axes.set_xticks([])
    axes.set_yticks([])
    if len(prefixes) <= NUMBERED_CELLS:
        _tell_counts(axes, by_prefix, columns)
    else:
        axes.set_yticks(range(rows), labels=[f"{prefixes[row * columns]} …" for row in range(rows)], size=7)
    return figure


def _tell_counts(axes: Axes, by_prefix: Mapping[str, int], columns: int) -> None:
    half = max(by_prefix.values(), default=0) / 2
    for cell, prefix in enumerate(sorted(by_prefix)):
        count = by_prefix[prefix]
        colour = "white" if count > half else "black"
        row, column = divmod(cell, columns)
        # A count lies within its cell, so the layout need not measure it.
        axes.text(column, row, f"{prefix}: {count:,}", ha="center", va="center", size=7, color=colour, in_layout=False)


def trend_lines(nights: Sequence[NightPoint], *, dated: int = DATED_NIGHTS) -> Figure:
    """Draw how many conflicts were open, night by night.

    A second picture below shows how many conflicts came and went. A gap is a night without a run. Nights are in order,
    and up to `dated` dates are written out, counted back from the last.
    """
    figure = Figure(figsize=(8, 4), layout="constrained")
    if not nights:
        figure.text(0.5, 0.5, "No night yet", ha="center", va="center")
        return figure
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    days = [(point.night - nights[0].night).days for point in nights]
    _draw_open(above, days, [point.open_conflicts for point in nights])
    _draw_changes(below, days, nights)
    places = range(len(nights) - 1, -1, len(nights) // -dated)
    below.set_xticks([days[at] for at in places], labels=[f"{nights[at].night:%d %b}" for at in places], size=8)
    margin = max(1, (FEWEST_DAYS - days[-1]) / 2)
    below.set_xlim(-margin, days[-1] + margin)
    for axes in (above, below):
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _position: f"{abs(value):,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_open(axes: Axes, days: Sequence[int], counts: Sequence[int]) -> None:
    """Draw a line from zero, so that a small change looks small.

    The first and the last count are written out.
    """
    axes.plot(days, counts, marker="o", markersize=4, color=BAR_COLOUR)
    outwards = days[-1] < FEWEST_DAYS
    for at, inner, outer in ((0, "left", "right"), (len(days) - 1, "right", "left"))[: len(days)]:
        where = "center" if len(days) == 1 else outer if outwards else inner
        axes.annotate(f"{counts[at]:,}", (days[at], counts[at]), xytext=(0, 6), textcoords="offset points", ha=where)
    axes.set_ylim(0, 1.2 * max(*counts, 1))
    axes.set_ylabel("open conflicts\n(pairs)")


def _draw_changes(axes: Axes, days: Sequence[int], nights: Sequence[NightPoint]) -> None:
    """Draw bars up for conflicts that came and down for those that went.

    A bar that dwarfs the others, as the first night's does, is cut off and shows its count.
    """
    new, reopened = [point.new for point in nights], [point.reopened for point in nights]
    heights = [*map(sum, zip(new, reopened, strict=True)), *(point.resolved for point in nights)]
    axes.bar(days, new, color=BAR_COLOUR, label="new")
    if any(reopened):
        axes.bar(days, reopened, bottom=new, color=REOPENED_COLOUR, label="reopened", hatch="..")
    axes.bar(days, [-point.resolved for point in nights], color=RESOLVED_COLOUR, label="resolved", hatch="//")
    second, highest = sorted([0, *heights])[-2:]
    limit = 1.2 * max(1, highest if highest <= DWARFED * second or not second else 1.5 * second)
    for day, point in zip(days, nights, strict=True):
        if point.new + point.reopened > limit:
            axes.text(day + 0.6, limit, came_text(point), ha="left", va="top", size=8)
        if point.resolved > limit:
            axes.text(day + 0.6, -limit, f"{point.resolved:,} resolved", ha="left", va="bottom", size=8)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("new, resolved\n(pairs)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def as_markdown(figure: Figure, title: str) -> str:
    """Embed a figure in markdown, with its title as the alternative text."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110)
    return f"![{title}](data:image/png;base64,{base64.b64encode(png.getvalue()).decode('ascii')})"


DRAWN: Mapping[str, Callable[[Any], Figure]] = {"rules": rule_bars, "prefixes": heat_strip, "trend": trend_lines}
"""What draws each picture of the UI from its figures."""
