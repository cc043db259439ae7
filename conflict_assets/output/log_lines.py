"""The log lines that operators know."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.domain.reading_facts import FULL, ReadingFacts
from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.partitions import contiguous_ranges, range_name

SLOWEST_SHOWN = 5
SUMMARY_BEGINNINGS = ("Success rate: ", "Totals: ", "Slowest prefixes: ")
PLACES_BEGINNING = "Source: "
_CHANGES = ("new", "reopened", "changed", "resolved")
_TOTALLED = ("conflicts", "rows", *_CHANGES)


@dataclass(frozen=True, kw_only=True)
class PrefixLine(ConflictCounts):
    """The figures in the log line of one finished prefix.

    Seconds are wall time. `position` is 0 for a prefix without visits.
    """

    prefix: str
    position: int
    total: int
    rows: int
    seconds: float


def prefix_line(line: PrefixLine) -> str:
    """Return the line of a finished prefix.

    An example is `[17/97] prefix 04: 849 conflicts, 1698 rows (412 new, 3 resolved) in 0.4 s`. A prefix without visits
    has no place in the count.
    """
    place = f"[{line.position}/{line.total}] " if line.position else ""
    changes = _told({name: getattr(line, name) for name in _CHANGES}, always=("new", "resolved"))
    return (
        f"{place}prefix {line.prefix}: {line.conflicts} conflicts, {line.rows} rows ({changes}) in {line.seconds:.1f} s"
    )


def _told(changes: Mapping[str, int], *, always: Container[str]) -> str:
    """Return the changes in words: `412 new, 2 reopened, 3 resolved`.

    Changes without a count are left out, unless they are in `always`.
    """
    return ", ".join(f"{changes[name]} {name}" for name in _CHANGES if changes[name] or name in always)


def skipping_line(empty: Sequence[str], total: int) -> str:
    """Return the line that names the empty prefixes.

    An example is `Skipping 3 empty prefixes (processing 97/100): 13, 66, 90`.
    """
    return f"Skipping {len(empty)} empty prefixes (processing {total - len(empty)}/{total}): {', '.join(empty)}"


def unchanged_line(unchanged: int, total: int) -> str:
    """Return the line that counts the prefixes whose visits nobody has to judge again.

    An example is `95 of 97 prefixes are unchanged since their last commit`.
    """
    return f"{unchanged} of {total} prefixes are unchanged since their last commit"


def visits_line(totals: Mapping[str, int]) -> str:
    """Return the line with the counts of the source's visits.

    They are the visits seen, active and contested, those left out by reason, and notes.
    """
    left_out = ", ".join(f"{totals[reason]} {reason}" for reason in (*InactiveReason, *RejectReason) if totals[reason])
    notes = ", ".join(f"{totals[note]} {note}" for note in Note if totals[note])
    return (
        f"Visits: {totals['visits_seen']} seen, {totals['active']} active, {totals['contested']} on contested days; "
        f"left out: {left_out or 'none'}; noted: {notes or 'none'}"
    )


def reading_line(facts: ReadingFacts) -> str:
    """Return the line that says whether everything was read, and why, or how much has changed."""
    if facts.kind == FULL:
        return f"Reading everything ({facts.why}): {facts.rows_read} rows read"
    since = f"since the snapshot of run {facts.why}"
    if not facts.cells_changed:
        return f"Nothing has changed {since}: {facts.rows_carried} contested visits carried over"
    return (
        f"Reading what has changed {since}: {facts.cells_changed} of {facts.cells} cells with {facts.share:.1%} of the "
        f"visits, {facts.rows_read} rows read, {facts.rows_carried} contested visits carried over"
    )


@dataclass(frozen=True)
class NightSummary:
    """The outcome of a night.

    `expected` are the prefixes that success is counted over: those with visits, and the empty ones that failed.
    `committed` has a line for every prefix of the night that the store has got, the empty ones too.
    """

    expected: Sequence[str]
    failed: Sequence[str]
    committed: Sequence[PrefixLine]
    open_conflicts: int


def success_line(expected: Sequence[str], failed: Sequence[str]) -> str:
    """Return the line with the success rate: `Success rate: 96/97 prefixes`."""
    return f"Success rate: {len(expected) - len(failed)}/{len(expected)} prefixes"


def places_line(source: str, store: str) -> str:
    """Return where a run reads and writes: `Source: ... · store: ...`."""
    return f"{PLACES_BEGINNING}{source} · store: {store}"


def summary_lines(night: NightSummary) -> list[str]:
    """Return the lines with which a night ends.

    They are the success rate, the totals, the slowest prefixes, and the failed prefixes with their remedy.
    """
    slowest = sorted(night.committed, key=lambda line: -line.seconds)[:SLOWEST_SHOWN]
    total = {name: sum(getattr(line, name) for line in night.committed) for name in _TOTALLED}
    found = f"{total['conflicts']} conflicts, {total['rows']} rows"
    changes = _told(total, always=("new", "changed", "resolved"))
    lines = [
        success_line(night.expected, night.failed),
        f"Totals: {found}; {changes}; {night.open_conflicts} open in the store",
    ]
    if slowest:
        lines.append("Slowest prefixes: " + ", ".join(f"{line.prefix} ({line.seconds:.1f} s)" for line in slowest))
    if night.failed:
        lines.append(failure_line(night.failed))
    return lines


def prefix_ranges(prefixes: Sequence[str]) -> list[str]:
    """Return prefixes as people write them: `04`, `17-30`."""
    return [range_name(*bounds) for bounds in contiguous_ranges(sorted(prefixes))]


def failure_line(prefixes: Sequence[str]) -> str:
    """Name the failed prefixes and the command that repeats them."""
    ranges = prefix_ranges(prefixes)
    options = " ".join(f"--prefix {each}" for each in ranges)
    return f"Failed prefixes: {', '.join(ranges)}. Repeat them with: conflict-assets run {options}"
