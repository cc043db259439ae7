"""What the command line says of itself: versions, commands in the order of their use, help that fits a terminal."""

import platform
import re
import tomllib

import dagster
import pytest
import typer
from typer.testing import CliRunner

from conflict_assets.cli import app as cli
from conflict_assets_tests.dagster_stack import ROOT

COLUMNS = 80
WORDS = 12


def commands(command, *names):
    """A command and all that are in it, by their words."""
    yield names, command
    for name in getattr(command, "list_commands", lambda _context: ())(typer.Context(command)):
        yield from commands(command.get_command(typer.Context(command), name), *names, name)


ALL = dict(commands(typer.main.get_command(cli.app)))
each_command = pytest.mark.parametrize("words", ALL, ids=" ".join)


def said(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, [*arguments], env={"COLUMNS": str(COLUMNS), "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_versions_are_told():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert said("--version") == (
        f"conflict-assets {project['version']}\nDagster {dagster.__version__}, Python {platform.python_version()}\n"
    )


def test_commands_are_listed_in_the_order_in_which_one_needs_them():
    listed = re.findall(r"^. ([a-z][a-z-]+)  ", said("--help"), re.MULTILINE)
    assert listed == list(cli.COMMANDS) == [words[0] for words in ALL if len(words) == 1]


@each_command
def test_a_help_fits_into_80_columns_and_cuts_nothing_off(words):
    text = said(*words, "--help")
    assert max(map(len, text.splitlines())) <= COLUMNS
    assert "…" not in text


@each_command
def test_every_option_and_argument_has_a_help(words):
    silent = [each.name for each in ALL[words].params if not getattr(each, "help", None) and each.name != "help"]
    assert silent == []


@each_command
def test_a_help_begins_with_one_plain_sentence(words):
    first, *more = (ALL[words].help or "").split("\n\n")
    assert re.fullmatch(r"[A-Z][^.;\n]*\.", first.strip()), first
    assert len(first.split()) <= WORDS
    assert all(part.strip().endswith(".") for part in more)
