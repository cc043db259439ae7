"""A record of the prefixes that a step has begun.

A process that is killed can't report which prefix it worked on, but its successor must know.
"""

from collections.abc import Mapping
from contextlib import suppress

from conflict_assets.source.snapshots import Snapshot

_BEGUN = "begun"


def mark(snapshot: Snapshot, prefix: str) -> None:
    """Record in a snapshot's folder that a prefix is being worked on.

    A full disk stops no prefix here: the record is then left out.
    """
    folder = snapshot.folder / _BEGUN
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / prefix).touch(mode=0o600)


def unbegun_first(snapshots: Mapping[str, Snapshot]) -> list[str]:
    """Order prefixes so that those begun before come last.

    A prefix that was begun may have killed its process, so it comes after those that never had a chance.
    """
    return sorted(snapshots, key=lambda prefix: ((snapshots[prefix].folder / _BEGUN / prefix).exists(), prefix))
