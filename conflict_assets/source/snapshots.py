"""Snapshots of what runs read from the source.

A snapshot belongs to one run and is stored under the run's id. It has one Parquet file for each prefix.
"""

import re
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from conflict_assets.source.protocol import SourceError
from conflict_assets.source.snapshot import Snapshot
from conflict_assets.source.snapshot_files import FILE_MODE, clear, make_folder, system_text
from conflict_assets.source.snapshot_writer import SnapshotContent, write_snapshot

__all__ = ["PurgedSnapshots", "Snapshot", "SnapshotStore"]

HALF_WRITTEN_SECONDS = 24 * 60 * 60

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class PurgedSnapshots:
    """Snapshots that a purge has removed, and those that it could not.

    Each is named by the run that it belongs to.
    """

    removed: tuple[str, ...]
    stuck: tuple[str, ...]


class SnapshotStore:
    """The folder of all snapshots.

    A snapshot is there once its manifest is.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def write(self, root_run_id: str, content: SnapshotContent) -> Snapshot:
        """Stream rows into the run's snapshot.

        They replace an earlier try.

        Raises:
            CarryingError: the earlier snapshot that is carried over can't be read.
            SourceError: rows come out of order or of a prefix that nobody asked for, or they can't be written.
        """
        folder = self._folder(root_run_id)
        try:
            write_snapshot(folder, content)
        except BaseException as error:
            with suppress(OSError):
                clear(folder)
            if isinstance(error, OSError):
                raise SourceError(
                    f"The snapshot can't be written to {self.root}: {system_text(error)}. Nothing was kept of this "
                    "read. Free some space there, or point CONFLICTS_DATA_DIR to a disk with more."
                ) from None
            raise
        return Snapshot(folder)

    def lock(self) -> FileLock:
        """The lock for finding out what is missing and making it.

        Of the steps of a run, only one is to do that.
        """
        make_folder(self.root)
        return FileLock(self.root / ".lock", mode=FILE_MODE)

    def for_run(self, root_run_id: str) -> Snapshot | None:
        """The complete snapshot of a root run, if there is one."""
        snapshot = Snapshot(self._folder(root_run_id))
        return snapshot if snapshot.is_complete else None

    def newest(self, prefixes: str | Sequence[str]) -> Snapshot | None:
        """The newest complete snapshot that covers one or several prefixes.

        The newest has the latest as-of time, and it covers all of the prefixes.
        """
        return next(iter(self.newest_first([prefixes] if isinstance(prefixes, str) else prefixes)), None)

    def newest_first(self, prefixes: Sequence[str]) -> list[Snapshot]:
        """The complete snapshots that cover all of the prefixes, by their as-of time."""
        return [snapshot for snapshot in self._newest_first() if set(prefixes) <= set(snapshot.prefixes)]

    def newest_of_each(self) -> dict[str, Snapshot]:
        """The newest complete snapshot of every prefix that has one.

        The newest has the latest as-of time.
        """
        newest: dict[str, Snapshot] = {}
        for snapshot in self._newest_first():
            for prefix in snapshot.prefixes:
                newest.setdefault(prefix, snapshot)
        return newest

    def purge(
        self, keep: int = 3, *, older_than: timedelta | None = None, in_progress: Collection[str] = ()
    ) -> PurgedSnapshots:
        """Remove complete snapshots, and half-written ones older than a day.

        The newest snapshot of each prefix and the last `keep` of whole nights stay, unless they are older than
        `older_than`. Snapshots of the runs `in_progress` stay, whatever their age.
        """
        complete = self._newest_first()
        nights = [snapshot for snapshot in complete if snapshot.covers_all]
        needed = {snapshot.folder for snapshot in (*nights[:keep], *self.newest_of_each().values())}
        oldest = datetime.now(tz=UTC) - older_than if older_than is not None else None
        kept = {each.folder for each in complete if each.folder in needed and (oldest is None or each.as_of >= oldest)}
        finished = {snapshot.folder for snapshot in complete}
        now = time.time()
        purged = []
        for folder in self._folders():
            if folder in kept or folder.name in in_progress:
                continue
            if folder in finished or now - folder.stat().st_mtime > HALF_WRITTEN_SECONDS:
                clear(folder)
                purged.append(folder)
        return PurgedSnapshots(
            removed=tuple(folder.name for folder in purged if not folder.exists()),
            stuck=tuple(folder.name for folder in purged if folder.exists()),
        )

    def _folder(self, root_run_id: str) -> Path:
        if not _PLAIN_NAME.fullmatch(root_run_id):
            raise SourceError(
                f"run id {root_run_id!r} can't name a snapshot; allowed: letters, digits, '-' and '_', at most 128"
            )
        return self.root / root_run_id

    def _folders(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        return sorted(path for path in self.root.iterdir() if path.is_dir() and _PLAIN_NAME.fullmatch(path.name))

    def _newest_first(self) -> list[Snapshot]:
        complete = [snapshot for snapshot in map(Snapshot, self._folders()) if snapshot.is_complete]
        return sorted(complete, key=lambda snapshot: snapshot.as_of, reverse=True)
