"""The folders that a command needs, checked before anything else.

Each fault is reported in one sentence.
"""

import os
import shutil
import tempfile
from pathlib import Path

from conflict_assets.settings import Settings, SettingsError

LONGEST_TEMPORARY_FOLDER = 60
"""The number of letters that the temporary folder's path may have.

Sockets are made in it, and the path of a socket may have 107 (104 on macOS).
"""

LEAST_ROOM = 1 << 30
"""Bytes. A night of ten million visits takes 0.9 GiB of the data folder for a while, without the embedded store."""


def check_folders(settings: Settings) -> None:
    """Refuse a data folder or a temporary folder that can't be used.

    Raises:
        SettingsError: with the folder, and what is allowed.
    """
    check_data_folder(settings)
    check_temporary_folder()


def check_data_folder(settings: Settings) -> None:
    """Make the data folder if missing, and check that it is writable."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        raise SettingsError(
            f"CONFLICTS_DATA_DIR is {folder}, which can't be used: {error.strerror}; allowed: a folder that this user "
            "may write to, with room. Change it in the environment or in .env."
        ) from None


def check_room(settings: Settings) -> int:
    """Return the bytes that are free for the data folder.

    Raises:
        SettingsError: a night may need more.
    """
    free = shutil.disk_usage(settings.data_dir).free
    if free < LEAST_ROOM:
        raise SettingsError(
            f"CONFLICTS_DATA_DIR is {settings.data_dir}, with {free >> 20:,} MiB free; allowed: at least "
            f"{LEAST_ROOM >> 20:,} MiB for a night. Make room there, or set it to a folder with more."
        )
    return free


def check_temporary_folder() -> None:
    """Check that there is a temporary folder with a short path.

    The path must leave room for the name of a socket.
    """
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:
        raise SettingsError(
            "There is no temporary folder that can be written to; allowed: one with room. Make room in /tmp, or set "
            "TMPDIR to such a folder."
        ) from None
    length = len(os.fsencode(folder))
    if length > LONGEST_TEMPORARY_FOLDER:
        raise SettingsError(
            f"TMPDIR is {folder}, which has {length} characters; allowed: at most {LONGEST_TEMPORARY_FOLDER}, since "
            "sockets are made there. Set TMPDIR to a folder with a shorter path, /tmp for instance."
        )
