"""The user that the embedded server runs as.

PostgreSQL refuses to run as root, so root's server runs as a system user of its own.
"""

import os
import pwd
import shutil
import struct
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conflict_assets.store.errors import StoreError

SERVER_USER = "conflicts_store"

_ACL = "system.posix_acl_access"
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_PASS, _NOBODY = 0o1, 0xFFFFFFFF


@dataclass(frozen=True)
class ServerUser:
    """The operating system's user behind the server."""

    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """Return whether this process already runs as that user."""
        return self.uid == os.geteuid()

    @property
    def as_process(self) -> dict[str, Any]:
        """Return the arguments that make `subprocess` run a command as this user."""
        return {} if self.is_me else {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_user() -> ServerUser:
    """Return the user that the server runs as.

    This is the process's own user. For root it is the system user `conflicts_store`, which is made when it is missing.
    """
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    entry = _find() or _make()
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    command = [useradd or "useradd", "--system", "--no-create-home", "--home-dir", "/", SERVER_USER]
    with suppress(OSError):
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed command, no shell
    entry = _find()  # another process may have made it in the same moment
    if entry is None:
        raise StoreError(
            f"The embedded PostgreSQL does not run as root, and the system user {SERVER_USER} can't be made here. "
            "Run as another user, or set CONFLICTS_POSTGRES_URL to a PostgreSQL of your own."
        )
    return entry


def let_pass(user: ServerUser, target: Path) -> None:
    """Let the server's user pass through the folders above `target`.

    The user may pass, and may not list or read the folders. A folder that is closed gets an ACL entry for this one
    user. Nothing is opened to anybody else.
    """
    if user.is_me:
        return
    for folder in reversed(target.resolve().parents):
        if _is_closed(folder, user) and not _grant(folder, user):
            raise StoreError(
                f"The embedded PostgreSQL does not run as root, and its user {SERVER_USER} can't pass "
                f"through {folder}. Set CONFLICTS_DATA_DIR to a folder outside of it, run as another user, "
                "or set CONFLICTS_POSTGRES_URL to a PostgreSQL of your own."
            )


def _is_closed(folder: Path, user: ServerUser) -> bool:
    found = folder.stat()
    if found.st_uid == user.uid:
        return not found.st_mode & 0o100
    return not found.st_mode & 0o001


def _grant(folder: Path, user: ServerUser) -> bool:
    entries = [entry for entry in _acl(folder) if (entry[0], entry[2]) != (_USER, user.uid) and entry[0] != _MASK]
    entries.append((_USER, _PASS, user.uid))
    widest = 0
    for tag, rights, _ in entries:
        if tag in {_USER, _GROUP}:
            widest |= rights
    entries.append((_MASK, widest, _NOBODY))
    entries.sort(key=lambda entry: (entry[0], entry[2]))
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(folder, _ACL, packed)
    except (OSError, AttributeError):
        return False
    return True


def _acl(folder: Path) -> list[tuple[int, int, int]]:
    try:
        return list(struct.iter_unpack("<HHI", os.getxattr(folder, _ACL)[4:]))
    except (OSError, AttributeError):
        mode = folder.stat().st_mode
        return [(_OWNER, mode >> 6 & 7, _NOBODY), (_GROUP, mode >> 3 & 7, _NOBODY), (_OTHER, mode & 7, _NOBODY)]
