"""Incremental readings over the wire: they give what full readings give, and less travels."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from conflict_assets.assets import source_reading
from conflict_assets.assets.source_reading import Reading, read_snapshot
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import Look
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource
from conflict_assets_tests.source.emulator import serve
from conflict_assets_tests.source.two_agencies import held, people_of_two_agencies
from conflict_assets_tests.source.warehouse import all_of

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
A_MILLION = 1_000_000
STORE = SimpleNamespace(runs=SimpleNamespace(visit_volumes=lambda _: {}))

EDITS = {
    "nothing": [],
    "one visit is moved": [
        """UPDATE "FACTVISITCALLPERFORMANCE_CR" SET "Visit Start Time" = '2025-06-03 13:30:00+00',
        "Visit End Time" = '2025-06-03 17:00:00+00' WHERE "Visit Id" = 'P-7-3' """,
        """DELETE FROM "FACTVISITCALLPERFORMANCE_CR" WHERE "Visit Id" = 'Q-7-3' """,
    ],
    "a caregiver's number is corrected": [
        """UPDATE "DIMCAREGIVER" SET "SSN" = '171234567' WHERE "Caregiver Id" = 'C9'"""
    ],
    "a patient moves": ["""UPDATE "DIMPATIENTADDRESS" SET "Zip Code" = '12201' WHERE "Patient Id" = 'PP3' """],
    "an older row of a visit comes": [
        """INSERT INTO "FACTVISITCALLPERFORMANCE_CR" ("Visit Id", "Visit Date", "Visit Status", "Caregiver Id",
        "Provider Id", "Visit Updated Timestamp") SELECT 'P-5-2', '2024-11-05 05:00:00+00', 'Confirmed', 'C5', 'Q',
        '2026-01-01 00:00:00+00' """
    ],
}


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    return people_of_two_agencies(tmp_path_factory.mktemp("wire") / "visits.duckdb")


def source_of(emulator):
    return SnowflakeVisitSource(
        SnowflakeLogin(account="acme", user="READER", password="secret", url=emulator.url),  # noqa: S106 - any
        network_seconds=60,
    )


def read(emulator, snapshots, run_id, *, later, full):
    with source_of(emulator).open(run_id=run_id) as reader:
        reading = Reading(
            name=run_id,
            query=all_of(first_date=later.date() - timedelta(days=300), last_date=later.date() + timedelta(days=45)),
            as_of=later,
            allow_drop=True,
            warn=lambda _: None,
            full=full,
        )
        return read_snapshot(reader, STORE, snapshots, reading)


def lists_go_ahead(emulator, snapshot):
    """More changed cells than a statement takes are sent in pieces, and mean the same."""
    query = all_of(first_date=snapshot.first_date, last_date=snapshot.last_date, buckets=snapshot.buckets)
    cells = snapshot.fingerprints().cells["cell"].to_pylist()[::3]
    nowhere = range(10**12, 10**12 + 100_000)
    with source_of(emulator).open(run_id="pieces") as reader:
        looks = [Look(cells, ["7"]), Look([*cells, *nowhere], ["7"])]
        kept = [reader.keep_changed(query, look) for look in looks]
        few, many = (reader.survey(query, each) for each in kept)
        assert few.pointers.num_rows > 0
        for name in ("pointers", "outcomes"):
            one, other = (sorted(map(repr, getattr(survey, name).to_pylist())) for survey in (few, many))
            assert one == other
        assert reader.repeated_ids(query, looks[1], kept[1]).num_rows == 0
    assert sum(emulator.sizes("pieces")) > 2_000_000
    assert max(emulator.sizes("pieces")) < A_MILLION


@pytest.mark.snowflake
@pytest.mark.parametrize(
    ("plain", "buckets"), [(False, 8), (True, 1)], ids=["RESULT_SCAN, eight buckets", "temporary tables, one bucket"]
)
def test_over_the_wire_an_incremental_night_holds_what_a_full_one_holds(visits, tmp_path, monkeypatch, plain, buckets):
    monkeypatch.setattr(source_reading, "bucket_count", lambda *_: buckets)
    ours, twin = SnapshotStore(tmp_path / "ours"), SnapshotStore(tmp_path / "twin")
    with serve(tmp_path, {"BI": visits}, plain=plain) as emulator:
        first = read(emulator, ours, "first", later=NOON, full=False)
        assert first.kind == "full"
        lists_go_ahead(emulator, first)
        for number, (name, statements) in enumerate(EDITS.items()):
            emulator.execute('USE DATABASE "ANALYTICS"', 'USE SCHEMA "BI"', *statements)
            later = NOON + timedelta(days=number // 2, hours=number)
            night = read(emulator, ours, f"night-{number}", later=later, full=False)
            assert held(night) == held(read(emulator, twin, f"twin-{number}", later=later, full=True)), name
            assert night.kind == "incremental", (name, night.reading.why)
            texts = emulator.statements(f"night-{number}")
            assert max(emulator.sizes(f"night-{number}")) < A_MILLION
            # Counting and hashing is one scan. What has changed takes one of whole rows, and if visits differ a narrow
            # one. A visit id that is now on a row elsewhere, too, takes one of whole rows more.
            reads = sum(f'"{FACT}"' in text for text in texts)
            assert reads == {"nothing": 1, "a patient moves": 2, "an older row of a visit comes": 4}.get(name, 3), name
            assert (night.reading.cells_changed == 0) == (name == "nothing"), name
