"""The nights of a history: when each is, what it reads, and what goes wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from conflict_assets.partitions import all_prefixes
from conflict_assets.source import query as query_module
from conflict_assets.source import sql_reader
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.statement import Statement
from conflict_assets_tests.incremental.values import BAD_SSNS, SSNS

PREFIX_LENGTH = 1
PREFIXES = tuple(all_prefixes(PREFIX_LENGTH))
INHABITED = {ssn[:PREFIX_LENGTH] for ssn in (*SSNS, *(ssn for ssn in BAD_SSNS if ssn))}
START = datetime(2025, 6, 15, 6, tzinfo=UTC)
QUIET = 0.3
"""The share of nights before which nothing happens."""

MISHAPS: Mapping[str, int] = {
    "none": 24,
    "the reader fails": 3,
    "killed before the rejected visits": 1,
    "killed before the commits": 2,
    "killed between commits": 2,
    "killed between commits and resumed": 2,
    "a commit is refused": 2,
}
AFTERMATHS: Mapping[str, int] = {
    "none": 24,
    "a file is lost": 2,
    "a file is cut": 1,
    "a file is garbage": 1,
    "a file is empty": 1,
    "older snapshots are purged": 2,
    "all snapshots are purged": 1,
}
FURTHEST_BACK = 6
PIECE_ROWS = 5


@dataclass(frozen=True)
class Night:
    """What both sides do in a night.

    `mishap` is a key of `MISHAPS`, and `aftermath` of `AFTERMATHS`. `share` says where in the night the mishap is, or
    which file the aftermath hits, from 0 to 1.
    """

    number: int
    as_of: datetime
    prefixes: tuple[str, ...]
    mishap: str
    aftermath: str
    share: float
    goes_back: bool

    @property
    def name(self) -> str:
        """The run's id, and the snapshot's name."""
        return f"night-{self.number:03d}"

    @property
    def inhabited(self) -> tuple[str, ...]:
        """The prefixes that may have visits; commits of others would only take time."""
        return tuple(prefix for prefix in self.prefixes if prefix in INHABITED)

    @property
    def committed_first(self) -> tuple[str, ...]:
        """The prefixes that are committed before the night ends or is killed."""
        if "killed before" in self.mishap:
            return ()
        if "killed between" in self.mishap:
            return self.inhabited[: round(self.share * len(self.inhabited))]
        return self.inhabited

    @property
    def committed_later(self) -> tuple[str, ...]:
        """The prefixes that are committed when the night is resumed."""
        return self.inhabited[len(self.committed_first) :] if "resumed" in self.mishap else ()

    @property
    def refused(self) -> str | None:
        """The prefix whose commit the store refuses."""
        if self.mishap != "a commit is refused" or not self.inhabited:
            return None
        return self.inhabited[int(self.share * len(self.inhabited))]


class Calendar:
    """Draws one night after the other."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._latest = START
        self._number = 0

    def next_night(self) -> Night:
        """Draw the next night; most come a day later and read everything."""
        rng = self._rng
        self._number += 1
        days = rng.choice((0, 0, 0, 1, 1, 1, 1, 2, 3, rng.randint(4, 12), rng.randint(0, 40)))
        self._latest += timedelta(days=days, minutes=rng.randint(1, 600))
        goes_back = self._number > 1 and rng.random() < 0.04
        back = timedelta(days=rng.randint(1, FURTHEST_BACK)) if goes_back else timedelta()
        some = tuple(sorted(rng.sample(PREFIXES, rng.randint(1, len(PREFIXES) - 1))))
        return Night(
            number=self._number,
            as_of=self._latest - back,
            prefixes=some if rng.random() < 0.2 else PREFIXES,
            mishap=_drawn(rng, MISHAPS),
            aftermath=_drawn(rng, AFTERMATHS),
            share=rng.random(),
            goes_back=goes_back,
        )

    def events(self) -> int:
        """Draw how many operations happen before the next night, beside some edits; before many nothing happens."""
        return 0 if self._rng.random() < QUIET else self._rng.randint(1, 5)


def _drawn(rng: Random, weights: Mapping[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


class FailingReader:
    """A reader that fails in the middle: after some calls, and some pieces of what it streams."""

    def __init__(self, reader: Any, steps: int) -> None:
        self._reader = reader
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reader, name)
        return self._watched(found) if callable(found) else found

    def _watched(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*values: Any, **named: Any) -> Any:
            self._step()
            given = method(*values, **named)
            return self._cut(given) if isinstance(given, Iterator) else given

        return called

    def _cut(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start, end in pairwise([*range(0, batch.num_rows, PIECE_ROWS), batch.num_rows]):
                self._step()
                yield batch.slice(start, end - start)

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise SourceError("the line went dead")


def harm(folder: Path, night: Night) -> None:
    """Do to a file of a snapshot what the night's aftermath says."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files or not night.aftermath.startswith("a file"):
        return
    file = files[int(night.share * len(files))]
    held = file.read_bytes()
    match night.aftermath:
        case "a file is lost":
            file.unlink()
        case "a file is cut":
            file.write_bytes(held[: len(held) // 2])
        case "a file is garbage":
            file.write_bytes(bytes(reversed(held)))
        case _:
            file.write_bytes(b"")


PLAINLY_BOUND = {
    "prefixes",
    "all_prefixes",
    "first_date",
    "last_date",
    "followed",
    "cross_midnight",
    "max_visits_per_day",
    "excluded_agencies",
    "excluded_ssns",
    "visit_ids",
}
"""Values that are bound to a statement, and on which its text does not depend."""

LONG_WINDOW = date(2022, 1, 1), date(2029, 1, 1)
"""All windows of histories: a date is told by the offsets of its zone in each of them."""

_composed: dict[tuple[Any, ...], Any] = {}


@contextmanager
def statements_composed_once() -> Iterator[None]:
    """Compose each statement once for all that its text may depend on: it takes longer than to read a few visits."""
    compose, tell_dates = query_module._statement, query_module.tell_dates_by_offsets
    duplicates = sql_reader.duplicates_statement

    def composed_once(text: Any, values: Mapping[str, Any], *others: Any, **named: Any) -> Statement:
        ours = tuple((name, str(value)) for name, value in values.items() if name not in PLAINLY_BOUND)
        key = (text, ours, others, tuple(named.items()))
        if key not in _composed:
            _composed[key] = compose(text, values, *others, **named)
        made = _composed[key]
        return Statement(made.sql, {name: values[name] for name in made.named})

    def duplicates_once(*values: Any) -> Statement:
        if values not in _composed:
            _composed[values] = duplicates(*values)
        return _composed[values]

    with (
        patch.object(query_module, "_statement", composed_once),
        patch.object(
            query_module, "tell_dates_by_offsets", lambda tree, layout, *_: tell_dates(tree, layout, *LONG_WINDOW)
        ),
        patch.object(sql_reader, "duplicates_statement", duplicates_once),
    ):
        yield
