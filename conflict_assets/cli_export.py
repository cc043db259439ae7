"""`conflict-assets export`: open conflicts as CSV, Parquet or Excel."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from conflict_assets.domain.rules import Rule
from conflict_assets.partitions import parse_prefixes
from conflict_assets.report.tables import TableFormat, format_of, table_writer
from conflict_assets.report.whole_files import FileError, check_target, whole_file
from conflict_assets.settings import Settings, load_settings
from conflict_assets.store.brief import DECISION
from conflict_assets.store.decisions import Verdict
from conflict_assets.store.export import OPEN_STATUSES, STATUSES, Columns, ConflictExport, ExportQuery
from conflict_assets.store.factory import conflict_store
from conflict_assets.store.store import ConflictStore

ALL = "all"
TOLD_VALUES = 20
"""So many values that could not be read are told of one by one."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def export_command(  # noqa: PLR0917 - options of a command, given by name
    file: Annotated[Path, typer.Option("--out", help="The file to write: .csv, .parquet or .xlsx.")],
    agency: Annotated[
        list[str] | None, typer.Option(help="Id or name of an agency of either visit; may repeat.")
    ] = None,
    payer: Annotated[list[str] | None, typer.Option(help="Id or name of a payer of either visit; may repeat.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="A rule: 1 to 7, or its flag's name; may repeat.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="A visit is on this day or later.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="A visit is on this day or earlier.")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(STATUSES)}, or {ALL}; may repeat. Unset: {' and '.join(OPEN_STATUSES)}."),
    ] = None,
    prefix: Annotated[
        list[str] | None, typer.Option(help="A prefix (04) or a range (17-30); may repeat. For writers only.")
    ] = None,
    columns: Annotated[
        Columns | None,
        typer.Option(
            help="What a reviewer needs, with a decision to fill in for `decide --file`, or all columns. "
            "Unset: brief for .csv and .xlsx, all for .parquet."
        ),
    ] = None,
    both_sides: Annotated[
        bool, typer.Option("--both-sides", help="Two rows a conflict, one from each visit's side, instead of one.")
    ] = False,
    full_ssn: Annotated[bool, typer.Option("--full-ssn", help="Full SSNs, not ***-**-1234. For writers only.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write open conflicts to a file: CSV, Parquet or Excel.

    Both visits of each are there, SSNs are masked, and only you may read the file. Fill in the columns decision and
    decision_reason, and give the file to `conflict-assets decide --file`.
    """
    settings = load_settings()
    format_ = _format_of(file, overwrite=overwrite)
    query = ExportQuery(
        statuses=_statuses(status),
        agencies=agency or (),
        payers=payer or (),
        rules=[_rule(text) for text in rule or ()],
        prefixes=_prefixes(prefix, settings),
        first_date=first.date() if first else None,
        last_date=last.date() if last else None,
        both_sides=both_sides,
        full_ssns=full_ssn,
        columns=columns or (Columns.ALL if format_ is TableFormat.PARQUET else Columns.BRIEF),
    )
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}; name an earlier day first")
    try:
        rows = _export(settings, query, file, format_)
    except FileError as error:
        raise typer.BadParameter(str(error)) from None
    what = "rows" if both_sides else "conflicts"
    out.print(f"{file}: {rows:,} {what}, SSNs {'in full' if full_ssn else 'masked'}", markup=False)


def _format_of(file: Path, *, overwrite: bool) -> TableFormat:
    try:
        format_ = format_of(file)
        check_target(file, overwrite=overwrite)
    except FileError as error:
        raise typer.BadParameter(str(error)) from None
    return format_


def _export(settings: Settings, query: ExportQuery, file: Path, format_: TableFormat) -> int:
    rows = 0
    choices = {DECISION: tuple(Verdict)} if query.columns is Columns.BRIEF else {}
    with (
        _store_for(settings, query) as store,
        store.export(query) as export,
        whole_file(file) as partial,
        _progress(export) as progress,
        table_writer(partial, format_, export.schema, time_zone=settings.source_time_zone, choices=choices) as write,
    ):
        for batch in export.batches():
            write(batch)
            rows += batch.num_rows
            progress(rows)
        unreadable = export.unreadable
    for value in unreadable[:TOLD_VALUES]:
        err.print(f"{file}: {value}", markup=False)
    if len(unreadable) > TOLD_VALUES:
        err.print(f"{file}: and {len(unreadable) - TOLD_VALUES:,} more values", markup=False)
    return rows


@contextmanager
def _store_for(settings: Settings, query: ExportQuery) -> Iterator[ConflictStore]:
    """The store, once it knows every agency and payer that is asked for."""
    with conflict_store(settings) as store:
        store.require_known(query)
        yield store


@contextmanager
def _progress(export: ConflictExport) -> Iterator[Callable[[int], object]]:
    """A bar where there is a terminal, with what is left; the rows are counted for it first."""
    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("rows", total=export.count() if err.is_terminal else None)
        yield lambda rows: progress.update(task, completed=rows)


def _statuses(given: Sequence[str] | None) -> Sequence[str]:
    if not given:
        return OPEN_STATUSES
    wanted = [text.strip().lower() for text in given]
    if unknown := [text for text in wanted if text not in {*STATUSES, ALL}]:
        raise typer.BadParameter(f"--status {unknown[0]} is no status; allowed: {', '.join((*STATUSES, ALL))}")
    return STATUSES if ALL in wanted else wanted


def _rule(text: str) -> int:
    for rule in Rule:
        if text.strip().lower() in {str(rule.value), rule.flag}:
            return rule.value
    allowed = ", ".join(f"{rule.value} ({rule.flag})" for rule in Rule)
    raise typer.BadParameter(f"--rule {text} is no rule; allowed: {allowed}")


def _prefixes(given: Sequence[str] | None, settings: Settings) -> Sequence[str]:
    try:
        return parse_prefixes(given, settings.ssn_prefix_length) if given else ()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
