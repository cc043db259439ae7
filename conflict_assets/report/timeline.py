"""A group of conflicts as a timeline, in a terminal or as a picture.

Each visit is a bar in its agency's row.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from rich.table import Table
from rich.text import Text

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can distinguish."""

NARROWEST = 10
LONGEST_LABEL, LONGEST_TITLE = 40, 140
DATED_YEARS = range(1900, 2200)
"""The years for which Matplotlib can make an axis of dates.

It must be able to do so whatever lies beside the bars.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bar:
    """A visit with its agency and its interval.

    `actual` says whether the interval was worked. Otherwise it was scheduled.
    """

    visit_id: str
    agency: str
    start: datetime
    end: datetime
    actual: bool


def lanes(bars: Sequence[Bar]) -> dict[str, list[Bar]]:
    """Return the bars of each agency by start.

    Agencies are in the order of their first bars.
    """
    found: dict[str, list[Bar]] = {}
    for bar in sorted(bars, key=lambda bar: (bar.start, bar.end, bar.visit_id)):
        found.setdefault(bar.agency, []).append(bar)
    return found


def timeline_table(bars: Sequence[Bar], *, time_zone: str, width: int) -> Table:
    """Draw a line for each visit with its agency, local times and bar.

    `width` cells reach from the first start to the last end.
    """
    zone = ZoneInfo(time_zone)
    table = Table("agency", "visit", "from", "to", "", box=None, pad_edge=False)
    first, last = min(bar.start for bar in bars), max(bar.end for bar in bars)
    scale = max(NARROWEST, width) / max((last - first).total_seconds(), 1)
    for at, (agency, of_agency) in enumerate(lanes(bars).items()):
        for bar in of_agency:
            left = round((bar.start - first).total_seconds() * scale)
            cells = max(1, round((bar.end - first).total_seconds() * scale) - left)
            drawn = Text(" " * left + ("█" if bar.actual else "░") * cells, style=PALETTE[at % len(PALETTE)])
            times = [f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (bar.start, bar.end)]
            table.add_row(Text(agency), Text(bar.visit_id), *times, drawn)
    return table


def timeline_figure(bars: Sequence[Bar], *, title: str, time_zone: str) -> Figure:
    """Draw a row for each agency and a bar for each visit.

    A bar is hatched where the visit is only scheduled. Local time stands below.
    """
    zone = ZoneInfo(time_zone)
    rows = lanes(bars)
    figure = Figure(figsize=(10, 1.6 + 0.6 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for at, of_agency in enumerate(rows.values()):
        for bar in of_agency:
            start, end = date2num(bar.start), date2num(bar.end)  # type: ignore[no-untyped-call]
            hatch = None if bar.actual else "//"
            colour = PALETTE[at % len(PALETTE)]
            axes.barh(at, end - start, left=start, height=0.7, color=colour, hatch=hatch, edgecolor="white", alpha=0.85)
            name = f" {_label(bar.visit_id)}"
            axes.text(start, at - 0.4, name, ha="left", va="bottom", size=7, clip_on=True, parse_math=False)
    axes.set_yticks(range(len(rows)), labels=[_label(agency) for agency in rows], parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.75)
    axes.set_ylabel("agency")
    _tell_times(axes, bars, zone)
    axes.set_xlabel(f"time of day ({time_zone})")
    axes.set_axisbelow(True)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(_label(title, LONGEST_TITLE), size=10, loc="left", parse_math=False)
    worked = Patch(facecolor="grey", label="worked")
    scheduled = Patch(facecolor="grey", hatch="//", edgecolor="white", label="scheduled")
    axes.legend(handles=[worked, scheduled], loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    return figure


def _label(text: str, longest: int = LONGEST_LABEL) -> str:
    """Return a text in one line that has room in a picture.

    Each character that can't be printed becomes a question mark.
    """
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _tell_times(axes: Axes, bars: Sequence[Bar], zone: ZoneInfo) -> None:
    """Draw dates and times of the zone along an axis of days.

    The days count from 1970.
    """
    if all(moment.year in DATED_YEARS for bar in bars for moment in (bar.start, bar.end)):
        locator = AutoDateLocator(tz=zone)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(lambda days, _position: _moment_text(days, zone))


def _moment_text(days: float, zone: ZoneInfo) -> str:
    """Return the text of a moment that is given in days since 1970.

    The text is empty where no calendar has the moment.
    """
    try:
        return f"{(_EPOCH + timedelta(days=days)).astimezone(zone):%Y-%m-%d %H:%M}"
    except OverflowError:
        return ""


def save_figure(figure: Figure, path: Path, ending: str) -> None:
    """Write a figure as PNG or SVG.

    The same figure gives the same bytes.
    """
    metadata = {"Date": None} if ending == ".svg" else {"Software": None}
    with warnings.catch_warnings():
        # A letter that the font does not have is drawn as a box.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        figure.savefig(path, format=ending.removeprefix("."), dpi=150, metadata=metadata)
