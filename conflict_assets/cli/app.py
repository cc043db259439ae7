"""The command line: `conflict-assets`."""

import atexit
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from conflict_assets.assets.source_and_store import where
from conflict_assets.cli.closed_pipes import outlive_readers
from conflict_assets.cli.dev import PASS_ON, dev_command
from conflict_assets.cli.explain import explain_command, show_command
from conflict_assets.cli.export import export_command
from conflict_assets.cli.list import list_command
from conflict_assets.cli.psql import psql_command
from conflict_assets.cli.report import report_command
from conflict_assets.cli.store import decide_command, import_decisions_command, store_commands
from conflict_assets.cli.version import print_version
from conflict_assets.output.masked_logs import mask_logs, print_masked_trace
from conflict_assets.partitions import all_prefixes, parse_prefixes
from conflict_assets.running.folders import check_folders
from conflict_assets.running.interrupts import end_by_interrupt
from conflict_assets.settings import Settings, SettingsError, load_settings
from conflict_assets.source.protocol import SourceError
from conflict_assets.store.errors import StoreError

if TYPE_CHECKING:
    from conflict_assets.running.run_follower import Watcher

NAME = "conflict-assets"
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130
COSTLIEST_SHOWN = 3
SAMPLES = (".csv",)
SOURCES = (".duckdb", ".db")

COMMANDS = (
    "doctor",
    "generate",
    "run",
    "dev",
    "list",
    "report",
    "show",
    "explain",
    "decide",
    "import-decisions",
    "export",
)
"""The order in which one needs the commands.

The others follow.
"""


class InOrder(TyperGroup):
    """Commands that are listed in the order in which one needs them."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 - Typer's signature
        """Return the names in that order, the others at the end."""
        places = {name: place for place, name in enumerate(COMMANDS)}
        return sorted(self.commands, key=lambda name: places.get(name, len(places)))


app = typer.Typer(
    name=NAME,
    cls=InOrder,
    help="Find the visit conflicts of home-care caregivers, every night.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


app.add_typer(store_commands, name="store")
app.command("decide")(decide_command)
app.command("import-decisions")(import_decisions_command)
app.command("report")(report_command)
app.command("export")(export_command)
app.command("list")(list_command)
app.command("explain")(explain_command)
app.command("show")(show_command)
app.command("dev", context_settings=PASS_ON)(dev_command)
store_commands.command("psql", context_settings=PASS_ON)(psql_command)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the versions, and end.")
    ] = False,
) -> None:
    """Options of every command."""
    logging.getLogger("conflict_assets").setLevel(logging.DEBUG if debug else logging.INFO)


@app.command()
def run(  # noqa: PLR0917 - options of a command, given by name
    prefix: Annotated[
        list[str] | None, typer.Option("--prefix", help="A prefix (04) or a range (17-30); may be repeated.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Steps at once; a dry run has none.")
    ] = None,
    allow_visit_drop: Annotated[
        bool,
        typer.Option("--allow-visit-drop", help="Let the run through although the source has far fewer visits."),
    ] = False,
    dry: Annotated[
        bool,
        typer.Option("--dry-run", help="Tell what would be new, changed, resolved and reopened, and write nothing."),
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample", dir_okay=False, help="Of a dry run: the CSV of examples; unset: one in the data folder."
        ),
    ] = None,
    sample_rows: Annotated[
        int, typer.Option("--sample-rows", min=0, max=100_000, help="Of a dry run: examples of each kind.")
    ] = 20,
) -> None:
    """Run the night: find conflicts, and store them.

    It reads the source, detects all prefixes one by one, and sums up; --prefix names some of them. Exit code 0: all
    well, 1: a prefix failed, 2: bad input, 130: broken off.
    """
    settings = load_settings()
    prefixes = _chosen(prefix, settings)
    out.print(where(settings), markup=False)
    check_folders(settings)
    if dry:
        _dry_run(settings, prefixes, allow_visit_drop, sample, sample_rows)
        return
    if sample is not None:
        raise typer.BadParameter("--sample goes with --dry-run")
    end_by_interrupt()
    _begin(settings)
    _prepare(settings)
    _night(settings, prefixes, workers or settings.max_workers, allow_visit_drop)


def _night(settings: Settings, prefixes: tuple[str, ...], workers: int, allow_visit_drop: bool) -> None:
    from conflict_assets.running.instance import dagster_instance
    from conflict_assets.running.night import NightInterrupted, NightOptions, run_night

    chosen = NightOptions(prefixes, workers, allow_visit_drop)
    try:
        with dagster_instance(settings) as instance, _watching(len(prefixes)) as watcher:
            outcome = run_night(instance, chosen, watcher)
    except NightInterrupted as interrupted:
        err.print(f"Interrupted. {interrupted}", style="yellow", markup=False)
        raise typer.Exit(INTERRUPTED) from None
    if not outcome.succeeded:
        raise typer.Exit(FAILED)
    _check_planted(settings, outcome.run_ids)
    _tell_costliest(settings, outcome.run_ids)


def _dry_run(
    settings: Settings, prefixes: tuple[str, ...], allow_visit_drop: bool, sample: Path | None, sample_rows: int
) -> None:
    if sample is not None:
        _check_ending(sample, SAMPLES)
        if not sample.absolute().parent.is_dir():
            raise typer.BadParameter(f"--sample {sample}: there is no folder {sample.absolute().parent}")
    _generate_when_missing(settings)
    from conflict_assets.running.dry_run import DryRunOptions, SampleError, dry_run

    options = DryRunOptions(prefixes, allow_visit_drop, sample, sample_rows)
    with _watching(len(prefixes)) as watcher:
        try:
            outcome = dry_run(settings, options, watcher)
        except SampleError as error:
            raise typer.BadParameter(str(error)) from None
    out.print(f"Sample: {outcome.sample}", markup=False)
    if outcome.failed:
        raise typer.Exit(FAILED)


def _check_ending(file: Path, allowed: Sequence[str]) -> None:
    from conflict_assets.output.whole_files import FileError, check_ending

    try:
        check_ending(file, allowed)
    except FileError as error:
        raise typer.BadParameter(str(error)) from None


def _chosen(selections: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    if not selections:
        return all_prefixes(settings.ssn_prefix_length)
    try:
        return parse_prefixes(selections, settings.ssn_prefix_length)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _begin(settings: Settings) -> None:
    """Start the steps' imports in a process of their own."""
    from conflict_assets.running.dagster_home import make_dagster_home
    from conflict_assets.running.forkserver import start_forkserver

    make_dagster_home(settings)
    start_forkserver()


