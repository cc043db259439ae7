"""How `psql` is started on a store.

The store's address is on the command line, and its password is not.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from conflict_assets.store.address import EMBEDDED, STORE, has_open_password, store_server
from conflict_assets.store.embedded.libpq_environment import without_libpq_variables
from conflict_assets.store.errors import StoreError
from conflict_assets.store.refusal import unreadable

STARTUP_FILE = Path(__file__).with_name("psqlrc.sql")
THEIR_STARTUP_FILE = "CONFLICT_ASSETS_PSQLRC"
"""The variable by which our startup file finds the user's own."""


def psql_session(url: str, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return psql's argument and the environment that it needs.

    The argument is what psql connects to. Everybody may see it.

    Raises:
        StoreError: the URL holds a secret that psql takes from its command line only.
    """
    if has_open_password(url):
        raise unreadable(STORE)
    embedded = store_server(url) is EMBEDDED
    variables = without_libpq_variables(environment) if embedded else dict(environment)
    parts = conninfo_to_dict(url)
    for option in Conninfo.get_defaults():
        name = option.keyword.decode()
        if option.dispchar == b"*" and parts.get(name):
            variables[_variable(name, option.envvar)] = str(parts.pop(name))
    theirs = os.path.expanduser(environment.get("PSQLRC") or "~/.psqlrc")  # noqa: PTH111 - as psql does, without an error
    variables |= {"PSQLRC": str(STARTUP_FILE)} | ({THEIR_STARTUP_FILE: theirs} if Path(theirs).is_file() else {})
    return make_conninfo("", **parts), variables


def _variable(option: str, variable: bytes | None) -> str:
    if not variable:
        raise StoreError(
            f"CONFLICTS_POSTGRES_URL holds {option}, which psql takes from its command line only, where every user of "
            "the machine sees it. Take it out of the URL for psql; pg_service.conf is a place for it."
        )
    return variable.decode()
