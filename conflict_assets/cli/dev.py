"""`conflict-assets dev`: Dagster's UI and daemon on this machine."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from conflict_assets.running.folders import check_folders
from conflict_assets.running.ports import PortError, require_free_port
from conflict_assets.settings import checkout, load_settings, project_folder


def dev_command(
    context: typer.Context,
    port: Annotated[
        int,
        typer.Option("--port", "-p", min=1, max=65_535, envvar="DAGSTER_WEBSERVER_PORT", help="The port of the UI."),
    ] = 3000,
    host: Annotated[
        str,
        typer.Option("--host", "-h", envvar="DAGSTER_WEBSERVER_HOST", help="The address that the UI listens on."),
    ] = "127.0.0.1",
) -> None:
    """Start Dagster's UI and daemon on this machine.

    They show the runs of `conflict-assets run`, too. Other options go to `dagster dev`, such as `--log-level debug`.
    """
    settings = load_settings()
    try:
        require_free_port(host, port)
    except PortError as error:
        raise typer.BadParameter(str(error)) from None
    check_folders(settings)
    from conflict_assets.running.instance import dagster_home

    home = dagster_home(settings)
    dagster = str(Path(sys.executable).with_name("dagster"))
    workspace = str(project_folder() / "workspace.yaml")
    served_at = ("--host", host, "--port", str(port))
    # Dagster lets the `.env` of its working folder win over the environment; in its home there is none.
    os.chdir(home if checkout() else project_folder())
    arguments = [dagster, "dev", "-w", workspace, *served_at, *context.args]
    os.execve(dagster, arguments, {**os.environ, "DAGSTER_HOME": str(home)})  # noqa: S606 - no shell wanted
