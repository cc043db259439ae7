"""`conflict-assets explain`: why two visits are a conflict, or why not."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conflict_assets.cli.unreadable_values import say_unreadable
from conflict_assets.domain.masking import mask_ssn
from conflict_assets.domain.rules import Rule
from conflict_assets.output.explanation_text import conditions, moment_text, out_of_play, verdict
from conflict_assets.settings import load_settings
from conflict_assets.store.conflict_lookup import StoredConflict
from conflict_assets.store.decision_types import pair_of_visits

if TYPE_CHECKING:
    from conflict_assets.running.pair_explanation import Explained

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
    say_unreadable(found.stored)


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
