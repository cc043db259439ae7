"""Which PostgreSQL is meant: how messages call it, where its URL is set, what of a URL may be shown."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(frozen=True)
class Server:
    """What messages say about a server: its name, and the setting that holds its URL, if there is one.

    A server that is written to must be of version `oldest` or newer, and its database must be in UTF-8.
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
    """Whether a store's URL leads to the embedded server, whose URL nobody has set, or to one of its own."""
    return STORE if embedded_home(url) is None else EMBEDDED


def embedded_home(url: str) -> Path | None:
    """The folder of the embedded server that a URL leads to; missing when it leads to another server."""
    try:
        passfile = conninfo_to_dict(url).get("passfile")
    except psycopg.Error:
        return None
    home = Path(str(passfile)).parent if passfile else None
    return home if home is not None and (home / "cluster" / "embedded.conf").exists() else None


def has_open_password(url: str) -> bool:
    """Whether a URL's password holds an @ or / that is not written as %40 or %2F.

    Then libpq takes a part of the password for host, port or database, and whoever tells of these tells of it.
    """
    _, has_scheme, rest = url.partition("://")
    authority, _, more = rest.partition("/")
    # A user may be named in the query, too, and some servers have an @ in it.
    more = re.sub(r"(?<=[?&])user=[^&]*", "", more)
    return bool(has_scheme) and (authority.count("@") > 1 or "@" in more)


def describe_url(url: str) -> str:
    """Where a URL leads, without its password: `conflicts@db.example:5432/conflicts`."""
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
    """The same place without a password in it, for libpq to ask for one."""
    parts = conninfo_to_dict(url)
    if parts.pop("password", None) is None:
        return url
    return make_conninfo("", **parts)
