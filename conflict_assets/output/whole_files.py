"""Files that appear whole or not at all.

Only their owner may read them.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conflict_assets.domain.masking import MaskedError


class FileError(MaskedError):
    """A file can't be written as asked.

    The message says what was found, what is allowed and what to do.
    """


def check_ending(path: Path, allowed: Sequence[str]) -> str:
    """Return the ending of a file's name, in small letters.

    Raises:
        FileError: it ends in none of those that can be written.
    """
    ending = path.suffix.lower()
    if ending not in allowed:
        raise FileError(f"{path} ends in {path.suffix!r}; allowed: {', '.join(allowed)}")
    return ending


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse, before any work is done, a file that can't be written.

    Raises:
        FileError: its folder is missing, it is a folder itself, or it is there and must stay.
    """
    if not path.absolute().parent.is_dir():
        raise FileError(f"{path}: there is no folder {path.absolute().parent}; make it, or name another file")
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file")
    if path.exists() and not overwrite:
        raise FileError(f"{path} exists; name another file, or replace it with --overwrite")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Open a temporary file that becomes `path` when the block ends well.

    The temporary file is removed when the block does not end well.

    Raises:
        FileError: it can't be written; the disk is full, for instance.
    """
    partial = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.absolute().parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OSError as error:
        raise FileError(f"{path} can't be written: {error.strerror or error}; nothing of it is left") from None
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
