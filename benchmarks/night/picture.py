"""The picture: wall seconds against visits, both scales logarithmic."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.night.contenders import NAMES
from benchmarks.night.measurement import Medians

MILLION = 1_000_000
STYLES = {
    "a": ("#D55E00", "o", "-"),
    "c1": ("#56B4E9", "v", ":"),
    "c2": ("#0072B2", "s", "-"),
    "c4": ("#56B4E9", "^", "--"),
    "b": ("#009E73", "D", "-"),
    "d": ("#000000", "x", "-"),
}
"""The colour, mark and line of each contender.

Colour-blind people can distinguish the colours.
"""


TOLD = ("a", "c2")
"""The contenders whose last point has its seconds beside it.

The other points lie too close to each other.
"""


def draw(found: Medians, path: Path) -> None:
    """Draw a line for each contender.

    An extrapolated point is hollow.
    """
    figure = Figure(figsize=(8, 5.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for contender, (colour, mark, line) in STYLES.items():
        points = [found[key] for key in sorted(found) if key[1] == contender]
        if not points:
            continue
        sizes, walls = [run.visits for run in points], [run.wall for run in points]
        axes.plot(sizes, walls, line, color=colour, linewidth=2, label=NAMES[contender])
        for run in points:
            face = "white" if run.extrapolated else colour
            axes.plot(run.visits, run.wall, mark, color=colour, markerfacecolor=face, markersize=7)
        if contender in TOLD:
            axes.annotate(
                f"{walls[-1]:,.0f} s", (sizes[-1], walls[-1]), (7, -4), textcoords="offset points", color=colour
            )
    axes.set(xscale="log", yscale="log", xlabel="visits in the source", ylabel="wall seconds, start to end")
    sizes = sorted({visits for visits, _ in found})
    axes.set_xticks(sizes, [_words(size) for size in sizes])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:,g}"))
    axes.grid(visible=True, color="#DDDDDD")
    axes.margins(x=0.16)
    axes.set_title("A whole night", loc="left")
    axes.legend(frameon=False)
    figure.savefig(path)


def _words(visits: int) -> str:
    return f"{visits // MILLION} million" if visits % MILLION == 0 else f"{visits:,}"
