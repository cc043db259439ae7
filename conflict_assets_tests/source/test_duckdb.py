"""The DuckDB file as a source: what is none is refused clearly, and what is one is left as it was."""

import gc
import hashlib
import os
from datetime import UTC, datetime

import duckdb
import pytest

from conflict_assets.source import duckdb as source_module
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import BATCH_ROWS, ROW_SCHEMA, SourceError
from conflict_assets.source.snapshot_writer import SnapshotContent
from conflict_assets.source.snapshots import SnapshotStore
from conflict_assets_tests.source.classification_bench import read
from conflict_assets_tests.source.reading import NO_SURVEY
from conflict_assets_tests.source.warehouse import Warehouse, all_of

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two contested visits."""
    warehouse = Warehouse(tmp_path_factory.mktemp("duckdb") / "visits.duckdb")
    warehouse.caregiver()
    for agency in ("P", "Q"):
        warehouse.agency(agency)
        warehouse.visit(**{"Provider Id": agency})
    return warehouse.close()


def refused(path, **options):
    """The one error of an attempt to open a source."""
    with pytest.raises(SourceError) as caught, DuckDBVisitSource(path, **options).open(run_id="test"):
        pass
    return str(caught.value)


def nothing(path):
    return path


def folder(path):
    path.mkdir()
    return path


def empty(path):
    path.touch()
    return path


def text(path):
    path.write_text("visit,ssn\n1,2\n" * 1000, encoding="utf-8")
    return path


def half(path):
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(100000)")
    path.write_bytes(path.read_bytes()[:5000])
    return path


@pytest.mark.parametrize("made", [nothing, folder])
def test_a_file_that_is_not_there_is_said_to_be_missing_with_what_to_do(tmp_path, made):
    message = refused(made(tmp_path / "visits.duckdb"))

    assert f"{tmp_path / 'visits.duckdb'} does not exist" in message
    assert all(word in message for word in ("SOURCE_FILE", "conflict-assets generate", "SNOWFLAKE_ACCOUNT"))


@pytest.mark.parametrize("made", [empty, text, half])
def test_what_is_no_duckdb_file_is_refused_with_its_name_and_setting(tmp_path, made):
    message = refused(made(tmp_path / "visits.duckdb"))

    assert message.startswith(f"DuckDB can't open {tmp_path / 'visits.duckdb'}: ")
    assert "Set SOURCE_FILE to a DuckDB database" in message


def test_a_file_that_another_program_writes_to_is_refused_with_what_to_do(path):
    with duckdb.connect(str(path)):
        assert "close any program that writes to it" in refused(path)


def test_a_source_that_is_refused_makes_no_file(tmp_path):
    refused(tmp_path / "new.duckdb")

    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_the_file_as_it_was_and_nothing_beside_it(path, tmp_path):
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with DuckDBVisitSource(path, temp_directory=tmp_path).open(run_id="test") as reader:
        reader.check_contract()
        reader.dimension_duplicates()
        assert len(read(reader, all_of()).rows) == 2
        assert len(list(tmp_path.iterdir())) == 1

    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert list(path.parent.iterdir()) == [path]
    assert list(tmp_path.iterdir()) == []


def test_a_run_can_not_write(path):
    with (
        DuckDBVisitSource(path).open(run_id="test") as reader,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        reader._connection.execute('CREATE TABLE "BI"."mine" (a INTEGER)')


def test_the_file_is_closed_also_when_the_work_fails(path, tmp_path):
    def fail_half_way():
        with DuckDBVisitSource(path, temp_directory=tmp_path).open(run_id="test") as reader:
            reader.check_contract()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()

    with duckdb.connect(str(path)) as connection:
        assert len(connection.table(f'"BI"."{FACT}"').fetchall()) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_a_statement_is_the_source_s_and_masks_ssns(tmp_path):
    warehouse = Warehouse(tmp_path / "broken.duckdb", types={(FACT, "Billed Hours"): "VARCHAR"})
    warehouse.caregiver()
    for agency in ("P", "Q"):
        warehouse.agency(agency)
        warehouse.visit(**{"Provider Id": agency, "Billed Hours": "041-23-4567"})

    with (
        DuckDBVisitSource(warehouse.close()).open(run_id="test") as reader,
        pytest.raises(SourceError, match="DuckDB could not read the visits") as caught,
    ):
        read(reader, all_of())

    assert "041-23-4567" not in str(caught.value)
    assert "***-**-4567" in str(caught.value)
    assert caught.value.__suppress_context__


MANY = f"""
INSERT INTO "BI"."{FACT}"
    ("Visit Id", "Visit Date", "Provider Id", "Caregiver Id", "Scheduled Start Time", "Scheduled End Time")
