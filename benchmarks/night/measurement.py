"""The measurements, one run a record, and the medians of several."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

COSTS = ("wall", "cpu", "server_cpu", "detect_and_write")
PEAKS = ("largest", "together", "server_memory")
COUNTS = ("fetched", "written", "conflicts")


@dataclass(frozen=True)
class Measurement:
    """One run, or the median of several.

    Its units are seconds, bytes and rows, and conflicts are counted as pairs.
    """

    visits: int
    contender: str
    wall: float
    cpu: float
    server_cpu: float
    largest: int
    together: int
    server_memory: int
    fetched: int
    written: int
    conflicts: int
    detect_and_write: float = 0.0
    """The seconds of all prefixes for detecting and writing, of ours only."""
    phases: dict[str, float] = field(default_factory=dict)
    runs: int = 1
    extrapolated: bool = False

    def scaled(self, visits: int) -> "Measurement":
        """Return what as many visits would cost if cost were linear.

        Memory stays as it is.
        """
        factor = visits / self.visits
        costs = {name: getattr(self, name) * factor for name in COSTS}
        counts = {name: round(getattr(self, name) * factor) for name in COUNTS}
        return replace(self, visits=visits, runs=0, extrapolated=True, **costs, **counts)


Medians = dict[tuple[int, str], Measurement]
"""The medians by visits and contender."""


def medians(runs: Iterable[Measurement]) -> Medians:
    """Return the median of every figure by visits and contender."""
    groups: dict[tuple[int, str], list[Measurement]] = {}
    for run in runs:
        groups.setdefault((run.visits, run.contender), []).append(run)
    return {key: _median(group) for key, group in groups.items()}


def _median(group: Sequence[Measurement]) -> Measurement:
    numbers = {name: median(getattr(run, name) for run in group) for name in COSTS}
    rows = {name: round(median(getattr(run, name) for run in group)) for name in (*COUNTS, *PEAKS)}
    phases = {name: median(run.phases[name] for run in group) for name in group[0].phases}
    return replace(group[0], runs=sum(run.runs for run in group), phases=phases, **numbers, **rows)


def keep(path: Path, run: Measurement) -> None:
    """Add a run to a file as one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run)) + "\n")


def kept(path: Path) -> list[Measurement]:
    """Read the runs back from a file."""
    return [Measurement(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
