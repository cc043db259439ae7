"""The kinds of values that settings have.

Each is a type that refuses what would fail only later.
"""

import ipaddress
import os
import re
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, SecretStr

NIGHT_STARTS = "02:00"
LARGEST_PORT = 65535
LONGEST_NAME = 255
AUTHENTICATORS = ("externalbrowser", "oauth", "snowflake", "snowflake_jwt")

_DUE = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?) ?([KMGT]i?B)", re.IGNORECASE)
_ACCOUNT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_MAIL = re.compile(r"[^\s@<>,;:\"'()]+@[^\s@<>,;:\"'()]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9.])?")


@cache
def _zones() -> set[str]:
    """Return all time zones, looked up once.

    The look-up reads through their files.
    """
    return available_timezones()


def _zone(zone: str) -> str:
    if zone not in _zones():
        raise ValueError
    return zone


def _due(due: str) -> str:
    if not (_DUE.fullmatch(due) and due > NIGHT_STARTS):
        raise ValueError
    return due


def _size(size: str) -> str:
    found = _SIZE.fullmatch(size)
    if found is None or float(found["number"]) == 0:
        raise ValueError
    return size


def _account(account: str) -> str:
    if not _ACCOUNT.fullmatch(account) or account.lower().endswith("snowflakecomputing.com"):
        raise ValueError
    return account


def _authenticator(authenticator: str) -> str:
    if authenticator.lower() not in AUTHENTICATORS:
        raise ValueError
    return authenticator.lower()


def _name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise ValueError
    return name


def _path(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("there is no such user") from None


def _mail(address: str) -> str:
    if not _MAIL.fullmatch(address):
        raise ValueError
    return address


def _mails(addresses: str) -> str:
    each = [address.strip() for address in addresses.split(",") if address.strip()]
    if not each or not all(map(_MAIL.fullmatch, each)):
        raise ValueError
    return addresses


def _host(host: str) -> str:
    try:
        if not _HOST.fullmatch(host):
            ipaddress.ip_address(host)
    except ValueError:  # its text is Python's
        raise ValueError from None
    return host


def _web_parts(address: str) -> SplitResult:
    """Return the parts of a usable web address.

    Raises:
        ValueError: a part can't be used.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # it may quote a part of the address
        raise ValueError from None
    if not usable or re.search(r"\s", address):
        raise ValueError
    return parts


def _page(address: str) -> str:
    parts = _web_parts(address)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError
    return address.rstrip("/")


def _snowflake_address(address: str) -> str:
    parts = _web_parts(address)
    if parts.path.strip("/") or parts.username or parts.query or parts.fragment:
        raise ValueError
    return address


def _webhook(address: SecretStr) -> SecretStr:
    _web_parts(address.get_secret_value())
    return address


def _postgres(url: SecretStr) -> SecretStr:
    """Refuse a URL that names no PostgreSQL database.

    The check counts what libpq's own variables or a service add.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    value = url.get_secret_value()
    scheme, is_url, _ = value.partition("://")
    if is_url and scheme not in {"postgresql", "postgres"} and "=" not in scheme:
        raise ValueError("it does not begin with postgresql://")
    try:
        parts = conninfo_to_dict(value)
    except psycopg.Error:
        raise ValueError("it is no URL") from None
    given = {name for name, found in parts.items() if found} | _given_to_libpq()
    if "service" not in given:
        _require(given & {"host", "hostaddr"}, "it names no host")
        _require(given & {"dbname"}, "it names no database")
    if not all(_is_port(port) for port in str(parts.get("port") or "").split(",") if port):
        raise ValueError(
            f"its port is no number from 1 to {LARGEST_PORT}, or a / in its password is not written as %2F"
        )
    return url


def _given_to_libpq() -> set[str]:
    variables = {"PGHOST": "host", "PGHOSTADDR": "hostaddr", "PGDATABASE": "dbname", "PGSERVICE": "service"}
    return {part for variable, part in variables.items() if os.environ.get(variable)}


def _require(found: object, otherwise: str) -> None:
    if not found:
        raise ValueError(otherwise)


def _is_port(port: str) -> bool:
    return port.isascii() and port.isdecimal() and 0 < int(port) <= LARGEST_PORT


TimeZone = Annotated[str, AfterValidator(_zone)]
DueTime = Annotated[str, AfterValidator(_due)]
MemorySize = Annotated[str, AfterValidator(_size)]
Account = Annotated[str, AfterValidator(_account)]
Authenticator = Annotated[str, AfterValidator(_authenticator)]
Name = Annotated[str, AfterValidator(_name)]
UserPath = Annotated[Path, AfterValidator(_path)]
MailAddress = Annotated[str, AfterValidator(_mail)]
MailAddresses = Annotated[str, AfterValidator(_mails)]
HostName = Annotated[str, AfterValidator(_host)]
PageAddress = Annotated[str, AfterValidator(_page)]
SnowflakeAddress = Annotated[str, AfterValidator(_snowflake_address)]
WebhookAddress = Annotated[SecretStr, AfterValidator(_webhook)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
