"""A PostgreSQL 15 as Debian packages it, where its programs are installed: the store must run on it too."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "of-a-test"  # noqa: S105 - of a server that lives as long as a test


GERMAN = "de_DE.UTF-8"
MESSAGES = Path("/usr/share/locale/de/LC_MESSAGES/postgres-15.mo")


def why_no_german() -> str | None:
    """Why the server can't speak German here, if so."""
    if not MESSAGES.exists() or not Path("/usr/share/i18n/locales/de_DE").exists() or not shutil.which("localedef"):
        return "no German messages of PostgreSQL 15, or no localedef (Debian's package locales)"
    return None


def why_not() -> str | None:
    """Why no PostgreSQL 15 can be started here, if so."""
    if not (PROGRAMS / "initdb").exists():
        return f"no PostgreSQL 15 in {PROGRAMS} (Debian's package postgresql-15)"
    if os.geteuid() == 0 and _server_user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@contextmanager
def debian_server(*, german: bool = False) -> Iterator[str]:
    """A server of version 15 on a socket of its own, which speaks English or German; its superuser's URL."""
    reason = why_not() or (why_no_german() if german else None)
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="conflicts-pg15-"))
    user = _server_user() if os.geteuid() == 0 else None
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    (folder / "password").write_text(PASSWORD)

    environment = {**os.environ, "LOCPATH": str(folder)} if german else None

    def run(program: str, *arguments: str) -> None:
        command = [PROGRAMS / program, *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment, **identity)

    try:
        run("initdb", "-D", "data", "-U", "owner", "--auth=scram-sha-256", "--pwfile=password", "--encoding=UTF8")
        settings = f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nfsync = off\n"
        if german:
            subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder / GERMAN], check=True)
            settings += f"lc_messages = '{GERMAN}'\n"
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)
        run("pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-s")
        yield f"postgresql://owner:{PASSWORD}@/postgres?host={folder}"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            run("pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w", "-s")
        shutil.rmtree(folder)


def make_standby(url: str) -> None:
    """Restart a server as a hot standby, of a primary that is away."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    user = _server_user() if os.geteuid() == 0 else None
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    (folder / "data" / "standby.signal").touch()
    command = [PROGRAMS / "pg_ctl", "restart", "-D", "data", "-l", "log", "-m", "fast", "-w", "-s"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, **identity)


def _server_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None
