"""The idle watchdog, a process that stops an idle embedded server.

It is a process of its own, so that it notices users of the store that were killed. It runs as a script, with nothing
but the standard library. It starts with the server and lives as long as the server.

Every user of the store holds a shared lock on `users.lock` as long as the user lives, whatever ends it. Programs that
know nothing of the lock, for example psql, count by their sessions. When the lock file's time of change lies in the
future, it is a promise: somebody has received the server's address.
"""

import fcntl
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LINGER_SECONDS = 60.0
"""How long the server stays up after its last user has gone, so that the next step or command finds it warm."""

POLL_SECONDS = 1.0
OWNER = "conflicts"


def main() -> None:
    """Watch a server until it is idle, then stop it.

    The arguments are its folder, its socket, `pg_ctl`, uid, gid, and the seconds of idleness before it stops.
    """
    home, socket_path, pg_ctl, uid, gid, linger = sys.argv[1:7]
    _leave_the_starter()
    os.chdir(home)
    watchdog = os.open("keeper.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _lock(watchdog):
        return  # another one keeps it
    users = os.open("users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    start = os.open("start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    busy = time.time()
    while _is_up(socket_path):
        time.sleep(POLL_SECONDS)
        if _in_use(users):
            busy = time.time()
        idle = time.time() - max(busy, os.fstat(users).st_mtime)
        if idle < float(linger) or Path("stay").exists():
            continue
        if _has_sessions(socket_path, Path(pg_ctl).with_name("psql")):
            busy = time.time()
        elif _lock(start):
            if _lock(users):
                _stop(pg_ctl, int(uid), int(gid))
                return
            _unlock(start)


def _leave_the_starter() -> None:
    """Become a daemon that has no terminal and no parent that must wait."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _in_use(users: int) -> bool:
    if not _lock(users):
        return True
    _unlock(users)
    return False


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(file: int) -> None:
    fcntl.flock(file, fcntl.LOCK_UN)


def _is_up(socket_path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        with suppress(OSError):
            probe.connect(socket_path)
            return True
    return False


def _has_sessions(socket_path: str, psql: Path) -> bool:
    """Return whether anybody is connected.

    A server that gives no answer within the time counts as a server without sessions.
    """
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    environment = {
        "PGHOST": str(Path(socket_path).parent),
        "PGPORT": socket_path.rpartition(".")[2],
        "PGPASSFILE": str(Path("passfile").absolute()),
        "PGUSER": OWNER,
        "PGDATABASE": "postgres",
        "PGCONNECT_TIMEOUT": "10",
    }
    command = [str(psql), "-X", "-A", "-t", "-q", "-w", "-c", query]
    with suppress(OSError, subprocess.TimeoutExpired):
        found = subprocess.run(  # noqa: S603 - a fixed command
            command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30
        )
        return found.returncode == 0 and found.stdout.strip() != b"0"
    return False


def _stop(pg_ctl: str, uid: int, gid: int) -> None:
    identity = {} if uid == os.geteuid() else {"user": uid, "group": gid, "extra_groups": []}
    command = [pg_ctl, "stop", "-D", "cluster", "-m", "fast", "-w", "-s"]
    subprocess.run(command, check=False, **identity)  # type: ignore[call-overload]  # noqa: S603 - a fixed command


if __name__ == "__main__":
    main()
