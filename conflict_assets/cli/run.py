"""`conflict-assets run`: a night, or what it would do."""

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conflict_assets.automation.garbage_collection import collect_as_usual, collect_rarely
from conflict_assets.cli.endings import require_ending
from conflict_assets.cli.exit_codes import FAILED, INTERRUPTED
from conflict_assets.partitions import all_prefixes, parse_prefixes
from conflict_assets.running.folders import check_folders
from conflict_assets.running.interrupts import end_by_interrupt
from conflict_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from conflict_assets.running.run_follower import Watcher

NAME = "conflict-assets"
COSTLIEST_SHOWN = 3
SAMPLES = (".csv",)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def run_command(  # noqa: PLR0917 - options of a command, given by name
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
    full: Annotated[
        bool, typer.Option("--full", help="Read everything this once, and not only what changed at the source.")
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
    collect_rarely()
    settings = load_settings()
    prefixes = _chosen(prefix, settings)
    check_folders(settings)
    if dry:
        _say_where(settings)
        _dry_run(
            settings, prefixes, allow_visit_drop=allow_visit_drop, full=full, sample=sample, sample_rows=sample_rows
        )
        return
    if sample is not None:
        raise typer.BadParameter("--sample goes with --dry-run")
    end_by_interrupt()
    _begin(settings)
    _say_where(settings)
    _prepare(settings)
    _night(settings, prefixes, workers or settings.max_workers, allow_visit_drop=allow_visit_drop, full=full)


def _night(settings: Settings, prefixes: tuple[str, ...], workers: int, *, allow_visit_drop: bool, full: bool) -> None:
    from conflict_assets.running.instance import dagster_instance
    from conflict_assets.running.night import NightInterrupted, NightOptions, run_night

    collect_as_usual()
    chosen = NightOptions(prefixes, workers, allow_visit_drop=allow_visit_drop, full=full)
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
    settings: Settings,
    prefixes: tuple[str, ...],
    *,
    allow_visit_drop: bool,
    full: bool,
    sample: Path | None,
    sample_rows: int,
) -> None:
    if sample is not None:
        require_ending(sample, SAMPLES)
        if not sample.absolute().parent.is_dir():
            raise typer.BadParameter(f"--sample {sample}: there is no folder {sample.absolute().parent}")
    _generate_when_missing(settings)
    from conflict_assets.running.dry_run import DryRunOptions, SampleError, dry_run

    collect_as_usual()
    options = DryRunOptions(
        prefixes, allow_visit_drop=allow_visit_drop, full=full, sample=sample, sample_rows=sample_rows
    )
    with _watching(len(prefixes)) as watcher:
        try:
            outcome = dry_run(settings, options, watcher)
        except SampleError as error:
            raise typer.BadParameter(str(error)) from None
    out.print(f"Sample: {outcome.sample}", markup=False)
    if outcome.failed:
        raise typer.Exit(FAILED)


def _chosen(selections: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    if not selections:
        return all_prefixes(settings.ssn_prefix_length)
    try:
        return parse_prefixes(selections, settings.ssn_prefix_length)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _say_where(settings: Settings) -> None:
    from conflict_assets.assets.source_and_store import where

    out.print(where(settings), markup=False)


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
        store.administration.prepare()


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
        costliest = store.conflicts.costliest_new(run_ids, limit=COSTLIEST_SHOWN)
    for line in new_conflict_lines(costliest, ZoneInfo(settings.source_time_zone), _program()):
        out.print(line, markup=False)


def _program() -> str:
    """Return how this command is called here.

    That is its name where a shell finds it, else its path.
    """
    if shutil.which(NAME):
        return NAME
    path = Path(sys.argv[0]).absolute()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
