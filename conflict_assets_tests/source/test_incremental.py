"""When a night reads only what has changed, and why it reads everything otherwise."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import duckdb
import pytest

from conflict_assets.assets.run_snapshots import snapshot_metadata
from conflict_assets.assets.source_reading import Reading, read_snapshot
from conflict_assets.output.log_lines import reading_line
from conflict_assets.source import conditions, incremental
from conflict_assets.source.duckdb import DuckDBVisitReader, DuckDBVisitSource
from conflict_assets.source.guard import HalfLoadedSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import TransientSourceError
from conflict_assets.source.snapshot_files import MANIFEST
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets_tests.source.two_agencies import held, people_of_two_agencies
from conflict_assets_tests.source.warehouse import all_of

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = {"first_date": (NOON - 300 * DAY).date(), "last_date": (NOON + 45 * DAY).date()}
NO_COMMITS = SimpleNamespace(runs=SimpleNamespace(visit_volumes=lambda _: {}))
MOVED = """UPDATE "BI"."FACTVISITCALLPERFORMANCE_CR" SET "Scheduled End Time" = "Scheduled End Time" + INTERVAL 1 HOUR
    WHERE "Visit Id" = 'P-7-3'"""


@pytest.fixture
def visits(tmp_path):
    return people_of_two_agencies(tmp_path / "visits.duckdb")


@pytest.fixture
def snapshots(tmp_path):
    return SnapshotStore(tmp_path / "snapshots")


def reading_of(name, *, later=timedelta(), query=None, **options):
    return Reading(
        name=name,
        query=query or all_of(**WINDOW),
        as_of=NOON + later,
        allow_drop=True,
        warn=lambda _: None,
        **options,
    )


def read(visits, snapshots, name, *, store=NO_COMMITS, layout=None, **options):
    with DuckDBVisitSource(visits, **(layout or {})).open(run_id=name) as reader:
        return read_snapshot(reader, store, snapshots, reading_of(name, **options))


def edit(visits, statement):
    with duckdb.connect(str(visits)) as connection:
        connection.execute(statement)


def test_a_first_night_reads_everything_and_the_second_says_that_nothing_has_changed(visits, snapshots):
    first = read(visits, snapshots, "first")
    second = read(visits, snapshots, "second", later=timedelta(hours=1))

    assert (first.kind, first.reading.why) == ("full", conditions.NO_SNAPSHOT)
    assert reading_line(first.reading).startswith(
        "Reading everything (no earlier snapshot has all of these prefixes): "
    )
    assert second.kind == "incremental"
    assert reading_line(second.reading) == (
        "Nothing has changed since the snapshot of run first: 280 contested visits carried over"
    )
    assert held(first) == held(second)
    assert {second.content(prefix) for prefix in second.prefixes} == {first.content(first.prefixes[0])}


def test_what_has_changed_is_read_and_the_rest_carried_over(visits, snapshots):
    first = read(visits, snapshots, "first")
    edit(visits, MOVED)
    second = read(visits, snapshots, "second", later=timedelta(hours=1))
    third = read(visits, snapshots, "third", later=timedelta(hours=2))

    assert second.kind == "incremental"
    assert (second.reading.cells_changed, second.reading.rows_carried) == (1, 278)
    assert "1 of 238 cells with 0.4% of the visits" in reading_line(second.reading)
    shown = snapshot_metadata(second, "07")
    assert (shown["reading"], shown["reading_why"], shown["cells_changed"]) == ("incremental", "first", 1)
    assert [prefix for prefix in second.prefixes if second.content(prefix) != first.content(prefix)] == ["07"]
    assert held(second) != held(first)
    assert held(third) == held(second) == held(read(visits, SnapshotStore(snapshots.root / "full"), "full"))


def test_a_snapshot_names_the_ssns_whose_visits_differ(visits, snapshots):
    first = read(visits, snapshots, "first")
    assert first.changes("07") is None
    edit(visits, MOVED)
    second = read(visits, snapshots, "second", later=timedelta(hours=1))

    changes = second.changes("07")
    assert changes.content == first.content("07")
    moved = {visit["ssn"] for visit in second.visits("07").to_pylist() if visit["visit_id"] == "P-7-3"}
    assert set(changes.ssns.to_pylist()) == moved
    assert second.changes("08").ssns.to_pylist() == []


WITHOUT_A_DATE = """UPDATE "BI"."FACTVISITCALLPERFORMANCE_CR" SET "Visit Date" = NULL WHERE "Visit Id" = 'P-7-3'"""
FAR_APART = (
    """UPDATE "BI"."FACTVISITCALLPERFORMANCE_CR" SET "Billed Hours" = 7 WHERE "Visit Id" IN ('P-7-3', 'Q-9-0')"""
)


@pytest.mark.parametrize(
    ("statement", "spans"),
    [
        (MOVED, (("2025-03-30", "2025-04-09"), ("2025-03-30", "2025-04-09"))),
        (FAR_APART, (("2025-01-09", "2025-01-19"), ("2025-03-30", "2025-04-09"))),
        (WITHOUT_A_DATE, None),
    ],
    ids=["one", "two", "none"],
)
@pytest.mark.parametrize("kept_as", ["TIMESTAMPTZ", "TIMESTAMP"])
def test_visits_are_looked_up_by_the_dates_of_changed_cells(
    tmp_path, snapshots, monkeypatch, kept_as, statement, spans
):
    visits = people_of_two_agencies(tmp_path / "kept.duckdb", types={(FACT, "Visit Date"): kept_as})
    looks, plain = [], DuckDBVisitReader.keep_changed
    monkeypatch.setattr(
        DuckDBVisitReader, "keep_changed", lambda reader, query, look: looks.append(look) or plain(reader, query, look)
    )
    read(visits, snapshots, "first")
    edit(visits, statement)
    second = read(visits, snapshots, "second", later=timedelta(hours=1))
    assert second.kind == "incremental"
    assert [look.spans for look in looks] == [
        spans and tuple(tuple(date.fromisoformat(day) for day in span) for span in spans)
    ]
    assert held(second) == held(read(visits, SnapshotStore(snapshots.root / "full"), "full"))


def test_ids_are_looked_for_elsewhere_only_where_a_visit_differs(visits, snapshots, monkeypatch):
    asked, plain = [], DuckDBVisitReader.repeated_ids
    monkeypatch.setattr(DuckDBVisitReader, "repeated_ids", lambda *given: asked.append(given) or plain(*given))
    read(visits, snapshots, "first")
    moved = all_of(first_date=WINDOW["first_date"] + 160 * DAY, last_date=WINDOW["last_date"] + DAY)
    second = read(visits, snapshots, "second", later=DAY, query=moved)
    assert second.reading.cells_changed > 0
    assert asked == []
    edit(visits, MOVED)
    assert read(visits, snapshots, "third", later=DAY, query=moved).kind == "incremental"
    assert len(asked) == 1


UNCONTESTED = """INSERT INTO "BI"."FACTVISITCALLPERFORMANCE_CR"
    SELECT * REPLACE ('alone' AS "Visit Id", "Visit Date" - INTERVAL 3 DAY AS "Visit Date")
    FROM "BI"."FACTVISITCALLPERFORMANCE_CR" WHERE "Visit Id" = 'P-7-3'"""


@pytest.mark.parametrize("later", [timedelta(hours=1), DAY], ids=["the same date", "the next date"])
def test_visits_that_are_looked_at_again_and_are_as_they_were_are_no_change(visits, snapshots, later):
    """A visit that is not contested comes into a cell with contested ones, and the window may move."""
    first = read(visits, snapshots, "first")
    edit(visits, UNCONTESTED)
    query = all_of(first_date=WINDOW["first_date"] + later, last_date=WINDOW["last_date"] + later)
    second = read(visits, snapshots, "second", later=later, query=query)
    assert second.reading.cells_changed > 0
    assert second.reading.rows_read > 0
    assert second.content("07") == first.content("07")
    assert [each.name for each in sorted(second.folder.glob("07*"))] == ["07.parquet"]
    assert held(second) == held(read(visits, SnapshotStore(snapshots.root / "full"), "full", query=query, full=True))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"full": True}, "somebody has asked for it"),
        ({"incremental": False}, "INCREMENTAL is false"),
        ({"later": 7 * DAY}, "everything was last read 7 days ago"),
        ({"later": 2 * DAY, "full_every": 2 * DAY}, "everything was last read 2 days ago"),
        ({"later": -DAY}, "the earlier snapshot is of a later time"),
        ({"source": "another file"}, "source differ from the earlier snapshot's"),
        ({"query": all_of(**WINDOW, cross_midnight=False)}, "cross_midnight differ from the earlier snapshot's"),
        ({"query": all_of(**WINDOW, max_visits_per_day=3)}, "max_visits_per_day differ from the earlier snapshot's"),
        ({"layout": {"time_zone": "UTC"}}, "time_zone differ from the earlier snapshot's"),
        ({"layout": {"status_column": None}}, "status_column differ from the earlier snapshot's"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_night_says_why_it_reads_everything(visits, snapshots, options, why):
    read(visits, snapshots, "first")
    second = read(visits, snapshots, "second", **options)
    assert (second.kind, second.reading.why) == ("full", why)
    assert f"({why})" in reading_line(second.reading)


def test_a_little_less_than_the_days_between_full_nights_is_no_reason(visits, snapshots):
    read(visits, snapshots, "first")
    assert read(visits, snapshots, "second", later=7 * DAY - timedelta(microseconds=1)).kind == "incremental"


def test_days_between_full_nights_count_from_the_last_full_one(visits, snapshots):
    read(visits, snapshots, "first")
    assert read(visits, snapshots, "second", later=4 * DAY).kind == "incremental"
    assert read(visits, snapshots, "third", later=8 * DAY).kind == "full"


@pytest.mark.parametrize("version", ["release", "statements", "engine"])
def test_what_another_version_has_seen_is_not_trusted(visits, snapshots, monkeypatch, version):
    first = read(visits, snapshots, "first")
    assert set(first.reading.conditions) >= {version}
    plain = conditions.conditions_of
    monkeypatch.setattr(
        "conflict_assets.assets.source_reading.conditions_of", lambda *given: {**plain(*given), version: "another"}
    )
    second = read(visits, snapshots, "second")
    assert (second.kind, second.reading.why) == ("full", f"{version} differ from the earlier snapshot's")


def test_every_file_is_looked_at_before_it_is_carried_over(visits, snapshots):
    first = read(visits, snapshots, "first")
    files = sorted(path for path in first.folder.iterdir() if path.name != MANIFEST)
    assert len(files) > 10
    for number, file in enumerate(files):
        whole = file.read_bytes()
        file.write_bytes(whole[:-9] + bytes(9) if number % 2 else whole[: len(whole) // 2])
        second = read(visits, snapshots, "second", later=timedelta(hours=1))
        assert (second.kind, second.reading.why) == ("full", "the snapshot of run first is damaged or gone"), file.name
        file.write_bytes(whole)
    file.unlink()
    assert read(visits, snapshots, "second", later=timedelta(hours=1)).kind == "full"


def test_a_snapshot_that_goes_while_it_is_carried_over_makes_a_full_night(visits, snapshots, monkeypatch):
    read(visits, snapshots, "first")
    survey = incremental.survey_changes

    def late(*given):
        snapshots.purge(keep=1, older_than=timedelta(0))
        return survey(*given)

    monkeypatch.setattr("conflict_assets.assets.source_reading.survey_changes", late)
    second = read(visits, snapshots, "second", later=timedelta(hours=1))
    assert (second.kind, second.reading.why) == ("full", "the snapshot of run first is damaged or gone")
    assert held(second) == held(read(visits, SnapshotStore(snapshots.root / "full"), "full"))


def test_a_source_that_fails_on_the_way_is_no_fault_of_the_earlier_snapshot(visits, snapshots, monkeypatch):
    read(visits, snapshots, "first")
    edit(visits, MOVED)
    looks = []
    plain = DuckDBVisitReader.read_visits

    def breaking(reader, *given):
        looks.append(given)
        yield from plain(reader, *given)
        raise TransientSourceError("the line went dead")

    monkeypatch.setattr(DuckDBVisitReader, "read_visits", breaking)
    with pytest.raises(TransientSourceError, match="the line went dead"):
        read(visits, snapshots, "second", later=timedelta(hours=1))
    assert len(looks) == 1
    assert snapshots.for_run("second") is None


def test_when_much_has_changed_everything_is_read(visits, snapshots, monkeypatch):
    """The cells are not looked at a second time."""
    read(visits, snapshots, "first")
    looks, plain = [], DuckDBVisitReader.cells
    monkeypatch.setattr(DuckDBVisitReader, "cells", lambda *given: looks.append(given) or plain(*given))
    edit(visits, """UPDATE "BI"."DIMPROVIDER" SET "Is Active" = FALSE WHERE "Provider Id" = 'Q'""")
    assert "% of the visits are in cells that have changed, over 20%" in read(visits, snapshots, "second").reading.why
    assert len(looks) == 1
    monkeypatch.setattr(incremental, "MOST_CHANGED", 1.0)
    edit(visits, """UPDATE "BI"."DIMPROVIDER" SET "Is Active" = TRUE WHERE "Provider Id" = 'Q'""")
    assert read(visits, snapshots, "third", later=timedelta(hours=1)).kind == "incremental"


def test_a_run_over_some_prefixes_carries_over_what_is_there_of_them(visits, snapshots):
    read(visits, snapshots, "night")
    edit(visits, MOVED)
    some = replace(all_of(**WINDOW), prefixes=("05", "07"))
    part = read(visits, snapshots, "part", query=some, later=timedelta(hours=1))
    assert (part.kind, part.reading.why, part.prefixes) == ("incremental", "night", ("05", "07"))
    assert held(part) == held(read(visits, SnapshotStore(snapshots.root / "full"), "full", query=some))
    again = read(visits, snapshots, "again", query=some, later=timedelta(hours=2))
    assert (again.reading.why, again.reading.cells_changed) == ("part", 0)
    night = read(visits, snapshots, "night-2", later=timedelta(hours=3))
    assert (night.reading.why, night.reading.cells_changed) == ("night", 1)


def test_the_guard_looks_at_an_incremental_night_too(visits, snapshots):
    read(visits, snapshots, "first")
    edit(visits, """DELETE FROM "BI"."FACTVISITCALLPERFORMANCE_CR" WHERE "Caregiver Id" IN ('C7', 'C17')""")
    seen = SimpleNamespace(seen=9000, usable=9000)
    store = SimpleNamespace(runs=SimpleNamespace(visit_volumes=lambda _: {"07": seen}))
    with DuckDBVisitSource(visits).open(run_id="second") as reader:
        reading = replace(reading_of("second", later=timedelta(hours=1)), allow_drop=False)
        with pytest.raises(HalfLoadedSource, match="07"):
            read_snapshot(reader, store, snapshots, reading)
    assert snapshots.for_run("second") is None
