"""The command line: `conflict-assets`.

Each command is in a module of its own, which is imported when the command is asked for: all of them together take half
a second, for which a night would wait before it starts.
"""

import atexit
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from conflict_assets.automation.garbage_collection import collect_as_usual
from conflict_assets.cli.closed_pipes import outlive_readers
from conflict_assets.cli.exit_codes import BAD_INPUT, FAILED
from conflict_assets.cli.passing_on import PASS_ON
from conflict_assets.cli.version import print_version
from conflict_assets.output.masked_logs import mask_logs, print_masked_trace

NAME = "conflict-assets"


@dataclass(frozen=True)
class Place:
    """Where a command is: a function of a module of `cli`, or a group of commands there."""

    module: str
    attribute: str
    settings: Mapping[str, Any] = field(default_factory=dict)


COMMANDS = {
    "doctor": Place("doctor", "doctor_command"),
    "generate": Place("generate", "generate_command"),
    "run": Place("run", "run_command"),
    "dev": Place("dev", "dev_command", PASS_ON),
    "list": Place("list", "list_command"),
    "report": Place("report", "report_command"),
    "show": Place("show", "show_command"),
    "explain": Place("explain", "explain_command"),
    "decide": Place("decide", "decide_command"),
    "import-decisions": Place("import_decisions", "import_decisions_command"),
    "export": Place("export", "export_command"),
    "store": Place("store", "store_commands"),
}
"""The commands in the order in which one needs them."""


class ImportedWhenNeeded(TyperGroup):
    """Commands whose modules are imported when they are asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 - Typer's signature
        """Return the names of all commands, in their order."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]  # noqa: ARG002 - Typer's signature
        """Return a command, or nothing where there is none of this name."""
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            self.commands[cmd_name] = _command(cmd_name, COMMANDS[cmd_name])
        return self.commands.get(cmd_name)  # type: ignore[return-value]


def _command(name: str, place: Place) -> Any:
    found = getattr(import_module(f"conflict_assets.cli.{place.module}"), place.attribute)
    collect_as_usual()
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name, context_settings=dict(place.settings))(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name=NAME,
    cls=ImportedWhenNeeded,
    help="Find the visit conflicts of home-care caregivers, every night.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


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
    except _errors_with_a_message() as error:
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


def _errors_with_a_message() -> tuple[type[Exception], ...]:
    """Return the errors whose message says what was found, what is allowed and what to do."""
    from conflict_assets.settings import SettingsError
    from conflict_assets.source.protocol import SourceError
    from conflict_assets.store.errors import StoreError

    return SettingsError, SourceError, StoreError


def _leave(status: int) -> NoReturn:
    """End the process when all is written and closed.

    The ordinary end would take a second to take apart all that was imported.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - what Python itself does at this point
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)
