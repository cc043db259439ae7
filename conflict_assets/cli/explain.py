"""The commands `conflict-assets explain` and `show`.

`explain` describes one pair of visits in words, and `show` draws one group of conflicts.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conflict_assets.domain.privacy import mask_ssn
from conflict_assets.domain.rules import Rule
from conflict_assets.output.explanation_text import conditions, measure_text, moment_text, out_of_play, verdict
from conflict_assets.output.whole_files import FileError, check_ending, check_target, whole_file
from conflict_assets.settings import load_settings
from conflict_assets.store.conflict_lookup import MadeDecision, ShownVisit, StoredConflict
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decisions import DecisionValue, Pair, pair_of_visits, parse_pair
from conflict_assets.store.store_factory import conflict_store

if TYPE_CHECKING:
    from conflict_assets.report.timeline import Bar
    from conflict_assets.running.pair_explanation import Explained

WIDTH_OF_TEXTS = 80
PICTURES = (".png", ".svg")
MARKS = {True: ("yes", "green"), False: ("no", "red"), None: ("-", "dim")}

out = Console(highlight=False, soft_wrap=True)


def explain_command(
    visit: Annotated[str, typer.Argument(help="The id of a visit.")],
    con_visit: Annotated[str, typer.Argument(help="The id of the other one.")],
) -> None:
    """Say why two visits are a conflict, or why they are none.

    Each condition is told with its values, and what the store holds of the two.
    """
    from conflict_assets.running.pair_explanation import UnknownVisitError, explain_visits

    settings = load_settings()
    try:
        found = explain_visits(settings, pair := pair_of_visits(visit, con_visit))
    except (ValueError, UnknownVisitError) as error:
        raise typer.BadParameter(str(error)) from None
    zone = ZoneInfo(settings.source_time_zone)
    out.print(f"Visits {pair.visit_id} and {pair.con_visit_id}: {_verdict(found)}", style="bold", markup=False)
    ids = (pair.visit_id or "", pair.con_visit_id or "")
    for visit_id, row, namesakes in zip(ids, found.rows, found.namesakes, strict=True):
        out.print(_visit_line(visit_id, row, namesakes, found), markup=False)
    if found.explanation is not None:
        table = Table("condition", "holds", "values", box=None, pad_edge=False)
        for each in conditions(found.explanation, found.policy, time_zone=settings.source_time_zone):
            mark, style = MARKS[each.holds]
            table.add_row(each.name, Text(mark, style=style), Text(each.values))
        out.print(table)
    for line in [_stored(each, zone) for each in found.stored] or ["no conflict of the two"]:
        out.print(f"Store: {line}", markup=False)
    _tell_unreadable(found.stored)


def _verdict(found: "Explained") -> str:
    reasons = [
        f"visit {row['visit_id']} does not count, {reason}"
        for row in found.rows
        if row is not None and (reason := _reason(row, found))
    ]
    gone = sum(row is None for row in found.rows)
    if found.explanation is None or reasons:
        was = "no longer a conflict" if found.stored else "no conflict"
        why = "; ".join(reasons) or f"{'a visit is' if gone == 1 else 'both visits are'} no longer in the source"
        return f"{was}: {why}"
    text = verdict(found.explanation, found.policy)
    held = bool(found.stored) and found.explanation.rule is None
    return text.replace("no conflict", "no longer a conflict", 1) if held else text


def _reason(row: Mapping[str, object], found: "Explained") -> str | None:
    return out_of_play(str(row["outcome"]), row, found.policy, found.window)


def _visit_line(visit_id: str, row: Mapping[str, object] | None, namesakes: int, found: "Explained") -> str:
    if row is None:
        return f"{visit_id}: not in the source"
    more = f"; {namesakes} more rows of this id, older or of other caregivers" if namesakes else ""
    counts = _reason(row, found) or f"it counts ({row['outcome']})"
    agency = f"{row['provider_id']} ({row['provider_name'] or 'no name'})"
    return (
        f"{visit_id}: caregiver {mask_ssn(row['ssn'])}, agency {agency}, {row['visit_date']}, "
        f"status {row['visit_status'] or 'none'}: {counts}{more}"
    )


def _tell_unreadable(conflicts: Sequence[StoredConflict]) -> None:
    for each in conflicts:
        for column in each.unreadable:
            out.print(f"pair {each.pair_id}: {column} of the store can't be read, and is left out", markup=False)


def _stored(stored: StoredConflict, zone: ZoneInfo) -> str:
    parts = [
        f"{stored.status}, rule {stored.rule} {Rule(stored.rule).flag}",
        f"first detected {moment_text(stored.first_detected_at, zone)}",
        f"last detected {moment_text(stored.last_detected_at, zone)}",
    ]
    if stored.resolved_at is not None:
        parts.append(f"resolved {moment_text(stored.resolved_at, zone)} ({stored.resolved_reason})")
    if stored.decision is not None:
        outdated = ", since when the conflict has changed" if stored.decision_outdated else ""
        decided_at = moment_text(stored.decided_at, zone)
        parts.append(f"{stored.decision} by {stored.decided_by} {decided_at}{outdated}: {stored.decision_reason}")
    return f"pair {stored.pair_id}: " + "; ".join(parts)


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
        decisions = store.decisions_about([each.pair_id for each in conflicts])
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
    _tell_unreadable(conflicts)
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
    found = store.conflicts_of_pair(pair.pair_id)
    if found and all(each.resolved_at is not None for each in found):
        return found
    groups = {each.group_id for each in found} or {pair.pair_id}
    return [each for group in sorted(groups) for each in store.conflicts_of_group(group)]


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
