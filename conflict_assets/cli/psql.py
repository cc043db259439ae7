"""The command `conflict-assets store psql`, which opens the configured store.

Its client comes with the embedded server.
"""

import os
import signal
import sys
from typing import Annotated

import typer
from rich.console import Console

from conflict_assets.settings import load_settings
from conflict_assets.store.address import describe_url
from conflict_assets.store.psql_client import psql_session
from conflict_assets.store.store_factory import conflict_store, own_psql_program, store_url

GREETING = (
    r"\d lists the store's views first, \dv only them. They are this session's own, for looking (\dv public.* has the "
    "originals): grant rights, or build a view of yours, on public.open_conflicts. \\q leaves."
)

err = Console(stderr=True, highlight=False, soft_wrap=True)


def psql_command(
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[PSQL_OPTION]", help="""Go to psql, such as -c "select 1".""")
    ] = None,
) -> None:
    """Open the store in psql, the client that comes with this package.

    It needs no psql on the machine. The password is not on its command line, and its exit code is psql's.
    """
    settings = load_settings()
    with conflict_store(settings) as store:
        store.administration.prepare()
    url = store_url(settings)
    target, environment = psql_session(url, os.environ)
    if not options and sys.stdin.isatty():
        err.print(f"{describe_url(url)}\n{GREETING}", markup=False)
    program = own_psql_program()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and psql would inherit that
    os.execvpe(program, [program, "--dbname", target, *(options or ())], environment)  # noqa: S606 - no shell wanted
