"""The errors for a server that could not be connected to.

An error says what to do, is transient or not, and names each cause in words of its own. What the server says is
classified by its SQLSTATE, since the server's words are in the server's language. What libpq itself says has no code.
Its words are English in every Python process, since Python never asks the C library for messages in another language.
"""

import re
import socket
from collections.abc import Mapping
from typing import NamedTuple

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from conflict_assets.configuration.setting_values import LARGEST_PORT
from conflict_assets.store.address import EMBEDDED, Server, describe_url, embedded_home
from conflict_assets.store.errors import StoreError, TransientStoreError
from conflict_assets.store.sqlstate import CONNECTED, sqlstate_of_refusal

QUOTING = "Characters such as @, / and # in the password are written as %40, %2F and %23."


class StartingError(TransientStoreError):
    """The server runs or can be started, and takes no connections yet."""


class UnreachableError(TransientStoreError):
    """Nobody listens, or whoever did is gone."""


class _Cause(NamedTuple):
    kind: type[StoreError]
    found: str
    remedy: str = ""


_NOT_READY = _Cause(StartingError, "is not ready yet: it starts, stops or recovers.")
_LOGIN = "Check user and password of {setting}."

_BY_SQLSTATE = {
    CONNECTED: _NOT_READY,
    "57P01": _NOT_READY,
    "57P02": _NOT_READY,
    "57P03": _NOT_READY,
    "53300": _Cause(
        TransientStoreError,
        "has no connection left: for all, for the database or for the role.",
        "Lower MAX_WORKERS, or raise max_connections of the server, or the CONNECTION LIMIT of database or role.",
    ),
    "28P01": _Cause(StoreError, "refuses the login: the password is wrong, or there is no such user.", _LOGIN),
    "28000": _Cause(
        StoreError,
        "refuses the login: allowed are roles with LOGIN which pg_hba.conf of the server lets in from this machine.",
        _LOGIN + " Its server's administrator does the rest: ALTER ROLE {user} LOGIN, or a line in pg_hba.conf.",
    ),
    "3D000": _Cause(
        StoreError,
        "has no such database.",
        "Create the database (CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0), or correct its name in "
        "{setting}.",
    ),
    "55000": _Cause(
        StoreError,
        "takes no connections to this database.",
        "Let it take them (ALTER DATABASE {database} ALLOW_CONNECTIONS true), or name another one in {setting}.",
    ),
    "42501": _Cause(
        StoreError,
        "does not let this user connect to this database.",
        "Give it the right (GRANT CONNECT ON DATABASE {database} TO {user}), or correct {setting}.",
    ),
}
_PASSING_CLASSES = ("08", "53", "57P")

_NO_PASSWORD = _Cause(StoreError, "refuses the login: it asks for a password, and none is given.", _LOGIN)
_UNREACHABLE = _Cause(UnreachableError, "can't be reached.", "Check that it runs, and host and port of {setting}.")
_UNKNOWN_HOST = _Cause(StoreError, "is unknown by name.", "Correct the host in {setting}.")
_NO_NAMES_NOW = _Cause(
    UnreachableError, "can't be looked up by name: the name service does not answer.", "Check this machine's network."
)
_BAD_PORT = _Cause(
    StoreError,
    "can't be connected to: its port is not a number from 1 to 65535.",
    "Correct the port in {setting} (or PGPORT). " + QUOTING,
)

_BY_WORDS_OF_LIBPQ = {
    "does not support SSL": _Cause(
        StoreError,
        "speaks no SSL, and sslmode={sslmode} asks for it.",
        "Turn on ssl in its postgresql.conf; or set sslmode=prefer in {setting}, in a network that you trust.",
    ),
    "does not match host name": _Cause(
        StoreError,
        "shows a certificate of another host name, and sslmode={sslmode} asks for this one.",
        "Write the name of the certificate into {setting}, or let the server have one for this name.",
    ),
    "certificate verify failed": _Cause(
        StoreError,
        "shows a certificate that is not trusted, and sslmode={sslmode} asks for one that is.",
        "Name the authority that signed it: sslrootcert=FILE (or sslrootcert=system) in {setting}.",
    ),
    "root certificate file": _Cause(
        StoreError,
        "can't be verified: sslmode={sslmode} asks for it, and the file of trusted certificates can't be read.",
        "Name the authority that signed the server's: sslrootcert=FILE (or sslrootcert=system) in {setting}.",
    ),
    "definition of service": _Cause(
        StoreError,
        "can't be found: the service is not in the file of services.",
        "Correct the service in {setting} (or PGSERVICE), or write it down in the file that PGSERVICEFILE names.",
    ),
    "service file": _Cause(
        StoreError,
        "can't be found: the file of services can't be read.",
        "Correct PGSERVICEFILE, or name host and database in {setting} instead of a service.",
    ),
    "requirement failed": _Cause(
        StoreError, "logs in by another way than require_auth allows.", "Correct require_auth in {setting}."
    ),
    "channel binding": _Cause(
        StoreError,
        "can't bind the login to SSL, and channel_binding=require asks for it.",
        "Correct channel_binding or sslmode in {setting}.",
    ),
    "certificate file": _Cause(
        StoreError, "can't be shown the client's certificate: its file can't be read.", "Correct sslcert in {setting}."
    ),
    "private key": _Cause(
        StoreError,
        "can't be shown the client's certificate: its key can't be used.",
        "Correct sslkey in {setting}.",
    ),
}
_BAD_OPTION = re.compile(r"connection is bad: (?!connection to server)(.*)")
"""What psycopg says when libpq has refused a URL's options, before it connects."""