SELECT 'v' || i, '2025-06-02 04:00:00+00', IF(i % 2 = 0, 'P', 'Q'), 'C' || (i // 150),
    '2025-06-02 13:00:00+00', '2025-06-02 16:00:00+00'
FROM range(9000) AS r(i)
"""  # noqa: S608 - the name of the fact view


def test_rows_come_in_batches_of_their_schema_in_order_of_prefix(tmp_path):
    warehouse = Warehouse(tmp_path / "many.duckdb")
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    for number in range(60):
        warehouse.caregiver(f"C{number}", f"{59 - number:02d}1234567" if number else "invalid")
    warehouse.connection.execute(MANY)
    with DuckDBVisitSource(warehouse.close(), threads=2).open(run_id="test") as reader:
        batches = list(reader.read_visits(all_of(), reader.survey(all_of())))

    assert {batch.schema for batch in batches} == {ROW_SCHEMA}
    assert max(batch.num_rows for batch in batches) <= BATCH_ROWS
    prefixes = [prefix for batch in batches for prefix in batch["ssn_prefix"].to_pylist()]
    assert prefixes == [None] * 150 + sorted(prefixes[150:])
    assert len(prefixes) == 9000


def test_a_batch_is_no_larger_than_asked(monkeypatch, path):
    monkeypatch.setattr(source_module, "BATCH_ROWS", 1)
    with DuckDBVisitSource(path).open(run_id="test") as reader:
        assert [batch.num_rows for batch in reader.read_visits(all_of(), reader.survey(all_of()))] == [1, 1]


def test_the_description_names_file_and_schema(path):
    assert DuckDBVisitSource(path, schema="Mine").description == f"DuckDB file {path}, schema Mine"


@pytest.mark.parametrize(
    ("cores", "given", "allowed", "threads"),
    [
        (1, None, "427.2 MiB", 1),
        (2, None, "427.2 MiB", 2),
        (3, None, "518.7 MiB", 3),
        (4, None, "610.3 MiB", 4),
        (64, None, "610.3 MiB", 4),
        (64, "600MB", "572.2 MiB", 4),
    ],
)
def test_memory_goes_by_the_threads_unless_a_setting_gives_it(path, monkeypatch, cores, given, allowed, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    with DuckDBVisitSource(path, memory_limit=given).open(run_id="test") as reader:
        found = reader._connection.execute("SELECT current_setting('memory_limit'), current_setting('threads')")
        assert found.fetchone() == (allowed, threads)


def test_a_memory_limit_that_is_none_is_refused(path):
    assert "DuckDB can't open" in refused(path, memory_limit="lots")


def test_a_read_that_is_broken_off_leaves_the_file_free_to_be_opened(tmp_path):
    """Without waiting for the garbage collector: DuckDB opens no file of which somebody still streams."""
    warehouse = Warehouse(tmp_path / "many.duckdb")
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    for number in range(60):
        warehouse.caregiver(f"C{number}", f"{59 - number:02d}1234567")
    warehouse.connection.execute(MANY)
    source = DuckDBVisitSource(warehouse.close(), threads=1)
    crowded = all_of(max_visits_per_day=1000)
    gc.disable()
    try:
        for _ in range(2):
            with source.open(run_id="test") as reader:
                visits = reader.read_visits(crowded, reader.survey(crowded))
                content = SnapshotContent(query=all_of(prefixes=("59",)), as_of=NOON, batches=visits, survey=NO_SURVEY)
                with pytest.raises(SourceError, match="unasked"):
                    SnapshotStore(tmp_path / "snapshots").write("run", content)
    finally:
        gc.enable()
