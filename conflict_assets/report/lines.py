"""The log lines that operators know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.partitions import contiguous_ranges, range_name

SLOWEST_SHOWN = 5
_TOTALLED = ("conflicts", "rows", "new", "changed", "resolved")


@dataclass(frozen=True)
class PrefixLine:
    """What one finished prefix says of itself. Conflicts, new, changed and resolved count pairs; seconds are wall."""

    prefix: str
    position: int
    total: int
    conflicts: int
    rows: int
    new: int
    changed: int
    resolved: int
    seconds: float


def prefix_line(line: PrefixLine) -> str:
    """`[17/97] prefix 04: 849 conflicts, 1698 rows (412 new, 3 resolved) in 0.4 s`."""
    changed = f", {line.changed} changed" if line.changed else ""
    return (
        f"[{line.position}/{line.total}] prefix {line.prefix}: {line.conflicts} conflicts, {line.rows} rows "
        f"({line.new} new{changed}, {line.resolved} resolved) in {line.seconds:.1f} s"
    )


def skipping_line(empty: Sequence[str], total: int) -> str:
    """`Skipping 3 empty prefixes (processing 97/100): 13, 66, 90`."""
    return f"Skipping {len(empty)} empty prefixes (processing {total - len(empty)}/{total}): {', '.join(empty)}"


def visits_line(totals: Mapping[str, int]) -> str:
    """What the source holds: visits seen, active and contested, those left out by reason, and notes."""
    left_out = ", ".join(f"{totals[reason]} {reason}" for reason in (*InactiveReason, *RejectReason) if totals[reason])
    notes = ", ".join(f"{totals[note]} {note}" for note in Note if totals[note])
    return (
        f"Visits: {totals['visits_seen']} seen, {totals['active']} active, {totals['contested']} on contested days; "
        f"left out: {left_out or 'none'}; noted: {notes or 'none'}"
    )


@dataclass(frozen=True)
class NightSummary:
    """A run's end: prefixes with visits that were to be done, those done, and their totals (pairs; wall seconds)."""

    expected: Sequence[str]
    done: Sequence[PrefixLine]
    open_conflicts: int

    @property
    def failed(self) -> tuple[str, ...]:
        """The prefixes that were to be done and are not."""
        return tuple(sorted(set(self.expected) - {line.prefix for line in self.done}))


def summary_lines(night: NightSummary) -> list[str]:
    """`Success rate: 97/97 prefixes`, the totals, the slowest prefixes, and what failed with its remedy."""
    slowest = sorted(night.done, key=lambda line: -line.seconds)[:SLOWEST_SHOWN]
    total = {name: sum(getattr(line, name) for line in night.done) for name in _TOTALLED}
    lines = [
        f"Success rate: {len(night.expected) - len(night.failed)}/{len(night.expected)} prefixes",
        "Totals: {conflicts} conflicts, {rows} rows; {new} new, {changed} changed, {resolved} resolved; ".format(
            **total
        )
        + f"{night.open_conflicts} open in the store",
    ]
    if slowest:
        lines.append("Slowest prefixes: " + ", ".join(f"{line.prefix} ({line.seconds:.1f} s)" for line in slowest))
    if night.failed:
        lines.append(failure_line(night.failed))
    return lines


def prefix_ranges(prefixes: Sequence[str]) -> list[str]:
    """Prefixes as people write them: `04`, `17-30`."""
    return [range_name(*bounds) for bounds in contiguous_ranges(sorted(prefixes))]


def failure_line(prefixes: Sequence[str]) -> str:
    """Name the failed prefixes and the command that repeats them."""
    ranges = prefix_ranges(prefixes)
    options = " ".join(f"--prefix {each}" for each in ranges)
    return f"Failed prefixes: {', '.join(ranges)}. Repeat them with: conflict-assets run {options}"
