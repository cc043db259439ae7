"""No statement for Snowflake is larger than it takes, values included, however much there is to look at.

Quick at a tenth of everything, the limit included; at full size among the slow tests.
"""

import json
from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest

from conflict_assets.source import result_tables
from conflict_assets.source.bound_lists import list_statements
from conflict_assets.source.cells import block_of
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import BLOCK_DAYS, FIRST_BLOCK, SourceError
from conflict_assets.source.result_tables import LONG_LIST_BYTES, MOST_BYTES, ResultScans, TemporaryTables
from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource
from conflict_assets.source.statement import Statement
from conflict_assets.source.survey import GOOD, Survey
from conflict_assets_tests.source.emulator import serve
from conflict_assets_tests.source.reading import read_all
from conflict_assets_tests.source.warehouse import AS_OF, Warehouse, all_of

CAREGIVERS = 30_000
BLOCKS = 3
"""Of each caregiver, so that their numbers alone are more than a statement takes."""

A_MILLION = 1_000_000
START = FIRST_BLOCK + timedelta(days=BLOCK_DAYS * block_of(AS_OF - timedelta(days=700)))
"""The first day of a block."""


def crowd(path, caregivers, blocks):
    """Caregivers with visits at two agencies in each of some blocks; every hundredth of them on one and the same day.

    The others have them three days apart: they are looked at, and nothing of them travels. One visit id in 50,000 is
    on two rows, and each caregiver has an inactive visit far away from the others.
    """
    warehouse = Warehouse(path)
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    warehouse.connection.execute(
        """INSERT INTO "BI"."DIMCAREGIVER" ("Caregiver Id", "SSN", "Caregiver Fullname")
           SELECT 'C' || i, lpad((10000000 + i * 89)::VARCHAR, 9, '0'), 'Name ' || i FROM range(?) AS t (i)""",
        [caregivers],
    )
    warehouse.connection.execute(
        f"""INSERT INTO "BI"."{FACT}"
            ("Visit Id", "Visit Date", "Scheduled Start Time", "Scheduled End Time", "Provider Id", "Caregiver Id",
             "Permanent Deleted", "Visit Updated Timestamp")
            WITH visit AS (
              SELECT i, number, agency,
                ?::TIMESTAMPTZ + to_days((10 * number + CASE WHEN agency = 'Q' AND i % 100 > 0 THEN 3 ELSE 0 END)::INT)
                  AS start
              FROM range(?) AS c (i), range(?) AS b (number), (VALUES ('P'), ('Q')) AS a (agency)
              UNION ALL
              SELECT i, 20, 'gone', ?::TIMESTAMPTZ + to_days(205) FROM range(?) AS c (i)
            )
            SELECT
              CASE WHEN i % 50000 = 7 THEN 'same ' || i ELSE concat_ws('-', i, number, agency) END,
              start - INTERVAL 8 HOUR, start, start + INTERVAL 2 HOUR,
              CASE WHEN agency = 'gone' THEN 'P' ELSE agency END, 'C' || i, agency = 'gone', start
            FROM visit""",  # noqa: S608 - a constant
        [start := f"{START} 17:00:00+00", caregivers, blocks, start, caregivers],
    )
    return warehouse.close()


def followed_of(path, block):
    """One block of every caregiver."""
    with duckdb.connect(str(path), read_only=True) as connection:
        ssns = connection.execute('SELECT "SSN" FROM "BI"."DIMCAREGIVER"').fetchall()
    return {ssn: (block,) for (ssn,) in ssns}


def block_of_the_gone():
    return block_of(START) + 20


def snowflake(emulator):
    return SnowflakeVisitSource(
        SnowflakeLogin(account="acme", user="READER", password="secret", url=emulator.url),  # noqa: S106 - any
        network_seconds=600,
    )


def reads_of_the_fact(emulator, run_id):
    return [text.count(f'"{FACT}"') for text in emulator.statements(run_id) if FACT in text]


@pytest.fixture(scope="module", params=[10, pytest.param(1, marks=pytest.mark.slow)], ids=["a tenth", "full size"])
def part(request):
    """Everything is divided by it."""
    return request.param


