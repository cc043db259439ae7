"""Typer's settings of a command that passes unknown options to another program."""

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
