"""The promises of the benchmark, each met or missed, and by how much."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.night.measurement import Measurement, Medians

MILLION = 1_000_000
SMALL, MIDDLE, LARGE = MILLION, 10 * MILLION, 60 * MILLION
OURS = "c2"
"""The default contender of ours in the verdicts.

It has as many workers as the machine of the promises has cores.
"""

GIBIBYTE = 1 << 30
MOST_MEMORY = 1.5
MOST_SECONDS = 30.0


@dataclass(frozen=True)
class Verdict:
    """A promise, what was found, and whether it holds.

    `held` is None where it was not measured.
    """

    promise: str
    found: str = "not measured"
    held: bool | None = None

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return {None: "not measured", True: "met", False: "MISSED"}[self.held]


def verdicts(found: Medians) -> list[Verdict]:
    """Judge every promise by the medians."""
    return [
        _ratio("ours at least 10 times faster than a at 10 million visits", found, (MIDDLE, "a"), (MIDDLE, OURS), 10),
        _ratio("ours at least 25 times faster than a at 60 million visits", found, (LARGE, "a"), (LARGE, OURS), 25),
        _at_most("ours at most 2 times b at 60 million visits", found, (LARGE, OURS), (LARGE, "b"), 2),
        _unchanged(found),
        _ratio(
            "1 % changed at least 8 times faster than a at 10 million visits", found, (MIDDLE, "a"), (MIDDLE, "k"), 8
        ),
        _ratio(
            "1 % changed at least 16 times faster than a at 60 million visits", found, (LARGE, "a"), (LARGE, "k"), 16
        ),
        _ratio(
            "1 % changed at least 3 times faster than all again at 60 million", found, (LARGE, "f"), (LARGE, "k"), 3
        ),
        _ratio(
            "nothing changed at least 6 times faster than all again at 60 million", found, (LARGE, "f"), (LARGE, "u"), 6
        ),
        _linear(found),
        _memory(found),
        _tiny(found),
    ]


def _ratio(promise: str, found: Medians, slow: tuple[int, str], fast: tuple[int, str], least: float) -> Verdict:
    if slow not in found or fast not in found:
        return Verdict(promise)
    ratio = found[slow].wall / found[fast].wall
    marked = " (a extrapolated)" if found[slow].extrapolated else ""
    return Verdict(promise, f"{ratio:.1f} times{marked}, {ratio / least:.2f} of what was promised", ratio >= least)


def _at_most(promise: str, found: Medians, ours: tuple[int, str], other: tuple[int, str], most: float) -> Verdict:
    if ours not in found or other not in found:
        return Verdict(promise)
    ratio = found[ours].wall / found[other].wall
    return Verdict(promise, f"{ratio:.2f} times", ratio <= most)


def _unchanged(found: Medians) -> Verdict:
    promise = "nothing changed, 10 million visits: detect and write at most half of the first night's"
    if (MIDDLE, OURS) not in found or (MIDDLE, "u") not in found:
        return Verdict(promise)
    first, second = found[MIDDLE, OURS].detect_and_write, found[MIDDLE, "u"].detect_and_write
    return Verdict(promise, f"{second:.1f} s after {first:.1f} s: {second / first:.2f}", second <= first / 2)


def _linear(found: Medians) -> Verdict:
    promise = "cost linear or better from 1 to 60 million visits (wall and CPU)"
    if (SMALL, OURS) not in found or (LARGE, OURS) not in found:
        return Verdict(promise)
    small, large = found[SMALL, OURS], found[LARGE, OURS]
    growth = {name: cost(large) / cost(small) for name, cost in _COSTS.items()}
    text = f"{LARGE // SMALL} times the visits: " + ", ".join(
        f"{name} {times:.1f} times" for name, times in growth.items()
    )
    return Verdict(promise, text + _from_the_middle(found), max(growth.values()) <= LARGE / SMALL)


def _from_the_middle(found: Medians) -> str:
    """Return the growth from 10 million visits on, which is a stricter measure.

    At this size the fixed cost of a night hardly counts any more.
    """
    if (MIDDLE, OURS) not in found:
        return ""
    growth = ", ".join(
        f"{name} {cost(found[LARGE, OURS]) / cost(found[MIDDLE, OURS]):.1f}" for name, cost in _COSTS.items()
    )
    return f"; {LARGE // MIDDLE} times from 10 million on: {growth}"


_COSTS: dict[str, Callable[[Measurement], float]] = {
    "wall": lambda run: run.wall,
    "CPU": lambda run: run.cpu + run.server_cpu,
}


def _memory(found: Medians) -> Verdict:
    promise = f"no process of ours above {MOST_MEMORY} GiB at 60 million visits"
    peaks = [run.largest / GIBIBYTE for run in _ours(found, LARGE)]
    return Verdict(promise, f"{max(peaks):.2f} GiB", max(peaks) <= MOST_MEMORY) if peaks else Verdict(promise)


def _ours(found: Medians, visits: int) -> Iterator[Measurement]:
    return (run for (size, contender), run in found.items() if size == visits and contender not in "abd")


def _tiny(found: Medians) -> Verdict:
    promise = f"100 tiny prefixes, 1 million visits, 2 workers: at most {MOST_SECONDS:.0f} s from start to end"
    if (SMALL, OURS) not in found:
        return Verdict(promise)
    wall = found[SMALL, OURS].wall
    return Verdict(promise, f"{wall:.1f} s", wall <= MOST_SECONDS)
