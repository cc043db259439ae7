"""Two sides that live through the same nights: one as a platform does, the other by full readings alone.

What they hold is compared, after each night.
"""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from conflict_assets.assets.prefix_detection import Batch, commit_of, detection_policy, origin_of
from conflict_assets.assets.run_snapshots import _keep_rejected
from conflict_assets.assets.source_reading import Reading, read_snapshot, visit_query
from conflict_assets.settings import Settings
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.snapshots import Snapshot, SnapshotStore
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StaleSnapshot, StoreError
from conflict_assets_tests.incremental.nights import PREFIX_LENGTH, PREFIXES, FailingReader, Night, harm
from conflict_assets_tests.incremental.warehouse import Surroundings

READS_INCREMENTALLY = "full" in {each.name for each in fields(Reading)}
"""Whether a reading can be told to be full, and is something else otherwise."""

STORED: Mapping[str, tuple[str, ...]] = {
    "visit_conflicts": (),
    "conflict_visits": (),
    "conflict_history": ("event_id", "policy_id"),
    "prefix_runs": ("committed_at", "detect_seconds", "write_seconds", "digest", "settled_xid", "policy_id", "content"),
    "rejected_visits": ("rejected_id",),
}
"""The tables that are compared, and the columns that are not: numbers that a store gives, clocks, the digest and
the content.

The digest goes by the order of rows.
"""

FIRST_STEP, LAST_STEP = 3, 25
SHOWN = 4


def reading_options(*, full: bool, full_every: timedelta | None) -> dict[str, Any]:
    """The fields of a reading by which it is full or not, as far as there are any."""
    given = {"full": full, "full_every": full_every}
    known = {each.name for each in fields(Reading)}
    return {name: value for name, value in given.items() if name in known and value is not None}


@dataclass
class Side:
    """A store and a folder of snapshots, and how this side reads.

    `before` is called before each night, and `tamper` with each snapshot, before anything is done with it.
    """

    name: str
    file: Path
    store: ConflictStore
    snapshots: SnapshotStore
    options: Mapping[str, Any]
    before: Callable[[], None] = field(default=lambda: None)
    tamper: Callable[[Snapshot], None] = field(default=lambda _snapshot: None)
    _lists: tuple[Any, ...] = ()

    def live_through(self, night: Night, around: Surroundings) -> "Lived":
        """Read and commit as the night says, and return what came of it."""
        self.before()
        self._bring_lists(around)
        settings = Settings(ssn_prefix_length=PREFIX_LENGTH, **around.settings)
        snapshot = self._read(night, around, settings)
        if snapshot is None:
            # What was being streamed is part of a cycle, and as long as it is there DuckDB opens the file for nobody.
            gc.collect()
            return Lived(None, {})
        commits = self._commit(night, snapshot, settings)
        return Lived(snapshot, commits)

    def end(self, night: Night) -> None:
        """Let happen to the snapshots what happens after the night."""
        newest = self.snapshots.for_run(night.name)
        if newest is not None:
            harm(newest.folder, night)
        if night.aftermath == "older snapshots are purged":
            self.snapshots.purge(keep=1)
        if night.aftermath == "all snapshots are purged":
            self.snapshots.purge(keep=1, older_than=timedelta(0))

    def _read(self, night: Night, around: Surroundings, settings: Settings) -> Snapshot | None:
        """Take the night's snapshot; None when the reading fails, or ends just before it would."""
        source = DuckDBVisitSource(self.file, threads=1, **around.layout)
        with source.open(run_id=night.name) as reader:
            reading = Reading(
                name=night.name,
                query=visit_query(settings, self.store, night.prefixes, night.as_of),
                as_of=night.as_of,
                allow_drop=True,
                warn=lambda _text: None,
                **self.options,
            )
            if night.mishap == "the reader fails":
                steps = FIRST_STEP + int(night.share * (LAST_STEP - FIRST_STEP))
                with suppress(SourceError):
                    read_snapshot(FailingReader(reader, steps), self.store, self.snapshots, reading)
                return None
            snapshot = read_snapshot(reader, self.store, self.snapshots, reading)
            self.tamper(snapshot)
            if night.mishap != "killed before the rejected visits":
                _keep_rejected(self.store, night.name, reading.query, snapshot)
                self.snapshots.purge(keep=3, in_progress={night.name})
        return snapshot

    def _commit(self, night: Night, snapshot: Snapshot, settings: Settings) -> dict[str, Any]:
        batch = Batch(
            run_id=night.name,
            root_run_id=night.name,
            policy=detection_policy(settings, self.store),
            time_zone=settings.schedule_time_zone,
            total=len(snapshot.contested_prefixes),
        )
        with self._refusing(night.refused):
            done = {prefix: self._commit_prefix(night, snapshot, prefix, batch) for prefix in night.committed_first}
        done |= {prefix: self._commit_prefix(night, snapshot, prefix, batch) for prefix in night.committed_later}
        return done

    def _commit_prefix(self, night: Night, snapshot: Snapshot, prefix: str, batch: Batch) -> Any:
        """Commit a prefix as a night does, and return what the commit did or why the store has refused it."""
        conflicts = self.store.conflicts
        try:
            outcome = conflicts.repeat_commit(origin_of(snapshot, prefix, batch))
            outcome = outcome or conflicts.replace_prefix(commit_of(snapshot, prefix, batch))
        except StaleSnapshot:
            if not night.goes_back:
                raise
            return "stale"
        except StoreError:
            if prefix != night.refused:
                raise
            return "refused"
        return {name: value for name, value in asdict(outcome).items() if name != "write_seconds"}

    @contextmanager
    def _refusing(self, prefix: str | None) -> Iterator[None]:
        """Let the store refuse the commit of a prefix."""
        if prefix is not None:
            self._execute(
                f"""CREATE OR REPLACE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS $$
                      BEGIN IF NEW.ssn_prefix = '{prefix}' THEN RAISE EXCEPTION 'injected'; END IF; RETURN NEW; END $$;
                    CREATE TRIGGER injected BEFORE INSERT ON prefix_runs FOR EACH ROW EXECUTE FUNCTION injected()"""
            )
        try:
            yield
        finally:
            if prefix is not None:
                self._execute("DROP FUNCTION IF EXISTS injected() CASCADE")

    def _bring_lists(self, around: Surroundings) -> None:
        """Bring the lists that users edit to what they are for this night."""
        lists = (tuple(sorted(around.agencies)), tuple(sorted(around.ssns)), around.bands)
        if lists == self._lists:
            return
        self._execute("DELETE FROM excluded_agencies; DELETE FROM excluded_ssns; DELETE FROM speed_bands")
        for table, rows in (
            ("excluded_agencies (provider_id)", [(each,) for each in lists[0]]),
            ("excluded_ssns (ssn)", [(each,) for each in lists[1]]),
            ("speed_bands", lists[2]),
        ):
            for row in rows:
                marks = ", ".join("%s" for _ in row)
                self._execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - a constant
        self._lists = lists

    def _execute(self, statement: Any, values: Any = None) -> None:
        self.store.session.transact(lambda connection: connection.execute(statement, values))

    def digests(self) -> dict[str, Any]:
        """A hash of the rows of each table that is compared."""
        query = "SELECT count(*), sum(hashtextextended((to_jsonb(t) - %s::text[])::text, 0)) FROM {} AS t"
        return {table: self._rows(query, table)[0] for table in STORED}

    def held(self, table: str) -> Counter[str]:
        """The rows of a table that are compared."""
        rows = self._rows("SELECT to_jsonb(t) - %s::text[] FROM {} AS t", table)
        return Counter(json.dumps(row, sort_keys=True) for (row,) in rows)

    def _rows(self, query: Any, table: str) -> list[tuple[Any, ...]]:
        return self.store.session.rows(query.format(table), [list(STORED[table])])


