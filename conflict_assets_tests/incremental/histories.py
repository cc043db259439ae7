"""Random histories: one warehouse, many nights, and two sides that must hold the same after each.

A history is repeated by its seed: `PYTHONPATH=. python -m pytest -n 0 -m "slow or not slow" -k "seed17-"
conflict_assets_tests/incremental`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

from conflict_assets.assets import source_reading
from conflict_assets.domain.window import window_at
from conflict_assets.source import incremental
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.incremental.nights import PREFIX_LENGTH, START, Calendar, Night, statements_composed_once
from conflict_assets_tests.incremental.operations import happen
from conflict_assets_tests.incremental.twin import Lived, Side, differences, reading_options
from conflict_assets_tests.incremental.warehouse import Cell, RandomWarehouse, Tables, WarehouseFile

ZONE = "America/New_York"
FULL_EVERY = (timedelta(days=20_000), timedelta(days=20_000), timedelta(days=20_000), timedelta(days=25))
"""How long a history goes without a full reading, unless it has to have one."""


@dataclass
class Coverage:
    """What histories have been through, counted."""

    nights: int = 0
    read: int = 0
    incremental: int = 0
    contested: int = 0
    conflicts: int = 0
    quiet: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    mishaps: Counter[str] = field(default_factory=Counter)
    edited: Counter[Cell] = field(default_factory=Counter)

    def add(self, other: "Coverage") -> None:
        """Count another history too."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        each = "; ".join(f"{name} {number}" for name, number in (self.operations + self.mishaps).most_common())
        return (
            f"{self.nights} nights, {self.read} read, {self.incremental} incremental, {self.quiet} with no change; "
            f"{self.contested} contested visits and {self.conflicts} conflicts in all; {len(self.edited)} columns "
            f"edited, each {min(self.edited.values(), default=0)} times or more; {each}"
        )


class SidesDifferError(AssertionError):
    """The two sides differ after a night; the text says of which history, in which night, and in what."""

    def __init__(self, seed: int, night: Night, happened: list[str], found: list[str]) -> None:
        before = ", ".join(happened) or "no change"
        super().__init__("\n".join([f"the history of seed {seed} differs after {night} and {before}:", *found[:40]]))
        self.night = night


class Stage:
    """What histories are played on: a folder, and the URLs of two prepared stores without rows."""

    def __init__(self, folder: Path, stores: tuple[str, str], empty: Callable[[str], None]) -> None:
        self.folder = folder
        self.stores = stores
        self._empty = empty
        self._plays = 0

    @contextmanager
    def sides(self, seed: int, full_every: timedelta) -> Iterator[tuple[WarehouseFile, Side, Side]]:
        """An empty warehouse with its two sides, whose stores are emptied."""
        self._plays += 1
        folder = self.folder / f"play-{self._plays}-{seed}"
        folder.mkdir()
        file = WarehouseFile(folder / "visits.duckdb")
        for url in self.stores:
            self._empty(url)
        with ExitStack() as stack:
            stores = [stack.enter_context(ConflictStore(url=url, prefix_length=PREFIX_LENGTH)) for url in self.stores]
            sides = [
                Side(
                    name,
                    file.path,
                    store,
                    SnapshotStore(folder / name),
                    reading_options(full=full, full_every=full_every),
                )
                for name, full, store in zip(("platform", "twin"), (False, True), stores, strict=True)
            ]
            yield file, sides[0], sides[1]


class Fault:
    """What is wrong with the platform's side on purpose: nothing, unless a subclass says so."""

    def tamper(self, snapshot: Snapshot) -> None:
        """Change a snapshot that the platform has just read."""

    def seen(self, tables: Tables) -> Tables:
        """The tables as the platform sees them."""
        return tables


NO_FAULT = Fault()


def play(stage: Stage, seed: int, nights: int, fault: Fault = NO_FAULT) -> Coverage:
    """Play a history of so many nights, and return what it has been through.

    With a `fault` of the platform the history should fail.

    Raises:
        SidesDifferError: the sides differ after some night, which is told with the seed.
    """
    rng = Random(seed)  # noqa: S311 - a history is to come again by its seed
    calendar = Calendar(rng)
    house = RandomWarehouse(rng, window_at(START, ZONE))
    house.settle()
    covered = Coverage(edited=house.edited)
    full_every = rng.choice(FULL_EVERY)
    with _grain(rng), statements_composed_once(), stage.sides(seed, full_every) as (file, platform, twin):
        platform.tamper = fault.tamper
        platform.before = lambda: file.write(fault.seen(house.tables))
        twin.before = lambda: file.write(house.tables)
        for _ in range(nights):
            happened = happen(house, calendar.events())
            night = calendar.next_night()
            house.window = window_at(night.as_of, ZONE)
            try:
                lived, twin_lived = (side.live_through(night, house.around) for side in (platform, twin))
                found = differences(platform, twin, lived, twin_lived)
            except Exception as error:
                error.add_note(f"history of seed {seed}, {night}, after {', '.join(happened) or 'no change'}")
                raise
            if found:
                raise SidesDifferError(seed, night, happened, found)
            _count(covered, night, happened, lived)
            for side in (platform, twin):
                side.end(night)
    return covered


@contextmanager
def _grain(rng: Random) -> Iterator[None]:
    """Draw how fine cells are, and how much of so small a warehouse may change before everything is read."""
    buckets, most = rng.choice((1, 2, 16, 64)), rng.choice((0.3, 0.9, 1.0, 1.0))
    with (
        patch.object(source_reading, "bucket_count", lambda *_: buckets),
        patch.object(incremental, "MOST_CHANGED", most),
    ):
        yield


def _count(covered: Coverage, night: Night, happened: list[str], lived: Lived) -> None:
    covered.nights += 1
    covered.quiet += not happened
    covered.operations.update(happened)
    covered.mishaps.update(each for each in (night.mishap, night.aftermath) if each != "none")
    covered.mishaps["goes back"] += night.goes_back
    if lived.snapshot is not None:
        covered.read += 1
        covered.incremental += lived.is_incremental
        covered.contested += lived.snapshot.total_counts()["contested"]
    covered.conflicts += sum(done["conflicts"] for done in lived.commits.values() if isinstance(done, dict))
