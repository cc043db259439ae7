"""`conflict-assets doctor`: whether all that a night uses is there, and what to mend."""

import typer
from rich.console import Console

from conflict_assets.assets.source_and_store import where
from conflict_assets.cli.exit_codes import BAD_INPUT
from conflict_assets.settings import SettingsError, load_settings

out = Console(highlight=False, soft_wrap=True)


def doctor_command() -> None:
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