@dataclass(frozen=True)
class Lived:
    """A night as a side has lived through it: its snapshot, unless the reading failed, and what each commit did."""

    snapshot: Snapshot | None
    commits: Mapping[str, Any]

    @property
    def is_incremental(self) -> bool:
        """Whether the night carried visits over from an earlier one."""
        return getattr(self.snapshot, "kind", "full") == "incremental"


def differences(one: Side, other: Side, lived: Lived, twin_lived: Lived) -> list[str]:
    """Say in what two sides differ after a night, in some words for each difference."""
    found = []
    if lived.snapshot is not None and twin_lived.snapshot is not None:
        found += list(_between_snapshots(lived.snapshot, twin_lived.snapshot))
    found += [
        f"the commit of prefix {prefix}: {lived.commits.get(prefix)} and {twin_lived.commits.get(prefix)}"
        for prefix in PREFIXES
        if lived.commits.get(prefix) != twin_lived.commits.get(prefix)
    ]
    digests, twin_digests = one.digests(), other.digests()
    for table in STORED:
        if digests[table] != twin_digests[table]:
            found += _between_rows(table, one.held(table), other.held(table))
    return found


def _between_snapshots(one: Snapshot, other: Snapshot) -> Iterator[str]:
    for name in ("as_of", "first_date", "last_date", "prefixes", "contested_prefixes"):
        if getattr(one, name) != getattr(other, name):
            yield f"{name}: {getattr(one, name)} and {getattr(other, name)}"
    yield from _between_counts("all counts", one.total_counts(), other.total_counts())
    yield from _between_rows("all left-out visits", _rows_of(one.all_left_out()), _rows_of(other.all_left_out()))
    for prefix in other.prefixes:
        yield from _between_counts(f"counts of {prefix}", one.counts(prefix), other.counts(prefix))
        yield from _between_rows(f"visits of {prefix}", _rows_of(one.visits(prefix)), _rows_of(other.visits(prefix)))
        left_out = _rows_of(one.left_out(prefix)), _rows_of(other.left_out(prefix))
        yield from _between_rows(f"left-out visits of {prefix}", *left_out)


def _between_counts(what: str, one: Mapping[str, int], other: Mapping[str, int]) -> Iterator[str]:
    differing = {
        name: (one.get(name), other.get(name)) for name in {**one, **other} if one.get(name) != other.get(name)
    }
    if differing:
        yield f"{what}: {differing}"


def _rows_of(table: pa.Table) -> Counter[str]:
    return Counter(json.dumps(row, default=repr, sort_keys=True) for row in table.to_pylist())


def _between_rows(what: str, one: Counter[str], other: Counter[str]) -> Iterator[str]:
    mine, theirs = sorted((one - other).elements()), sorted((other - one).elements())
    if not mine and not theirs:
        return
    yield f"{what}: {len(mine)} rows here alone, {len(theirs)} in the twin alone"
    others = {_key(json.loads(text)): json.loads(text) for text in theirs}
    for row in map(json.loads, mine[:SHOWN]):
        twin = others.get(_key(row))
        same = {name for name, value in row.items() if twin is not None and repr(twin.get(name)) == repr(value)}
        yield f"  here {_key(row)} { ({name: value for name, value in row.items() if name not in same and value}) }"
        if twin is not None:
            yield f"  twin {_key(row)} { ({name: value for name, value in twin.items() if name not in same}) }"
    for row in map(json.loads, theirs[:SHOWN]):
        yield f"  twin { ({name: value for name, value in row.items() if value is not None}) }"


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("ssn_prefix", "ssn", "visit_id", "con_visit_id", "event", "root_run_id"))
