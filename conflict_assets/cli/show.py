"""`conflict-assets show`: one group of conflicts as a picture, with its decisions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from conflict_assets.cli.unreadable_values import say_unreadable
from conflict_assets.domain.rules import Rule
from conflict_assets.output.explanation_text import measure_text, moment_text
from conflict_assets.output.whole_files import FileError, check_ending, check_target, whole_file
from conflict_assets.settings import load_settings
from conflict_assets.store.conflict_lookup import ShownVisit, StoredConflict
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import DecisionValue, MadeDecision, Pair, parse_pair
from conflict_assets.store.store_factory import conflict_store

if TYPE_CHECKING:
    from conflict_assets.report.timeline import Bar

WIDTH_OF_TEXTS = 80
PICTURES = (".png", ".svg")

out = Console(highlight=False, soft_wrap=True)


def show_command(
    name: Annotated[str, typer.Argument(help="A pair_id, a group_id, or two visit ids with a comma between.")],
    file: Annotated[
        Path | None, typer.Option("--out", help="Draw the picture into this file too: .png or .svg.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Show a conflict, with all that hang together with it.

    The caregiver's visits are bars, a row for each agency; all decisions stand below.
    """
    from conflict_assets.report.timeline import save_figure, timeline_figure, timeline_table

    settings = load_settings()
    try:
        pair = parse_pair(name)
        ending = _checked_ending(file, overwrite=overwrite)
    except (ValueError, FileError) as error:
        raise typer.BadParameter(str(error)) from None
    with conflict_store(settings) as store:
        conflicts = _group_of(store, pair)
        decisions = store.decisions.about([each.pair_id for each in conflicts])
    if not conflicts:
        raise typer.BadParameter(
            f"{pair} is neither a pair nor a group of the store; explain tells why two visits are none"
        )
    bars = _bars(conflicts)
    title = _title(conflicts)
    out.print(title, style="bold", markup=False)
    if bars:
        out.print(timeline_table(bars, time_zone=settings.source_time_zone, width=out.width - WIDTH_OF_TEXTS))
    zone = ZoneInfo(settings.source_time_zone)
    for each in conflicts:
        out.print(_conflict_line(each), markup=False)
        for decision in decisions:
            if decision.pair_id == each.pair_id:
                out.print(f"    {_decision_line(decision, zone)}", markup=False)
    say_unreadable(conflicts)
    if file is not None:
        figure = timeline_figure(bars, title=title, time_zone=settings.source_time_zone)
        try:
            with whole_file(file) as partial:
                save_figure(figure, partial, ending)
        except FileError as error:
            raise typer.BadParameter(str(error)) from None
        out.print(f"{file}: the picture", markup=False)


def _checked_ending(file: Path | None, *, overwrite: bool) -> str:
    if file is None:
        return ""
    ending = check_ending(file, PICTURES)
    check_target(file, overwrite=overwrite)
    return ending


def _group_of(store: ConflictStore, pair: Pair) -> list[StoredConflict]:
    """Return the conflicts of a pair's group, or those of a named group.

    A pair whose conflicts are all resolved is returned alone.
    """
    found = store.conflicts.of_pair(pair.pair_id)
    if found and all(each.resolved_at is not None for each in found):
        return found
    groups = {each.group_id for each in found} or {pair.pair_id}
    return [each for group in sorted(groups) for each in store.conflicts.of_group(group)]


def _bars(conflicts: Sequence[StoredConflict]) -> list["Bar"]:
    visits = {visit.visit_id: visit for each in conflicts for visit in (each.visit, each.con_visit)}
    return [bar for visit in visits.values() if (bar := _bar(visit)) is not None]


def _bar(visit: ShownVisit) -> "Bar | None":
    from conflict_assets.report.timeline import Bar

    agency = visit.provider_name or visit.provider_id
    if visit.start is None or visit.end is None:
        return None
    return Bar(visit.visit_id, agency, visit.start, visit.end, visit.is_actual)


def _title(conflicts: Sequence[StoredConflict]) -> str:
    dates = [visit.visit_date for each in conflicts for visit in (each.visit, each.con_visit) if visit.visit_date]
    days = " to ".join(f"{day}" for day in sorted({min(dates), max(dates)})) if dates else "of unknown dates"
    count = "1 conflict" if len(conflicts) == 1 else f"{len(conflicts)} conflicts"
    ssns = " and ".join(sorted({each.ssn for each in conflicts}))
    groups = ", ".join(sorted({each.group_id for each in conflicts}))
    return f"{count} of caregiver {ssns}, {days} (group {groups})"


def _conflict_line(each: StoredConflict) -> str:
    measure = measure_text(each.rule, each.overlap_minutes, each.eta_travel_minutes, each.minutes_between)
    rule = f"rule {each.rule} {Rule(each.rule).flag}"
    return (
        f"{each.visit.visit_id} and {each.con_visit.visit_id}: {rule}, {measure}; {each.status} (pair {each.pair_id})"
    )


def _decision_line(made: MadeDecision, zone: ZoneInfo) -> str:
    earlier = "" if made.holds or made.decision == DecisionValue.CLEARED else "earlier: "
    decided_at = moment_text(made.decided_at.replace(microsecond=0), zone)
    return f"{earlier}{made.decision} by {made.decided_by} {decided_at}: {made.reason}"
