"""The command line: `conflict-assets`."""

import atexit
import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from conflict_assets.cli.closed_pipes import outlive_readers
from conflict_assets.cli.decide import decide_command
from conflict_assets.cli.dev import PASS_ON, dev_command
from conflict_assets.cli.doctor import doctor_command
from conflict_assets.cli.exit_codes import BAD_INPUT, FAILED
from conflict_assets.cli.explain import explain_command
from conflict_assets.cli.export import export_command
from conflict_assets.cli.generate import generate_command
from conflict_assets.cli.import_decisions import import_decisions_command
from conflict_assets.cli.list import list_command
from conflict_assets.cli.psql import psql_command
from conflict_assets.cli.report import report_command
from conflict_assets.cli.run import run_command
from conflict_assets.cli.show import show_command
from conflict_assets.cli.store import store_commands
from conflict_assets.cli.version import print_version
from conflict_assets.output.masked_logs import mask_logs, print_masked_trace
from conflict_assets.settings import SettingsError
from conflict_assets.source.protocol import SourceError
from conflict_assets.store.errors import StoreError

if TYPE_CHECKING:
    pass

NAME = "conflict-assets"

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
app.command("run")(run_command)
app.command("generate")(generate_command)
app.command("doctor")(doctor_command)
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
