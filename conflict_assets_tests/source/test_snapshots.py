"""Snapshots: whole or not at all, and in the memory of a batch."""

import threading
import time
import weakref
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conflict_assets.domain.reasons import Note
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.source.protocol import ROW_SCHEMA, SourceError
from conflict_assets.source.snapshot_files import read_rows
from conflict_assets.source.snapshot_writer import SnapshotContent, SnapshotWriter
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets_tests.source.reading import NO_SURVEY
from conflict_assets_tests.source.warehouse import all_of

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


def batch(prefix, rows=3, outcome="contested", start=0):
    data = {"ssn_prefix": [prefix] * rows, "outcome": [outcome] * rows}
    data["visit_id"] = [f"{prefix}-{start + number}" for number in range(rows)]
    data |= {str(note): [False] * rows for note in Note}
    data |= {"cell": [0] * rows, "is_suspect": [True] * rows}
    columns = [
        pa.array(data[field.name], field.type) if field.name in data else pa.nulls(rows, field.type)
        for field in ROW_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ROW_SCHEMA)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_each_prefix_gets_one_file_that_only_its_owner_reads(tmp_path):
    store = SnapshotStore(tmp_path / "snapshots")
    batches = [batch("04"), batch("04", start=3), batch("04", 2, "missed"), batch("17", 1)]
    snapshot = store.write("run", SnapshotContent(query=all_of(), as_of=NOON, batches=batches, survey=NO_SURVEY))
    assert files(tmp_path) == ["04.parquet", "17.parquet", "sidelined.parquet", "snapshot.json"]
    assert snapshot.contested_prefixes == ("04", "17")
    assert snapshot.visits("04")["visit_id"].to_pylist() == [f"04-{number}" for number in range(6)]
    assert snapshot.visits("05").num_rows == 0
    assert snapshot.left_out("04")["outcome"].to_pylist() == ["missed", "missed"]
    modes = {path.stat().st_mode & 0o777 for path in snapshot.folder.iterdir()}
    assert (modes, snapshot.folder.stat().st_mode & 0o777) == ({0o600}, 0o700)


def test_what_was_left_out_of_a_prefix_is_read_from_among_all(tmp_path):
    batches = [batch(prefix, start=number, outcome="no_times") for prefix in ("04", "05") for number in (0, 9)]
    snapshot = SnapshotStore(tmp_path).write(
        "run", SnapshotContent(query=all_of(), as_of=NOON, batches=batches, survey=NO_SURVEY)
    )
    assert snapshot.left_out("04").num_rows == 6
    assert snapshot.left_out("17").num_rows == 0
    assert set(snapshot.left_out("05")["ssn_prefix"].to_pylist()) == {"05"}
    assert snapshot.all_left_out().num_rows == 12


def test_a_column_that_an_older_file_lacks_is_missing_in_every_row(tmp_path):
    pq.write_table(pa.table({"visit_id": ["v1"]}), tmp_path / "04.parquet")
    table = read_rows(tmp_path / "04.parquet", VISIT_SCHEMA)
    assert table.schema == VISIT_SCHEMA
    assert table.select(["visit_id", "ssn"]).to_pylist() == [{"visit_id": "v1", "ssn": None}]


def test_a_source_that_fails_half_way_leaves_nothing(tmp_path):
    store = SnapshotStore(tmp_path)

    def failing():
        yield batch("04")
        yield batch("17")
        raise SourceError("the line went dead")

    with pytest.raises(SourceError, match="went dead"):
        store.write("run", SnapshotContent(query=all_of(), as_of=NOON, batches=failing(), survey=NO_SURVEY))
    assert files(tmp_path) == []
    assert store.for_run("run") is None
    assert store.write(
        "run", SnapshotContent(query=all_of(), as_of=NOON, batches=[batch("04")], survey=NO_SURVEY)
    ).contested_prefixes == ("04",)


@pytest.mark.parametrize(
    "batches",
    [[batch("04"), batch("17"), batch("04", start=3)], [batch("4x")]],
    ids=["out of order", "of no prefix that was asked for"],
)
def test_rows_that_nobody_expects_are_refused(tmp_path, batches):
    with pytest.raises(SourceError, match="out of order or unasked"):
        SnapshotStore(tmp_path).write(
            "run", SnapshotContent(query=all_of(), as_of=NOON, batches=batches, survey=NO_SURVEY)
        )
    assert files(tmp_path) == []


@pytest.mark.parametrize("count", [20, 400])
def test_batches_never_pile_up(tmp_path, count):
    made_so_far, most = [], 0

    def source():
        nonlocal most
        for number in range(count):
            made = batch(f"{number * 100 // count:02d}", 50, start=number * 50)
            made_so_far.append(weakref.ref(made))
            most = max(most, sum(reference() is not None for reference in made_so_far))
            yield made
            del made

    snapshot = SnapshotStore(tmp_path).write(
        "run", SnapshotContent(query=all_of(), as_of=NOON, batches=source(), survey=NO_SURVEY)
    )
    assert sum(snapshot.visits(prefix).num_rows for prefix in snapshot.contested_prefixes) == count * 50
    assert most <= 3


