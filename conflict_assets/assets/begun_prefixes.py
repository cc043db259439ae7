"""Which prefixes a step has begun: a process that is killed can't say so, its successor must know."""

from collections.abc import Mapping
from contextlib import suppress

from conflict_assets.source.snapshots import Snapshot

_BEGUN = "begun"


def mark(snapshot: Snapshot, prefix: str) -> None:
    """Say, in the folder of its snapshot, that a prefix is being worked on. A full disk stops no prefix by that."""
    folder = snapshot.folder / _BEGUN
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / prefix).touch(mode=0o600)


def unbegun_first(snapshots: Mapping[str, Snapshot]) -> list[str]:
    """Order prefixes so that one that may have killed its process comes after those that never had a chance."""
    return sorted(snapshots, key=lambda prefix: ((snapshots[prefix].folder / _BEGUN / prefix).exists(), prefix))
