"""A PostgreSQL 15 as Debian packages it, where its programs are installed: the store must run on it too."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "of-a-test"  # noqa: S105 - of a server that lives as long as a test


def why_not() -> str | None:
    """Why no PostgreSQL 15 can be started here, if so."""
    if not (PROGRAMS / "initdb").exists():
        return f"no PostgreSQL 15 in {PROGRAMS} (Debian's package postgresql-15)"
    if os.geteuid() == 0 and _server_user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@contextmanager
def debian_server() -> Iterator[str]:
    """A server of version 15 on a socket of its own; its superuser's URL."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="conflicts-pg15-"))
    user = _server_user() if os.geteuid() == 0 else None
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
    (folder / "password").write_text(PASSWORD)

    def run(program: str, *arguments: str) -> None:
        subprocess.run([PROGRAMS / program, *arguments], cwd=folder, check=True, capture_output=True, **identity)

    try:
        run("initdb", "-D", "data", "-U", "owner", "--auth=scram-sha-256", "--pwfile=password", "--encoding=UTF8")
        settings = f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nfsync = off\n"
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)
        run("pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-s")
        yield f"postgresql://owner:{PASSWORD}@/postgres?host={folder}"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            run("pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w", "-s")
        shutil.rmtree(folder)


def _server_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None
