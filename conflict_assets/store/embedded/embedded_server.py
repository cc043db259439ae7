"""The embedded PostgreSQL, which starts on demand and is shared by all processes.

It stops when its last user is gone. Every process that uses it holds a shared lock on `users.lock` until the process
ends, however it ends. The idle watchdog, a process of its own, watches that lock. A process that finds the server down
starts it. Only one process does so at a time, under `start.lock`.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil  # type: ignore[import-untyped]
from psycopg import sql

from conflict_assets.store.address import EMBEDDED, embedded_home
from conflict_assets.store.connection import connect_once, translated
from conflict_assets.store.embedded import idle_watchdog
from conflict_assets.store.embedded.cluster import (
    DAGSTER_DATABASE,
    DATABASE,
    PORT,
    START_SECONDS,
    Cluster,
    choose_socket_folder,
    initialize,
    open_cluster,
    start,
    stop,
)
from conflict_assets.store.embedded.idle_watchdog import LINGER_SECONDS, OWNER
from conflict_assets.store.errors import StoreError

_STATE_LINE = 7
"""The line of `postmaster.pid`, counted from 0, that says what the server does."""

_held: dict[Path, int] = {}
"""The shared locks of this process (file descriptors). A forked process inherits them, and is a user too."""


def embedded_url(
    data_dir: Path,
    *,
    database: str = DATABASE,
    linger_seconds: float = LINGER_SECONDS,
    stay: bool = False,
    promise_seconds: float = 0.0,
) -> str:
    """Return the URL of a database of the PostgreSQL in `data_dir`.

    The server is made and started when that is needed. `data_dir` is a folder for this server alone. The server stays
    up while a process that has called this function lives, or anybody is connected, and for `linger_seconds` after
    that. It stays up for `promise_seconds` from now in any case, and with `stay` until `stop_embedded` is called. The
    URL holds no password: it names a file that holds the password.

    Raises:
        StoreError: the server can't be made or started. The message says why, and what to do.
    """
    home = data_dir.expanduser().absolute()
    state = _use(home) if (home / "ready").exists() else None
    if state is None or not _serves(home, state):
        cluster = open_cluster(home)
        _hold(home)
        with _starting(cluster):
            state = _state(home)
            if state is None or not _serves(home, state):
                state = _bring_up(cluster)
    if stay:
        os.close(_open_private(home, "stay"))
    _touch(home, promise_seconds)
    _ensure_watchdog(home, state, linger_seconds)
    return _url(home, state, database=database)


def stop_embedded(data_dir: Path) -> bool:
    """Stop the server in `data_dir`, whoever uses it.

    Return whether a server ran.
    """
    home = data_dir.expanduser().absolute()
    state = _state(home)
    (home / "stay").unlink(missing_ok=True)
    with suppress(KeyError):
        os.close(_held.pop(home))
    if state is None or not _answers(state):
        return False
    cluster = open_cluster(home)
    with _starting(cluster):
        if _answers(state):
            stop(cluster)
    return True


def revive(url: str) -> bool:
    """Start the server of an embedded URL again if it is down.

    Return False when the URL is not the URL of an embedded server.
    """
    home = embedded_home(url)
    if home is None:
        return False
    embedded_url(home)
    return True


def _use(home: Path) -> Path | None:
    """Become a user of the server, and return the folder of its socket."""
    try:
        _hold(home)
    except OSError:
        return None
    return _state(home)


def _hold(home: Path) -> None:
    if home not in _held:
        file = _open_private(home, "users.lock")
        fcntl.flock(file, fcntl.LOCK_SH)
        _held[home] = file
    _touch(home)


def _touch(home: Path, ahead: float = 0.0) -> None:
    """Record for the idle watchdog that somebody uses the server.

    The record holds from now for `ahead` seconds. An earlier promise that lasts longer still holds.
    """
    until = time.time() + ahead
    if os.fstat(_held[home]).st_mtime < until:
        os.utime(_held[home], (until, until))


def _open_private(home: Path, name: str) -> int:
    """Open a file of the server's folder, owned by the folder's owner.

    Root may start and use the server of another user.
    """
    file = os.open(home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    owner = home.stat()
    if os.geteuid() == 0 and os.fstat(file).st_uid != owner.st_uid:
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _state(home: Path) -> Path | None:
    try:
        return Path(json.loads((home / "ready").read_text())["socket"])
    except (OSError, ValueError, KeyError):
        return None


def _serves(home: Path, folder: Path) -> bool:
    """Return whether a server listens that takes sessions, or soon will."""
    return _answers(folder) and not _is_stopping(home)


def _is_stopping(home: Path) -> bool:
    """Return whether the server is stopping, and takes no more sessions.

    A server that was stopped by SIGTERM waits for the sessions that it has. It waits for ever where they stay open.
    """
    try:
        lines = (home / "cluster" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > _STATE_LINE and lines[_STATE_LINE].strip() == "stopping"


def _answers(folder: Path) -> bool:
    """Return whether a server listens.

    A server that is too busy to take the connection at once does listen.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(folder / f".s.PGSQL.{PORT}"))
        except (BlockingIOError, TimeoutError):
            return True
        except OSError:
            return False
        return True


