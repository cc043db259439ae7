"""The page of all commands, as Typer writes it."""

import html
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.core import TyperGroup

from conflict_assets.cli.app import NAME, app

HEAD = """\
# Commands

Every command with its arguments and options, as `--help` shows them. `make generated` writes this page from the code.
[Everyday use](../README.md#everyday-use) goes by tasks.

"""


def commands_page() -> str:
    """The whole page."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name=NAME)
    _say_whole_sentences(command, context)
    text = get_docs_for_click(obj=command, ctx=context, indent=1, name=NAME, title=NAME)
    return HEAD + html.unescape(text).rstrip() + "\n"


def _say_whole_sentences(command: Any, context: typer.Context) -> None:
    """Let lists of commands have the first sentence of each whole: Typer cuts it off after 45 letters."""
    if not isinstance(command, TyperGroup):
        return
    for name in command.list_commands(context):
        each: Any = command.get_command(context, name)
        each.short_help = (each.help or "").strip().partition("\n")[0]
        _say_whole_sentences(each, context)
