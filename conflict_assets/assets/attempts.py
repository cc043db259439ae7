"""Which prefixes a step has begun: a process that is killed can't say so, its successor must know."""

from collections.abc import Iterable
from pathlib import Path


class Attempts:
    """Marks in a snapshot's folder, one empty file for each prefix that was begun."""

    def __init__(self, snapshot_folder: Path) -> None:
        self._folder = snapshot_folder / "begun"

    def mark(self, prefix: str) -> None:
        """Say that the prefix is being worked on."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        (self._folder / prefix).touch(mode=0o600)

    def unbegun_first(self, prefixes: Iterable[str]) -> list[str]:
        """Order prefixes so that one that may have killed its process comes after those that never had a chance."""
        return sorted(prefixes, key=lambda prefix: ((self._folder / prefix).exists(), prefix))
