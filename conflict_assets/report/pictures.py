"""Pictures for the UI, as PNG inside markdown: counts only, never a row."""

import base64
import io
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

RULES = (
    "same_sch_time",
    "same_visit_time",
    "sch_and_visit_time_same",
    "sch_over_another_sch_time",
    "visit_time_over_another_visit_time",
    "sch_time_over_visit_time",
    "distance",
)
TOLD_CELLS = 100
BAR_COLOUR = "#0072B2"
"""Blue of the Okabe-Ito palette, which colour-blind readers can tell from its other colours."""


def rule_bars(by_rule: Mapping[str, int]) -> Figure:
    """Horizontal bars: open conflicts (pairs) by rule, in the order of the rules."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    counts = [by_rule.get(rule, 0) for rule in RULES]
    bars = axes.barh([f"{number} {rule}" for number, rule in enumerate(RULES, 1)], counts, color=BAR_COLOUR)
    axes.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("open conflicts (pairs)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def heat_strip(by_prefix: Mapping[str, int]) -> Figure:
    """A cell for each prefix: the darker, the more open conflicts (pairs).

    Up to a hundred cells, ten in a row, tell their counts; a thousand, fifty in a row, only their colour.
    """
    prefixes = sorted(by_prefix)
    columns = 10 if len(prefixes) <= TOLD_CELLS else 50
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
    if len(prefixes) <= TOLD_CELLS:
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
        axes.text(column, row, f"{prefix}: {count:,}", ha="center", va="center", size=7, color=colour)


def as_markdown(figure: Figure, title: str) -> str:
    """Embed a figure in markdown, with its title as the text for those who can't see it."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110)
    return f"![{title}](data:image/png;base64,{base64.b64encode(png.getvalue()).decode('ascii')})"
