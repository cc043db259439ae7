"""`conflict-assets export`: open conflicts as CSV, Parquet or Excel."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from conflict_assets.cli.filters import (
    Agencies,
    FirstDay,
    LastDay,
    Payers,
    Prefixes,
    Rules,
    Statuses,
    export_query,
)
from conflict_assets.export.table_files import TableFormat, format_of, table_writer
from conflict_assets.output.whole_files import FileError, check_target, whole_file
from conflict_assets.settings import Settings, load_settings
from conflict_assets.store.brief_columns import DECISION
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import DecisionValue
from conflict_assets.store.export_rows import Columns, ConflictExport, ExportQuery
from conflict_assets.store.store_factory import conflict_store

SHOWN_VALUES = 20
"""The number of unreadable values that are reported one by one."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def export_command(  # noqa: PLR0917 - options of a command, given by name
    file: Annotated[Path, typer.Option("--out", help="The file to write: .csv, .parquet or .xlsx.")],
    agency: Agencies = None,
    payer: Payers = None,
    rule: Rules = None,
    first: FirstDay = None,
    last: LastDay = None,
    status: Statuses = None,
    prefix: Prefixes = None,
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
    query = replace(
        export_query(settings, agency, payer, rule, first, last, status, prefix),
        both_sides=both_sides,
        full_ssns=full_ssn,
        columns=columns or (Columns.ALL if format_ is TableFormat.PARQUET else Columns.BRIEF),
    )
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
    choices = {DECISION: tuple(DecisionValue)} if query.columns is Columns.BRIEF else {}
    with (
        _store_for(settings, query) as store,
        store.conflicts.export(query) as export,
        whole_file(file) as partial,
        _progress(export) as progress,
        table_writer(partial, format_, export.schema, time_zone=settings.source_time_zone, choices=choices) as write,
    ):
        for batch in export.batches():
            write(batch)
            rows += batch.num_rows
            progress(rows)
        unreadable = export.unreadable
    for value in unreadable[:SHOWN_VALUES]:
        err.print(f"{file}: {value}", markup=False)
    if len(unreadable) > SHOWN_VALUES:
        err.print(f"{file}: and {len(unreadable) - SHOWN_VALUES:,} more values", markup=False)
    return rows


@contextmanager
def _store_for(settings: Settings, query: ExportQuery) -> Iterator[ConflictStore]:
    """Open a store that knows every agency and payer of the query."""
    with conflict_store(settings) as store:
        store.conflicts.require_known(query)
        yield store


@contextmanager
def _progress(export: ConflictExport) -> Iterator[Callable[[int], object]]:
    """Show a progress bar with the time that is left.

    It is shown on a terminal only, and the rows are counted for it first.
    """
    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("rows", total=export.count() if err.is_terminal else None)
        yield lambda rows: progress.update(task, completed=rows)