def _prepare(settings: Settings) -> None:
    """Check settings, source and store before a run is made."""
    from conflict_assets.source.source_factory import visit_source
    from conflict_assets.store.store_factory import conflict_store

    _generate_when_missing(settings)
    with visit_source(settings).open(run_id="check") as reader:
        reader.check_contract()
    with conflict_store(settings) as store:
        store.prepare()


def _generate_when_missing(settings: Settings) -> None:
    from conflict_assets.source.source_factory import generate_when_missing

    if settings.may_generate and not settings.generated_path.exists():
        out.print(f"Generating {settings.generated_visits:,} visits, since there is no source yet")
        generate_when_missing(settings)


@contextmanager
def _watching(total: int) -> Iterator["Watcher"]:
    """Open a watcher that prints lines.

    On a terminal there is a progress bar below the lines.
    """
    from conflict_assets.running.run_follower import Watcher

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("prefixes", total=total)

        def say(level: int, text: str) -> None:
            style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else ""
            progress.console.print(text, style=style, markup=False)

        yield Watcher(say=say, finished=lambda _prefix: progress.advance(task))


def _check_planted(settings: Settings, run_ids: Sequence[str]) -> None:
    """Compare a night over the generated source with its planted conflicts."""
    from conflict_assets.running.planted_check import check_planted

    planted = check_planted(settings, run_ids)
    if planted is None:
        return
    out.print(f"Planted conflicts found: {planted.found} of {planted.planted}, {planted.unexpected} unexpected")
    if not planted.holds:
        raise typer.Exit(FAILED)


def _tell_costliest(settings: Settings, run_ids: Sequence[str]) -> None:
    """Print the costliest new conflicts and the commands for them.

    Nothing is printed where there are none.
    """
    from conflict_assets.output.conflict_text import new_conflict_lines
    from conflict_assets.store.store_factory import conflict_store

    with conflict_store(settings) as store:
        costliest = store.costliest_new(run_ids, limit=COSTLIEST_SHOWN)
    for line in new_conflict_lines(costliest, ZoneInfo(settings.source_time_zone), _program()):
        out.print(line, markup=False)


def _program() -> str:
    """How this command is called here: by its name where a shell finds it, else by its path."""
    if shutil.which(NAME):
        return NAME
    path = Path(sys.argv[0]).absolute()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@app.command()
def generate(
    file: Annotated[Path, typer.Option("--out", help="The DuckDB file to write: .duckdb or .db.")],
    visits: Annotated[int, typer.Option(min=1, help="How many visits.")] = 300_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same content.")] = 1,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that counts as today.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a source of invented visits, to try things on.

    It is a DuckDB file with planted conflicts and bad rows; the list of what was planted is written beside it.
    """
    from conflict_assets.source.synthetic import generate as write_source

    _check_ending(file, SOURCES)
    today = as_of.date() if as_of else load_settings().today()
    try:
        made = write_source(file, visits=visits, seed=seed, as_of=today, overwrite=overwrite)
    except (ValueError, FileExistsError) as error:
        raise typer.BadParameter(str(error)) from None
    out.print(
        f"{made.path}: {made.visits:,} visits of {made.caregivers:,} caregivers, {made.planted:,} conflicts planted"
    )
    out.print(f"{made.planted_path}: the planted conflicts")


@app.command()
def doctor() -> None:
    """Check all that a night uses, and say what to mend."""
    from conflict_assets.running.diagnosis import diagnose

    try:
        settings = load_settings()
    except SettingsError as error:
        out.print(f"PROBLEM settings: {error}", style="red", markup=False)
        raise typer.Exit(BAD_INPUT) from None
    out.print(where(settings), markup=False)
    problems = 0
    for finding in diagnose(settings):
        mark, style = ("ok", "green") if finding.healthy else ("PROBLEM", "red")
        out.print(f"{mark:8}{finding.part}: {finding.text}", style=style, markup=False)
        problems += not finding.healthy
    if problems:
        raise typer.Exit(BAD_INPUT)


def main() -> None:
    """Run the command line.

    Bad input ends with one message and exit code 2, without a stack trace.
    """
    outlive_readers()
    mask_logs()
    try:
        app()
    except (SettingsError, SourceError, StoreError) as error:
        if "--debug" in sys.argv:
            print_masked_trace(error)
        err.print(f"Error: {error}", style="red", markup=False)
        _leave(BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - an unforeseen error is printed as Python does, masked
        print_masked_trace(error)
        _leave(FAILED)
    except SystemExit as ended:
        if not isinstance(ended.code, int):
            raise
        _leave(ended.code)


def _leave(status: int) -> NoReturn:
    """End the process when all is written and closed.

    The ordinary end would take a second to take apart all that was imported.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - what Python itself does at this point
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)