@pytest.fixture
def most(part, monkeypatch):
    """The bytes that a statement may have here."""
    monkeypatch.setattr(result_tables, "MOST_BYTES", MOST_BYTES // part)
    monkeypatch.setattr(result_tables, "LONG_LIST_BYTES", LONG_LIST_BYTES // part)
    return result_tables.MOST_BYTES


@pytest.fixture(scope="module")
def crowded(tmp_path_factory, part):
    return crowd(tmp_path_factory.mktemp("crowd") / "visits.duckdb", CAREGIVERS // part, BLOCKS)


@pytest.fixture(scope="module", params=[False, True], ids=["RESULT_SCAN", "temporary tables"])
def emulator(request, tmp_path_factory, crowded):
    with serve(tmp_path_factory.mktemp("emulator"), {"BI": crowded}, plain=request.param) as running:
        running.is_plain = request.param
        yield running


@pytest.fixture(scope="module")
def query(crowded, part):
    """A night that follows a block of each caregiver, and excludes more than a statement takes."""
    return all_of(
        followed=followed_of(crowded, block_of_the_gone()),
        excluded_ssns=tuple(f"9{number:08d}" for number in range(90_000 // part)),
        excluded_agencies=tuple(f"agence éloignée {number}" for number in range(30_000 // part)),
    )


@pytest.mark.snowflake
def test_no_statement_with_its_values_is_larger_than_a_megabyte_and_the_rows_are_those_of_duckdb(
    emulator, crowded, query, part, most
):
    run_id = "crowd"
    counts, rows = read_all(snowflake(emulator), query, run_id)
    expected_counts, expected = read_all(DuckDBVisitSource(crowded), query, run_id)
    assert counts == expected_counts
    assert rows.equals(expected)
    assert rows.num_rows > CAREGIVERS // part
    assert max(emulator.sizes(run_id)) <= most <= A_MILLION
    # All values together are larger: else nothing was tried.
    assert sum(emulator.sizes(run_id)) > 4 * most
    if not emulator.is_plain:
        assert reads_of_the_fact(emulator, run_id) == [1, 1]
        assert {text.split()[0] for text in emulator.statements(run_id)} <= {"SELECT", "WITH"}


@pytest.mark.snowflake
def test_what_the_survey_has_found_is_never_sent_back(emulator, crowded, most):
    run_id = "survey alone"
    _, rows = read_all(snowflake(emulator), all_of(), run_id)
    _, expected = read_all(DuckDBVisitSource(crowded), all_of(), run_id)
    assert rows.equals(expected)
    assert max(emulator.sizes(run_id)) < most / 2


@pytest.mark.snowflake
def test_what_is_followed_and_suspect_anyhow_is_not_sent(emulator, crowded, most):
    run_id = "followed suspects"
    query = all_of(followed=followed_of(crowded, block_of(START)))
    read_all(snowflake(emulator), query, run_id)
    assert max(emulator.sizes(run_id)) < most / 2


@pytest.mark.snowflake
def test_many_visits_may_be_asked_for(emulator, crowded, part, most):
    known = [f"{number}-0-P" for number in range(0, CAREGIVERS // part, 7)]
    ids = known + [f"nowhere {number}" for number in range(90_000 // part)]
    with snowflake(emulator).open(run_id="asked") as reader:
        found = reader.look_up(all_of(), ids)
    with DuckDBVisitSource(crowded).open(run_id="asked") as reader:
        assert found.equals(reader.look_up(all_of(), ids))
    assert found.num_rows > len(known) * 9 // 10
    assert max(emulator.sizes("asked")) <= most


@pytest.mark.snowflake
def test_a_statement_that_is_too_large_all_the_same_is_not_sent(emulator, query, part, monkeypatch):
    monkeypatch.setattr(result_tables, "MOST_BYTES", too_little := 20_000 // part)
    with (
        snowflake(emulator).open(run_id="too large") as reader,
        pytest.raises(SourceError, match=f"bytes with its values; allowed: {too_little:,}"),
    ):
        reader.survey(query)


@pytest.mark.parametrize(
    "values",
    [[], ["x"], ["é" * 400] * 999, [{"ssn": f"{number:09d}", "block": 7} for number in range(70_000)]],
    ids=["nothing", "a text", "long texts", "objects"],
)
def test_pieces_of_a_list_hold_all_of_it_in_order_and_none_is_too_large(values):
    pieces = list_statements(values, 50_000)
    assert [value for piece in pieces for value in json.loads(piece.named["list"])] == values
    assert max(piece.size for piece in pieces) <= 50_000
    assert len(pieces) <= 1 + sum(piece.size for piece in pieces) // 40_000


def test_a_statement_s_size_is_that_of_what_a_driver_sends():
    assert Statement("SELECT :1", {"a": '["é"]'}).size == len('["SELECT :1", "[\\"\\u00e9\\"]"]')


def test_only_a_query_id_is_pasted_into_a_statement():
    with pytest.raises(SourceError, match="allowed: a query id"):
        ResultScans().table("x') OR 1=1 --")


def test_a_table_of_the_session_has_a_name_of_its_own_each_time():
    class Cursor:
        def __init__(self):
            self.texts = []

        def execute(self, text, _values):
            self.texts.append(text)

    cursor = Cursor()
    first, second = (TemporaryTables().keep(cursor, Statement("SELECT 1", {})) for _ in range(2))
    assert first != second
    assert [text.split()[0] for text in cursor.texts] == ["CREATE", "SELECT"] * 2


def test_only_followed_blocks_that_the_survey_does_not_name_are_sent():
    rows = pa.Table.from_pylist(
        [
            {"kind": "suspect", "item": "041234567", "cell": 5_100_003, "visits": None},
            {"kind": "neighbour", "item": "041234567", "cell": 5_100_004, "visits": None},
            {"kind": "repeated", "item": "041234567", "visits": 4},
            {"kind": "visits", "item": None, "cell": 5_100_900, "visits": 9},
        ],
        Survey({}).pointers.schema,
    )
    survey = Survey.of(rows.to_batches(), all_of())
    assert survey.visits == {"04": {GOOD: 9}}
    assert survey.suspects.to_pylist() == [{"ssn": "041234567", "block": 3}]
    assert survey.unnamed(all_of(followed={"171234567": (3,), "041234567": (4, 3)})) == [
        {"ssn": "041234567", "block": 4},
        {"ssn": "171234567", "block": 3},
    ]
    assert survey.unnamed(all_of()) == []


@pytest.mark.slow
@pytest.mark.snowflake
@pytest.mark.timeout(3600)
def test_a_million_caregivers_need_no_larger_statements(tmp_path):
    path = crowd(tmp_path / "visits.duckdb", A_MILLION, 1)
    query = all_of(followed=followed_of(path, block_of_the_gone() + 1))  # where nothing is, so that nothing travels
    with serve(tmp_path, {"BI": path}) as emulator:
        counts, rows = read_all(snowflake(emulator), query, "million")
        found = emulator.sizes("million")
        assert reads_of_the_fact(emulator, "million") == [1, 1]
    expected_counts, expected = read_all(DuckDBVisitSource(path, memory_limit="2GB"), query, "million")
    assert counts == expected_counts
    assert rows.equals(expected)
    assert max(found) <= MOST_BYTES
    assert sum(found) > 15 * MOST_BYTES
