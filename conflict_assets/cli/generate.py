"""`conflict-assets generate`: a source of invented visits, to try things on."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from conflict_assets.cli.endings import require_ending
from conflict_assets.settings import load_settings

SOURCES = (".duckdb", ".db")

out = Console(highlight=False, soft_wrap=True)


def generate_command(
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

    require_ending(file, SOURCES)
    today = as_of.date() if as_of else load_settings().today()
    try:
        made = write_source(file, visits=visits, seed=seed, as_of=today, overwrite=overwrite)
    except (ValueError, FileExistsError) as error:
        raise typer.BadParameter(str(error)) from None
    out.print(
        f"{made.path}: {made.visits:,} visits of {made.caregivers:,} caregivers, {made.planted:,} conflicts planted"
    )
    out.print(f"{made.planted_path}: the planted conflicts")
