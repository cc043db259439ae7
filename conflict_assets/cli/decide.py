"""`conflict-assets decide`: what people decide about conflicts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from conflict_assets.cli.older_report import say_report_is_older
from conflict_assets.cli.prepared_store import prepared_store
from conflict_assets.settings import load_settings
from conflict_assets.store.decision_spreadsheets import FilledIn, read_decisions
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair

out = Console(highlight=False, soft_wrap=True)

Pairs = Annotated[list[str] | None, typer.Argument(help="A pair_id, or two visit ids with a comma between.")]


def decide_command(  # noqa: PLR0917 - options of a command, given by name
    pairs: Pairs = None,
    whitelist: Annotated[
        bool, typer.Option("--whitelist", help="It was explained; it is no conflict to follow.")
    ] = False,
    ignore: Annotated[bool, typer.Option("--ignore", help="It is a conflict, but not worth following.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take the decision back.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; kept with the decision. Of a file: for rows without a reason.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Who decides; without it, the login of the operating system.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "--csv",
            help="A file of export (.csv or .xlsx) with its columns decision and decision_reason filled in; "
            "rows without a decision are left out.",
        ),
    ] = None,
) -> None:
    """Whitelist or ignore conflicts, or take a decision back.

    Every decision is kept; the newest one about a conflict holds, and no run changes that. Of a file all rows are
    written, or none: its column decision is whitelisted, ignored or cleared. Rows that say what holds change nothing.
    """
    if by is not None and not by.strip():
        raise typer.BadParameter("--by is empty; allowed: the name of who decides")
    chosen = [value for value, given in zip(DecisionValue, (whitelist, ignore, clear), strict=True) if given]
    if len(chosen) > 1 or (not chosen and file is None):
        raise typer.BadParameter("give one of --whitelist, --ignore and --clear")
    decisions = _decisions_named(pairs, chosen, reason)
    filled = None
    if file is not None:
        filled = read_decisions(file, value=chosen[0] if chosen else None, reason=reason)
        decisions += filled.decisions
    elif not decisions:
        raise typer.BadParameter("name at least one pair, or a file with --file")
    with prepared_store(load_settings()) as store:
        outcome = store.decisions.decide(decisions, decided_by=by.strip() if by else None, keep_same=filled is not None)
    out.print(
        f"{outcome.given} decisions given, {outcome.written} written, {outcome.unchanged} were so already"
        f"{_left_out(filled)}"
    )
    say_report_is_older(outcome)


def _left_out(filled: FilledIn | None) -> str:
    return f"; {filled.undecided} rows without a decision left out" if filled else ""


def _decisions_named(pairs: list[str] | None, chosen: list[DecisionValue], reason: str | None) -> list[Decision]:
    if not pairs:
        return []
    if not chosen or not reason or not reason.strip():
        raise typer.BadParameter("a decision needs one of --whitelist, --ignore and --clear, and a --reason")
    try:
        return [Decision(parse_pair(pair), chosen[0], reason.strip()) for pair in pairs]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
