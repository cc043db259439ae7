"""Working files with rows that a killed process has left behind."""

import shutil
import time
from datetime import timedelta
from pathlib import Path

from conflict_assets.settings import Settings

SPILL = "spill"
LEFT_BEHIND = timedelta(days=1)
"""No process works on a file for so long without touching it."""


def spill_folder(settings: Settings) -> Path:
    """Where the embedded source puts rows that exceed its memory.

    The folder has the mode 0700. It is not in /tmp, which nobody purges.
    """
    folder = settings.data_dir / SPILL
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def purge_stale_files(settings: Settings) -> list[Path]:
    """Remove working folders that nobody has touched for a day.

    Return the paths that were to go. Those that are still there could not be removed.
    """
    old = _older(settings.data_dir / SPILL, LEFT_BEHIND)
    for path in old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return old


def _older(folder: Path, age: timedelta) -> list[Path]:
    if not folder.is_dir():
        return []
    oldest = time.time() - age.total_seconds()
    return sorted(path for path in folder.iterdir() if not path.is_symlink() and _touched(path) < oldest)


def _touched(path: Path) -> float:
    """When anything in a path was last changed.

    It is now where somebody removes files of the path at this moment.
    """
    try:
        return max(float(each.lstat().st_mtime) for each in (path, *(path.rglob("*") if path.is_dir() else ())))
    except FileNotFoundError:
        return time.time()