def unreadable(server: Server) -> StoreError:
    """Return the error for a URL that libpq can't take apart.

    libpq's own message is left out, since it may quote a part of the password.
    """
    return StoreError(
        f"{server.setting or server.name} can't be read; allowed: postgresql://user:password@host:5432/database. "
        + QUOTING
    )


def refusal(error: Exception, url: str, server: Server, *, seconds: float) -> StoreError:
    """Return the error to raise when psycopg could not connect.

    The function asks the server once more, for the code of its answer.
    """
    if isinstance(error, psycopg.ProgrammingError):
        return unreadable(server)
    parts = {option.keyword.decode(): (option.val or b"").decode() for option in pq.Conninfo.get_defaults()}
    parts |= {name: str(value) for name, value in conninfo_to_dict(url).items()}
    cause = _cause(error, url, parts, seconds)
    remedy = cause.remedy
    if server is EMBEDDED and "{setting}" in remedy:
        remedy = (
            f"It is the embedded one in {embedded_home(url)}: passfile holds its password, server.log its log. "
            "Start it anew (conflict-assets store stop, then the command), or set CONFLICTS_DATA_DIR to another folder."
        )
    names = {name: parts.get(name, "") for name in ("user", "sslmode")}
    names |= {"setting": server.setting or server.name, "database": parts.get("dbname", "")}
    text = f"PostgreSQL at {describe_url(url)} {cause.found.format(**names)} {remedy.format(**names)}"
    return cause.kind(text.strip())


def _cause(error: Exception, url: str, parts: Mapping[str, str], seconds: float) -> _Cause:
    if not _is_port(parts.get("port", "")):
        return _BAD_PORT
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return _UNREACHABLE
    connection = error.pgconn if isinstance(error, psycopg.Error) else None
    if connection is None:  # psycopg looks hosts up before it connects
        return _cause_of_no_address(parts)
    if connection.needs_password:
        return _NO_PASSWORD
    return _cause_by_words(str(error)) or _cause_by_code(sqlstate_of_refusal(url, seconds))


def _cause_by_words(text: str) -> _Cause | None:
    last = text.partition("Multiple connection attempts failed")[0]  # psycopg's list of all of them follows
    for words, cause in _BY_WORDS_OF_LIBPQ.items():
        if words in last:
            return cause
    bad = _BAD_OPTION.match(last)
    return _Cause(StoreError, f"can't be connected to: {bad[1].strip()}.", "Correct {setting}.") if bad else None


def _cause_by_code(code: str | None) -> _Cause:
    if code is None:
        return _UNREACHABLE
    kind = TransientStoreError if code.startswith(_PASSING_CLASSES) else StoreError
    return _BY_SQLSTATE.get(code, _Cause(kind, f"refuses the connection ({code}).", "Correct {setting}."))


def _is_port(port: str) -> bool:
    """Return whether libpq can use this text as a port.

    It can use nothing, a number, or a number for each of several hosts.
    """
    return all(not each or (each.isdecimal() and 0 < int(each) <= LARGEST_PORT) for each in port.split(","))


def _cause_of_no_address(parts: Mapping[str, str]) -> _Cause:
    """Look up the hosts again, as psycopg has done.

    The look-up gives the number of the error, which psycopg gives in words only.
    """
    for host in parts.get("host", "").split(","):
        try:
            socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                return _NO_NAMES_NOW
        except UnicodeError:  # no name at all, such as a..b
            continue
        else:
            return _UNREACHABLE
    return _UNKNOWN_HOST