def test_the_next_batch_is_fetched_while_the_last_is_written(tmp_path, monkeypatch):
    asked, found = threading.Event(), []
    contested_runs = SnapshotWriter._contested_runs

    def source():
        yield batch("04")
        asked.set()
        yield batch("17")

    def slow(writer, batches):
        for run in contested_runs(writer, batches):
            found.append(asked.wait(10))
            yield run

    monkeypatch.setattr(SnapshotWriter, "_contested_runs", slow)
    snapshot = SnapshotStore(tmp_path).write(
        "run", SnapshotContent(query=all_of(), as_of=NOON, batches=source(), survey=NO_SURVEY)
    )
    assert snapshot.contested_prefixes == ("04", "17")
    assert found == [True, True]


def test_a_write_that_fails_waits_for_what_is_being_fetched(tmp_path):
    fetched = []

    def source():
        yield batch("4x")
        time.sleep(0.2)
        fetched.append("next")
        yield batch("17")

    with pytest.raises(SourceError) as caught:
        SnapshotStore(tmp_path).write(
            "run", SnapshotContent(query=all_of(), as_of=NOON, batches=source(), survey=NO_SURVEY)
        )
    assert fetched == ["next"]
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("fetching")] == []
    assert "unasked" in str(caught.value)


def test_the_first_batch_is_waited_for_where_a_run_can_be_ended(tmp_path):
    threads = []

    def source():
        threads.append(threading.current_thread())
        yield batch("04")

    SnapshotStore(tmp_path).write(
        "run", SnapshotContent(query=all_of(), as_of=NOON, batches=source(), survey=NO_SURVEY)
    )
    assert threads == [threading.current_thread()]


def test_the_newest_snapshots_stay_and_those_in_progress(tmp_path):
    store = SnapshotStore(tmp_path)
    for day in range(1, 6):
        store.write(
            f"run{day}",
            SnapshotContent(query=all_of(), as_of=NOON.replace(day=day), batches=[batch("04")], survey=NO_SURVEY),
        )
    store.purge(keep=2, in_progress={"run1"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run1", "run4", "run5"]
    newest = store.newest("04")
    assert newest is not None
    assert newest.root_run_id == "run5"


def test_single_prefixes_push_out_no_night_and_the_newest_of_any_prefix_stays(tmp_path):
    store = SnapshotStore(tmp_path)
    for day in range(1, 4):
        store.write(
            f"night{day}",
            SnapshotContent(query=all_of(), as_of=NOON.replace(day=day), batches=[batch("04")], survey=NO_SURVEY),
        )
    for day, prefix in enumerate(["01", "02", "03", "01"], 4):
        store.write(
            f"single{day}",
            SnapshotContent(
                query=all_of(prefixes=(prefix,)), as_of=NOON.replace(day=day), batches=[], survey=NO_SURVEY
            ),
        )
    removed = store.purge(keep=2).removed
    assert removed == ("night1", "single4")
    assert store.newest("01").root_run_id == "single7"
    assert {prefix: each.root_run_id for prefix, each in store.newest_of_each().items() if prefix in ("00", "02")} == {
        "00": "night3",
        "02": "single5",
    }


def test_an_age_ends_all_of_them(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write("night", SnapshotContent(query=all_of(), as_of=NOON, batches=[batch("04")], survey=NO_SURVEY))
    assert store.purge(older_than=timedelta(days=1), in_progress={"night"}).removed == ()
    assert store.purge(older_than=timedelta(days=1)).removed == ("night",)
    assert store.newest("04") is None


def test_a_snapshot_whose_manifest_is_damaged_is_none(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write("good", SnapshotContent(query=all_of(), as_of=NOON, batches=[batch("04")], survey=NO_SURVEY))
    damaged = store.write(
        "damaged", SnapshotContent(query=all_of(), as_of=NOON.replace(day=20), batches=[batch("04")], survey=NO_SURVEY)
    )
    (damaged.folder / "snapshot.json").write_text('{"as_of": "2025-')
    assert store.for_run("damaged") is None
    assert store.newest("04").root_run_id == "good"


def test_a_file_that_is_damaged_or_gone_is_told_in_a_sentence(tmp_path):
    snapshot = SnapshotStore(tmp_path).write(
        "run", SnapshotContent(query=all_of(), as_of=NOON, batches=[batch("04"), batch("17")], survey=NO_SURVEY)
    )
    (snapshot.folder / "04.parquet").write_bytes(b"PAR1")
    (snapshot.folder / "17.parquet").unlink()
    with pytest.raises(SourceError, match=r"The snapshot of run run can't be read \(a file of it is damaged\)"):
        snapshot.visits("04")
    with pytest.raises(SourceError, match=r"can't be read \(No such file or directory\)"):
        snapshot.visits("17")


@pytest.mark.parametrize("run_id", ["", "../elsewhere", "a/b", "x" * 129])
def test_a_run_id_that_is_no_plain_name_is_refused(tmp_path, run_id):
    with pytest.raises(SourceError, match="can't name a snapshot"):
        SnapshotStore(tmp_path).for_run(run_id)
