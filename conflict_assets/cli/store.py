"""`conflict-assets store`: the store's tables, its roles, its server."""

import shlex
from typing import Annotated

import typer
from rich.console import Console

from conflict_assets.cli.passing_on import PASS_ON
from conflict_assets.cli.prepared_store import prepared_store
from conflict_assets.cli.psql import psql_command
from conflict_assets.settings import Settings, load_settings
from conflict_assets.store.address import describe_url, without_password
from conflict_assets.store.errors import StoreError
from conflict_assets.store.store_factory import psql_program, stop_store, store_url

PROMISE_SECONDS = 600.0

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
store_commands = typer.Typer(
    help="Look after the store: its tables, its roles, its server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@store_commands.command("url")
def url_command(
    password: Annotated[
        bool, typer.Option("--password", help="Print the password of CONFLICTS_POSTGRES_URL too.")
    ] = False,
) -> None:
    """Print the line that opens the store in psql.

    The embedded one starts, and waits for ten minutes to be used.
    """
    settings = load_settings()
    with prepared_store(settings):
        url = store_url(settings, promise_seconds=PROMISE_SECONDS)
    shown = url if password else without_password(url)
    out.print(shlex.join([psql_program(), shown]), markup=False)
    if shown != url:
        err.print("psql asks for the password; with --password it is printed too", markup=False)


@store_commands.command("migrate")
def migrate_command() -> None:
    """Make the store's tables, or bring them up to date.

    Every run does so, too.
    """
    settings = load_settings()
    with prepared_store(settings):
        out.print(f"the store at {describe_url(store_url(settings))} is up to date")


@store_commands.command("roles")
def roles_command() -> None:
    """Make the roles conflicts_writer and conflicts_reader, with their rights."""
    with prepared_store(load_settings()) as store:
        store.administration.set_up_roles()
    out.print(
        "conflicts_writer and conflicts_reader are set up; a login joins one of them: GRANT conflicts_reader TO bi"
    )


@store_commands.command("start")
def start_command() -> None:
    """Start the embedded server, and let it stay until it is stopped."""
    settings = load_settings()
    _refuse_given(settings)
    store_url(settings, stay=True)
    out.print("it runs, and stays until: conflict-assets store stop")


@store_commands.command("stop")
def stop_command() -> None:
    """Stop the embedded server, whoever uses it."""
    settings = load_settings()
    _refuse_given(settings)
    out.print("stopped" if stop_store(settings) else "it did not run")


def _refuse_given(settings: Settings) -> None:
    if settings.conflicts_postgres_url is not None:
        raise StoreError(
            "CONFLICTS_POSTGRES_URL is set: the store is not the embedded one, and is started and stopped by whoever "
            "runs it. Unset CONFLICTS_POSTGRES_URL to mean the embedded one."
        )


store_commands.command("psql", context_settings=PASS_ON)(psql_command)
