"""Heat maps whose colours are left to the page.

The palette is cividis, light to dark on a light page and dark to light on a dark one.
"""

from bisect import bisect_left
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

LEVELS = 9
"""The number of the page's levels of colour.

`--h0` is the faintest colour, and `--t0` is the colour of text on it.
"""
CELL_COLOURS = [f"#0a0b{level:02x}" for level in range(LEVELS)]
TEXT_COLOURS = [f"#0a0c{level:02x}" for level in range(LEVELS)]
PAGE_COLOURS = {
    **{colour: f"var(--h{level})" for level, colour in enumerate(CELL_COLOURS)},
    **{colour: f"var(--t{level})" for level, colour in enumerate(TEXT_COLOURS)},
}
"""The stand-ins for the page's colours while a figure is drawn."""


def heat_map(
    grid: Sequence[Sequence[int]], rows: Sequence[str], *, numbered: bool, small: bool, ink: str
) -> tuple[Figure, Axes]:
    """Draw cells by rows, stronger with higher counts.

    Cells with a count of zero are left empty, and `numbered` writes the counts into the cells. A row may be shorter
    than the first one.
    """
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    bounds = _bounds(max((count for row in grid for count in row), default=0))
    levels = [[_level(count, bounds) for count in row] for row in grid]
    for level in range(LEVELS):
        cells = [(x, y) for y, row in enumerate(levels) for x, found in enumerate(row) if found == level]
        if cells:
            path = Path.make_compound_path(*(_square(x, y) for x, y in cells))
            axes.add_patch(PathPatch(path, facecolor=CELL_COLOURS[level], edgecolor="none"))
    axes.set_xlim(-0.5, len(grid[0]) - 0.5)
    axes.set_ylim(len(grid) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), labels=rows)
    axes.tick_params(length=0)
    axes.spines[:].set_alpha(0.4)
    _add_scale(figure, axes, bounds, small=small)
    if numbered:
        for y, row in enumerate(grid):
            for x, count in enumerate(row):
                step = levels[y][x]
                colour = ink if step is None else TEXT_COLOURS[step]
                size = 6 if small else 8
                # A count lies within its cell, so the layout need not measure it.
                axes.text(x, y, f"{count:,}", ha="center", va="center", size=size, color=colour, in_layout=False)
    return figure, axes


def _bounds(most: int) -> list[int]:
    """Return round numbers from zero to the highest count or beyond."""
    return [int(value) for value in MaxNLocator(LEVELS - 1, integer=True).tick_values(0, max(most, 1))]


def _level(count: int, bounds: Sequence[int]) -> int | None:
    """Return the colour level of a count, or None for zero.

    Counts of the first step have the faintest colour, those of the last step the strongest.
    """
    return _stretched(bisect_left(bounds, count) - 1, len(bounds) - 1) if count else None


def _stretched(step: int, steps: int) -> int:
    return round(step * (LEVELS - 1) / (steps - 1)) if steps > 1 else LEVELS - 1


def _square(x: int, y: int) -> Path:
    return Path([(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5), (0, 0)], closed=True)


def _add_scale(figure: Figure, axes: Axes, bounds: Sequence[int], *, small: bool) -> None:
    steps = len(bounds) - 1
    colours = ListedColormap([CELL_COLOURS[_stretched(step, steps)] for step in range(steps)])
    drawn = ScalarMappable(BoundaryNorm(bounds, steps), colours)
    where = "bottom" if small else "right"
    bar = figure.colorbar(drawn, ax=axes, location=where, ticks=bounds, format="{x:,.0f}", shrink=0.9)
    bar.ax.tick_params(labelsize=8)
    bar.set_label("open conflicts (pairs)")
