"""Commands about the store: decisions that people take, and the server itself."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from conflict_assets.report.report_files import latest_report_time
from conflict_assets.settings import Settings, load_settings
from conflict_assets.store.address import describe_url, without_password
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_files import read_replaced_database, read_replaced_file
from conflict_assets.store.decision_spreadsheets import FilledIn, read_decisions
from conflict_assets.store.decisions import SHOWN, Decision, DecisionOutcome, DecisionValue, Pair, parse_pair
from conflict_assets.store.errors import StoreError
from conflict_assets.store.store_factory import conflict_store, psql_program, stop_store, store_url

PROMISE_SECONDS = 600.0

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
store_commands = typer.Typer(help="Look after the store: its tables, its roles, its server.", no_args_is_help=True)

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
    chosen = [verdict for verdict, given in zip(DecisionValue, (whitelist, ignore, clear), strict=True) if given]
    if len(chosen) > 1 or (not chosen and file is None):
        raise typer.BadParameter("give one of --whitelist, --ignore and --clear")
    decisions = _decisions_named(pairs, chosen, reason)
    filled = None
    if file is not None:
        filled = read_decisions(file, verdict=chosen[0] if chosen else None, reason=reason)
        decisions += filled.decisions
    elif not decisions:
        raise typer.BadParameter("name at least one pair, or a file with --file")
    with _prepared(load_settings()) as store:
        outcome = store.decide(decisions, decided_by=by.strip() if by else None, keep_same=filled is not None)
    out.print(
        f"{outcome.given} decisions given, {outcome.written} written, {outcome.unchanged} were so already"
        f"{_left_out(filled)}"
    )
    _tell_older_report(outcome)


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


def import_decisions_command(
    csv: Annotated[
        Path | None,
        typer.Option("--csv", "--file", help="An export of the table conflictvisitmaps: a CSV, or a workbook (.xlsx)."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            envvar="REPLACED_POSTGRES_URL",
            show_envvar=True,
            help="URL of the replaced system's database.",
        ),
    ] = None,
) -> None:
    """Take over what people decided in the replaced system.

    This may be done as often as one likes: decisions that were taken here stay.
    """
    if (csv is None) == (database is None):
        raise typer.BadParameter("give one of --csv and --database")
    found = read_replaced_file(csv) if csv is not None else read_replaced_database(database or "")
    with _prepared(load_settings()) as store:
        outcome = store.import_decisions(found.decisions, decided_by="replaced system")
    out.print(
        f"{outcome.given} decisions found, {outcome.written} written, {outcome.unchanged} were so already; "
        f"{found.undecided} rows undecided, {found.unusable} without two visit ids"
    )
    for note in found.notes:
        out.print(f"Left out: {note}", markup=False)
    if outcome.unseen:
        _tell_unseen(outcome.unseen)
    _tell_older_report(outcome)


def _tell_unseen(pairs: Sequence[Pair]) -> None:
    shown = "; ".join(str(pair) for pair in pairs[:SHOWN])
    more = f"; and {len(pairs) - SHOWN:,} more" if len(pairs) > SHOWN else ""
    out.print(
        f"Not in the store: {len(pairs):,} of these pairs ({shown}{more}). "
        "Their decisions are kept, and hold as soon as a night finds such a conflict",
        markup=False,
    )


def _tell_older_report(outcome: DecisionOutcome) -> None:
    """Warn if the newest report on this machine lacks these decisions."""
    settings = load_settings()
    made_at = latest_report_time(settings.data_dir)
    if outcome.written and made_at is not None and made_at < datetime.now(tz=UTC):
        zone = ZoneInfo(settings.schedule_time_zone)
        out.print(
            f"The report of {made_at.astimezone(zone):%Y-%m-%d %H:%M} is older than this; "
            "make it anew with: conflict-assets report"
        )


@store_commands.command("url")
def url_command(
    password: Annotated[
        bool, typer.Option("--password", help="Print the password of CONFLICTS_POSTGRES_URL too.")
    ] = False,
) -> None:
    """Print the line that opens the store in psql.

    The embedded one starts, and waits for ten minutes to be used.
    """
    settings = load_settings()
    with _prepared(settings):
        url = store_url(settings, promise_seconds=PROMISE_SECONDS)
    shown = url if password else without_password(url)
    out.print(shlex.join([psql_program(), shown]), markup=False)
    if shown != url:
        err.print("psql asks for the password; with --password it is printed too", markup=False)


@store_commands.command("migrate")
def migrate_command() -> None:
    """Make the store's tables, or bring them up to date.

    Every run does so, too.
    """
    settings = load_settings()
    with _prepared(settings):
        out.print(f"the store at {describe_url(store_url(settings))} is up to date")


@store_commands.command("roles")
def roles_command() -> None:
    """Make the roles conflicts_writer and conflicts_reader, with their rights."""
    with _prepared(load_settings()) as store:
        store.set_up_roles()
    out.print(
        "conflicts_writer and conflicts_reader are set up; a login joins one of them: GRANT conflicts_reader TO bi"
    )


@store_commands.command("start")
def start_command() -> None:
    """Start the embedded server, and let it stay until it is stopped."""
    settings = load_settings()
    _refuse_given(settings)
    store_url(settings, stay=True)
    out.print("it runs, and stays until: conflict-assets store stop")


@store_commands.command("stop")
def stop_command() -> None:
    """Stop the embedded server, whoever uses it."""
    settings = load_settings()
    _refuse_given(settings)
    out.print("stopped" if stop_store(settings) else "it did not run")


def _refuse_given(settings: Settings) -> None:
    if settings.conflicts_postgres_url is not None:
        raise StoreError(
            "CONFLICTS_POSTGRES_URL is set: the store is not the embedded one, and is started and stopped by whoever "
            "runs it. Unset CONFLICTS_POSTGRES_URL to mean the embedded one."
        )


@contextmanager
def _prepared(settings: Settings) -> Iterator[ConflictStore]:
    with conflict_store(settings) as store:
        store.prepare()
        yield store
