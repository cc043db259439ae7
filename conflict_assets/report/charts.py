"""Charts of the HTML report, each once wide and once for phones.

They are SVG with text as text, in colours that follow the page.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from markupsafe import escape
from matplotlib.figure import Figure

from conflict_assets.domain.report_data import NightPoint
from conflict_assets.report.captions import WEEKDAYS
from conflict_assets.report.heat_maps import PAGE_COLOURS, heat_map
from conflict_assets.report.pictures import (
    BAR_COLOUR,
    NUMBERED_CELLS,
    REOPENED_COLOUR,
    RESOLVED_COLOUR,
    rule_bars,
    trend_lines,
)

INK: Final = "#010203"
"""The stand-in for the page's own text colour until the SVG is written."""
_PAGE_COLOURS = {
    INK: "var(--ink)",
    BAR_COLOUR.lower(): "var(--blue)",
    RESOLVED_COLOUR.lower(): "var(--orange)",
    REOPENED_COLOUR.lower(): "var(--green)",
    "#000000": "var(--ink)",
    **PAGE_COLOURS,
}
DIGITS = 10
Drawn = list[str]
"""A chart as elements of the page, the wide one and the narrow one."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "conflict_assets",
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def rules_chart(by_rule: Mapping[str, int], names: Mapping[str, str], alt: str) -> Drawn:
    """Draw bars of open conflicts (pairs) by rule."""
    return _chart("rules", alt, lambda _narrow: rule_bars(by_rule, names), wide=(6.2, 3), narrow=(3.7, 3.2))


def trend_chart(nights: Sequence[NightPoint], alt: str) -> Drawn:
    """Draw open, new, reopened and resolved conflicts (pairs) night by night."""

    def draw(narrow: bool) -> Figure:
        figure = trend_lines(nights, dated=5 if narrow else 8)
        if narrow and nights:
            figure.axes[-1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
        return figure

    return _chart("trend", alt, draw, wide=(6.2, 3.6), narrow=(3.7, 3.8))


def prefix_chart(by_prefix: Mapping[str, int], alt: str) -> Drawn:
    """Draw a cell for each prefix, stronger with more open conflicts (pairs)."""
    prefixes = sorted(by_prefix)
    columns = DIGITS if len(prefixes) <= NUMBERED_CELLS else 5 * DIGITS
    starts = prefixes[::columns]
    grid = [[by_prefix[prefix] for prefix in prefixes[at : at + columns]] for at in range(0, len(prefixes), columns)]
    rows = [f"{first} to {prefixes[columns * (at + 1) - 1]}" for at, first in enumerate(starts)]

    def draw(narrow: bool) -> Figure:
        figure, axes = heat_map(grid, rows, numbered=len(prefixes) <= NUMBERED_CELLS, small=narrow, ink=INK)
        if columns == DIGITS:
            axes.set_xticks(range(DIGITS))
            axes.set_xlabel("last digit")
        else:
            axes.set_xticks(range(0, columns, DIGITS), labels=[f"+{place}" for place in range(0, columns, DIGITS)])
            axes.set_xlabel("place in the row")
        axes.set_ylabel("SSN prefixes")
        return figure

    height = 1.3 + 0.27 * min(len(rows), 12)
    return _chart("prefixes", alt, draw, wide=(6.2, height), narrow=(3.7, height))


def hours_chart(by_hour: Mapping[tuple[int, int], int], zone: str, alt: str) -> Drawn:
    """Draw a cell for each hour of the week.

    A cell is stronger the more open conflicts (pairs) begin in its hour.
    """
    grid = [[by_hour.get((day, hour), 0) for hour in range(24)] for day in range(1, 8)]

    def draw(narrow: bool) -> Figure:
        figure, axes = heat_map(grid, WEEKDAYS, numbered=False, small=narrow, ink=INK)
        ticks = range(0, 24, 6 if narrow else 3)
        axes.set_xticks(ticks, labels=[f"{tick:02}:00" for tick in ticks])
        axes.set_xlabel(("\n" if narrow else " ").join(("hour at which the second visit starts", f"({zone})")))
        return figure

    return _chart("hours", alt, draw, wide=(6.2, 3.1), narrow=(3.7, 2.9))


def _chart(
    name: str,
    alt: str,
    draw: Callable[[bool], Figure],
    *,
    wide: tuple[float, float],
    narrow: tuple[float, float],
) -> Drawn:
    pictures = []
    for kind, size in (("wide", wide), ("narrow", narrow)):
        with mpl.rc_context(_STYLE):
            figure = draw(kind == "narrow")
            figure.set_size_inches(size)
            pictures.append(_as_svg(figure, f"{name}-{kind}", kind, alt))
    return pictures


def _as_svg(figure: Figure, name: str, kind: str, alt: str) -> str:
    """Return the figure as an element of the page.

    It has ids of its own and the page's colours, but no fixed size and no metadata.
    """
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    for drawn, shown in _PAGE_COLOURS.items():
        text = text.replace(drawn, shown)
    text = re.sub(r'(fill|stroke)="(var[^"]*)"', r'style="\1: \2"', text)
    box = re.search(r'viewBox="[^"]*"', text)
    body = text[text.index(">") + 1 :]
    label = escape(alt)
    root = f'<svg class="{kind}" role="img" aria-label="{label}" {box[0] if box else ""}'
    return f'{root} xmlns:xlink="http://www.w3.org/1999/xlink">{body}'


DRAWN: Mapping[str, Callable[..., Drawn]] = {
    "rules": rules_chart,
    "prefixes": prefix_chart,
    "hours": hours_chart,
    "trend": trend_chart,
}
"""What draws each chart of the page from its figures, and from its content in words."""