@contextmanager
def _starting(cluster: Cluster) -> Iterator[None]:
    """Be the only process that starts or stops this server."""
    file = _open_private(cluster.home, "start.lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _bring_up(cluster: Cluster) -> Path:
    initialize(cluster)
    folder = choose_socket_folder(cluster)
    _clear_the_way(cluster, folder)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            start(cluster, folder)
            break
        except StoreError as error:
            # The processes of a killed server may live a moment longer, and hold its shared memory.
            if "still in use" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    _make_databases(cluster.home, folder)
    ready = cluster.home / "ready.new"
    ready.touch(mode=0o600)
    ready.write_text(json.dumps({"socket": str(folder)}))
    ready.replace(cluster.home / "ready")
    cluster.give(cluster.home / "ready")
    return folder


def _clear_the_way(cluster: Cluster, folder: Path) -> None:
    """End a server that serves nobody, or remove its stale files.

    PostgreSQL ignores the lock file of a dead process by itself. It does not when another process has the number by
    now, or when the process is a zombie, as in containers without an init. PostgreSQL finds the rest of a killed server
    by its shared memory.
    """
    pid_file = cluster.data / "postmaster.pid"
    pid = _first_number(pid_file)
    if pid is not None and _is_server(pid, cluster.data):
        stop(cluster, mode="fast" if _is_stopping(cluster.home) else "immediate")
    for leftover in (pid_file, folder / f".s.PGSQL.{PORT}", folder / f".s.PGSQL.{PORT}.lock"):
        leftover.unlink(missing_ok=True)


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_server(pid: int, data: Path) -> bool:
    """Return whether a process is the server of this folder.

    Another process may have the server's number by now.
    """
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.name() == "postgres" and Path(process.cwd()) == data.resolve()
    return False


def make_databases(data_dir: Path) -> None:
    """Make the databases that the running server in `data_dir` lacks."""
    home = data_dir.expanduser().absolute()
    folder = _state(home)
    if folder is not None:
        _make_databases(home, folder)


def _make_databases(home: Path, folder: Path) -> None:
    url = _url(home, folder, database="postgres")
    with translated(EMBEDDED), connect_once(url, server=EMBEDDED) as connection:
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        for database in map(sql.Identifier, sorted({DATABASE, DAGSTER_DATABASE} - known)):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))


def _ensure_watchdog(home: Path, folder: Path, linger_seconds: float) -> None:
    file = _open_private(home, "keeper.lock")
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return  # a watchdog holds it
    finally:
        os.close(file)
    cluster = open_cluster(home)
    socket_path = str(folder / f".s.PGSQL.{PORT}")
    identity = (str(cluster.user.uid), str(cluster.user.gid))
    arguments = (str(home), socket_path, cluster.program("pg_ctl"), *identity, str(linger_seconds))
    subprocess.run([sys.executable, "-I", "-S", idle_watchdog.__file__, *arguments], check=True)  # noqa: S603 - our own script


def _url(home: Path, folder: Path, *, database: str = DATABASE) -> str:
    options = urlencode({"host": str(folder), "port": str(PORT), "passfile": str(home / "passfile")}, quote_via=quote)
    return f"postgresql://{OWNER}@/{database}?{options}"
