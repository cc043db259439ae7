"""One conflict in words: its rule, its visits and its cost."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from conflict_assets.domain.listed_conflicts import ListedConflict, ListedVisit
from conflict_assets.domain.rules import Rule
from conflict_assets.output.explanation_text import measure_text
from conflict_assets.output.wording import money_text

LONGEST_NAME = 60
NEXT = ("show {pair}", 'decide {pair} --whitelist --reason "…" (or --ignore)', "report --open")
"""What to do about a conflict, as arguments of the command."""


def rule_text(conflict: ListedConflict) -> str:
    """Return the rule in words: `Worked times overlap, 30 minutes in common`."""
    minutes = (conflict.overlap_minutes, conflict.eta_travel_minutes, conflict.minutes_between)
    return f"{Rule(conflict.rule).label}, {measure_text(conflict.rule, *minutes)}"


def amount_text(conflict: ListedConflict) -> str:
    """Return the amount as `$12.35`.

    An unknown amount is shown as unknown, not as zero.
    """
    return "unknown" if conflict.amount is None else money_text(conflict.amount)


def when_text(visit: ListedVisit, zone: ZoneInfo, tell_day: Callable[[date], str] = str) -> str:
    """Return times in a zone: `2026-01-05 08:45 to 10:45 EST worked`."""
    if visit.start is None or visit.end is None:
        return f"{tell_day(visit.visit_date)} without times" if visit.visit_date else "without date and times"
    start, end = visit.start.astimezone(zone), visit.end.astimezone(zone)
    until = f"{end:%H:%M %Z}" if start.date() == end.date() else f"{tell_day(end.date())} {end:%H:%M %Z}"
    basis = "worked" if visit.is_actual else "scheduled"
    return f"{tell_day(start.date())} {start:%H:%M} to {until} {basis}"


def visit_text(visit: ListedVisit, zone: ZoneInfo) -> str:
    """Return the times, the agency and the id of a visit.

    An example is `2026-01-05 08:45 to 10:45 EST worked, Good Care, visit 1004532`.
    """
    return f"{when_text(visit, zone)}, {agency_text(visit)}, visit {on_one_line(visit.visit_id)}"


def agency_text(visit: ListedVisit) -> str:
    """Return the agency's name on one line, cut where it is very long."""
    name = " ".join(on_one_line(visit.agency).split())
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def on_one_line(text: str) -> str:
    """Return a text of another system as one printable line.

    Characters that move a terminal's cursor or end a line become spaces.
    """
    return "".join(each if each.isprintable() else " " for each in text)


def conflict_lines(conflict: ListedConflict, zone: ZoneInfo) -> list[str]:
    """Return the lines of a conflict: rule, both visits, and pair id.

    The id can be pasted into a command.
    """
    return [
        rule_text(conflict),
        *(visit_text(visit, zone) for visit in conflict.visits),
        f"pair {conflict.pair_id}",
    ]


def new_conflict_lines(costliest: Sequence[ListedConflict], zone: ZoneInfo, program: str) -> Iterator[str]:
    """Yield the new conflicts to look at first, and what to do about them.

    A run ends with these lines. Without new conflicts there are none.

    `program` is how the command is called here, so that what is told can be pasted.
    """
    if not costliest:
        return
    yield "Costliest new conflicts, by the overlap at the rates of both visits:"
    for conflict in costliest:
        rule, *others, pair = conflict_lines(conflict, zone)
        yield f"{amount_text(conflict)}, {pair}: {rule}"
        yield from (f"    {line}" for line in others)
    yield "Next, of the first:"
    yield from (f"    {program} {arguments.format(pair=costliest[0].pair_id)}" for arguments in NEXT)
