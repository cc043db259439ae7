"""The drawings of a report: the charts of its page, and the pictures that the UI shows.

To draw them takes seconds, and so does loading what draws. So they are kept in the data folder, and one whose figures
are those of the last report is not drawn again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

from conflict_assets.domain.report_data import ChartFigures
from conflict_assets.output.whole_files import FileError, whole_file
from conflict_assets.report.captions import RULE_NAMES, captions

KEPT_DRAWINGS = "report_drawings.json"
"""The file in the data folder, which a web server of the reports does not show."""

_DRAWN_BY = ("captions.py", "charts.py", "drawings.py", "heat_maps.py", "pictures.py")

Drawing = Sequence[str]


@dataclass(frozen=True)
class Chart:
    """One chart in two sizes, with its content in words."""

    wide: Markup
    narrow: Markup
    alt: str


@dataclass(frozen=True)
class Drawings:
    """The charts of the page, and the pictures of the UI as markdown, each by its name."""

    charts: Mapping[str, Chart]
    pictures: Mapping[str, str]


class KeptDrawings:
    """The drawings of the last report, each by a digest of all that it shows and of what draws it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / KEPT_DRAWINGS
        self._last = _read(self._file)
        self._now: dict[str, Drawing] = {}
        self._drawn_by = [version("matplotlib"), *(_digest(path.read_bytes()) for path in _sources())]

    def get(self, name: str, shown: Any, draw: Callable[[], Drawing]) -> Drawing:
        """Return the drawing of these figures, which is made if the last report had other ones."""
        key = _digest(repr((name, shown, self._drawn_by)).encode())
        self._now[key] = self._last[key] if key in self._last else draw()
        return self._now[key]

    def save(self) -> None:
        """Keep the drawings that were asked for, and no others.

        Where they can't be kept, the next report draws them again.
        """
        if self._now.keys() != self._last.keys():
            with suppress(FileError), whole_file(self._file) as partial:
                partial.write_text(json.dumps(self._now), encoding="utf-8")


def drawings(figures: ChartFigures, kept: KeptDrawings) -> Drawings:
    """Draw what has changed since the last report."""
    return Drawings(charts=charts(figures, kept), pictures=_pictures(figures, kept))


def charts(figures: ChartFigures, kept: KeptDrawings) -> Mapping[str, Chart]:
    """Draw the charts of the page."""
    alts = captions(figures)
    zone = figures.agency_time_zone

    def chart(name: str, shown: Any, *more: Any) -> Chart:
        def draw() -> Drawing:
            from conflict_assets.report import charts

            return charts.DRAWN[name](shown, *more, alts[name])

        wide, narrow = kept.get(f"chart of {name}", (_in_order(shown), more, alts[name]), draw)
        return Chart(Markup(wide), Markup(narrow), alts[name])  # noqa: S704 - the pictures are our own

    return {
        "rules": chart("rules", figures.by_rule, RULE_NAMES),
        "prefixes": chart("prefixes", figures.by_prefix),
        "hours": chart("hours", figures.by_hour, zone),
        "trend": chart("trend", figures.nights),
    }


def _pictures(figures: ChartFigures, kept: KeptDrawings) -> Mapping[str, str]:
    def picture(name: str, shown: Any, title: str) -> str:
        def draw() -> Drawing:
            from conflict_assets.report import pictures

            return [pictures.as_markdown(pictures.DRAWN[name](shown), title)]

        (markdown,) = kept.get(f"picture of {name}", (_in_order(shown), title), draw)
        return markdown

    return {
        "rules": picture("rules", figures.by_rule, "Open conflicts by rule"),
        "trend": picture("trend", figures.nights, captions(figures)["trend"]),
        "prefixes": picture("prefixes", figures.by_prefix, "Open conflicts by prefix"),
    }


def _in_order(shown: Any) -> Any:
    return sorted(shown.items()) if isinstance(shown, Mapping) else shown


def _read(file: Path) -> Mapping[str, Drawing]:
    """Return what is kept: nothing where the file is missing or can't be understood."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _sources() -> Sequence[Path]:
    return [Path(__file__).with_name(name) for name in _DRAWN_BY]


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
