"""The address of a PostgreSQL server, as messages may show it.

This covers what messages call a server, which setting holds its URL, and which parts of the URL may be shown.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True)
class Server:
    """What messages say about a server.

    `name` is what messages call it. `setting` is the setting that holds its URL, and None if there is no setting. A
    server that is written to must be of version `oldest` or newer, and its database must be in UTF-8.
    """

    name: str
    setting: str | None
    oldest: int = 0
    is_written: bool = True


STORE = Server("The store", "CONFLICTS_POSTGRES_URL", oldest=140000)
EMBEDDED = Server("The embedded store", None, oldest=140000)
DAGSTER = Server("Dagster's storage", "DAGSTER_POSTGRES_URL", oldest=140000)
REPLACED = Server("The replaced system's database", "--database (or REPLACED_POSTGRES_URL)", is_written=False)


def store_server(url: str) -> Server:
    """Return which server a store's URL leads to.

    It is the embedded server, whose URL nobody has set, or a PostgreSQL of the user's own.
    """
    return STORE if embedded_home(url) is None else EMBEDDED


def embedded_home(url: str) -> Path | None:
    """Return the folder of the embedded server that a URL leads to.

    Return None when the URL leads to another server.
    """
    try:
        passfile = conninfo_to_dict(url).get("passfile")
    except psycopg.Error:
        return None
    home = Path(str(passfile)).parent if passfile else None
    return home if home is not None and (home / "cluster" / "embedded.conf").exists() else None


def has_open_password(url: str) -> bool:
    """Return whether a URL's password holds an unescaped @ or /.

    Escaped, they are written as %40 and %2F. When they are not, libpq takes a part of the password for the host, port
    or database, and every message that names these shows a part of the password.
    """
    _, has_scheme, rest = url.partition("://")
    authority, _, more = rest.partition("/")
    # The query may name a user, too, and the user names of some servers hold an @.
    more = re.sub(r"(?<=[?&])user=[^&]*", "", more)
    return bool(has_scheme) and (authority.count("@") > 1 or "@" in more)


def describe_url(url: str) -> str:
    """Return where a URL leads, without its password.

    An example is `conflicts@db.example:5432/conflicts`.
    """
    if has_open_password(url):
        return "a URL that can't be read"
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        return "a URL that can't be read"
    host, database = (str(parts.get(name) or "") for name in ("host", "dbname"))
    port = str(parts.get("port") or 5432)
    service = f" (service {parts['service']})" if parts.get("service") else ""
    return (
        f"{parts.get('user') or 'user'}@{host or 'localhost'}:{port if port.isdecimal() else '?'}"
        f"/{database or 'postgres'}{service}"
    )


def without_password(url: str) -> str:
    """Return the same URL without a password, so that libpq asks for it."""
    parts = conninfo_to_dict(url)
    if parts.pop("password", None) is None:
        return url
    return make_conninfo("", **parts)
