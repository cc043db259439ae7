"""The endings of files that options name, refused as options are."""

from collections.abc import Sequence
from pathlib import Path

import typer


def require_ending(file: Path, allowed: Sequence[str]) -> None:
    """Refuse a file whose ending is none of these."""
    # Imported here: Arrow takes a moment to load, and most commands name no file.
    from conflict_assets.output.whole_files import FileError, check_ending

    try:
        check_ending(file, allowed)
    except FileError as error:
        raise typer.BadParameter(str(error)) from None
