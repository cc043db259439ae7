"""`conflict-assets import-decisions`: what people decided in the replaced system."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from conflict_assets.cli.older_report import say_report_is_older
from conflict_assets.cli.prepared_store import prepared_store
from conflict_assets.settings import load_settings
from conflict_assets.store.decision_files import read_replaced_database, read_replaced_file
from conflict_assets.store.decision_types import Pair
from conflict_assets.store.decisions import SHOWN

out = Console(highlight=False, soft_wrap=True)


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
    with prepared_store(load_settings()) as store:
        outcome = store.decisions.take_over(found.decisions, decided_by="replaced system")
    out.print(
        f"{outcome.given} decisions found, {outcome.written} written, {outcome.unchanged} were so already; "
        f"{found.undecided} rows undecided, {found.unusable} without two visit ids"
    )
    for note in found.notes:
        out.print(f"Left out: {note}", markup=False)
    if outcome.unseen:
        _say_unseen(outcome.unseen)
    say_report_is_older(outcome)


def _say_unseen(pairs: Sequence[Pair]) -> None:
    shown = "; ".join(str(pair) for pair in pairs[:SHOWN])
    more = f"; and {len(pairs) - SHOWN:,} more" if len(pairs) > SHOWN else ""
    out.print(
        f"Not in the store: {len(pairs):,} of these pairs ({shown}{more}). "
        "Their decisions are kept, and hold as soon as a night finds such a conflict",
        markup=False,
    )
