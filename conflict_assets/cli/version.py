"""`conflict-assets --version`: the versions that a report of a fault needs."""

import platform
from importlib.metadata import version

import typer


def print_version(asked: bool) -> None:
    """Print the versions of the package, of Dagster and of Python, and end."""
    if asked:
        typer.echo(f"conflict-assets {version('conflict_assets')}")
        typer.echo(f"Dagster {version('dagster')}, Python {platform.python_version()}")
        raise typer.Exit
