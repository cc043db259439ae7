"""Visits that are asked for by their ids: what is said of one is what a run says of it."""

from collections import Counter
from datetime import date

import duckdb
import pyarrow.compute as pc
import pytest

from conflict_assets.domain.reasons import InactiveReason, RejectReason
from conflict_assets.source.duckdb import DuckDBVisitSource
from conflict_assets.source.layout import FACT
from conflict_assets.source.protocol import CONTESTED, LOOK_UP_SCHEMA, UNCONTESTED
from conflict_assets.source.snowflake import SnowflakeLogin, SnowflakeVisitSource
from conflict_assets.source.synthetic import generate
from conflict_assets_tests.source.emulator import serve
from conflict_assets_tests.source.reading import read_with
from conflict_assets_tests.source.warehouse import AS_OF, Warehouse, all_of

QUERY = all_of(excluded_agencies=("A000001",), max_visits_per_day=20)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A source of which every visit can be named."""
    path = generate(tmp_path_factory.mktemp("generated") / "visits.duckdb", visits=10_000, as_of=AS_OF).path
    with duckdb.connect(str(path)) as connection:
        connection.execute(f'DELETE FROM "BI"."{FACT}" WHERE coalesce(trim("Visit Id"), \'\') = \'\'')  # noqa: S608 - a constant
    return path


def ids_of(path):
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(f'SELECT DISTINCT "Visit Id" FROM "BI"."{FACT}"')  # noqa: S608 - a constant
        return sorted(row[0] for row in rows.fetchall())


def look_up(path, *visit_ids, query=QUERY):
    with DuckDBVisitSource(path).open(run_id="look-up") as reader:
        return reader.look_up(query, visit_ids).to_pylist()


def test_what_is_said_of_every_visit_is_what_a_run_says(generated):
    ids = ids_of(generated)
    with DuckDBVisitSource(generated).open(run_id="look-up") as reader:
        found = reader.look_up(QUERY, ids)
        counts, rows = read_with(reader, QUERY)
    told = Counter(found["outcome"].to_pylist())
    total = Counter()
    for counted in counts.values():
        total.update(counted)
    reasons = [str(reason) for reason in (*InactiveReason, *RejectReason)]
    assert {reason: told[reason] for reason in reasons} == {reason: total[reason] for reason in reasons}
    assert (told[CONTESTED], told[UNCONTESTED]) == (total["contested"], total["active"] - total["contested"])
    assert sum(reason in told for reason in reasons) > 10
    contested = found.filter(pc.equal(found["outcome"], CONTESTED)).sort_by(
        [("ssn", "ascending"), ("visit_id", "ascending")]
    )
    expected = rows.filter(pc.equal(rows["outcome"], CONTESTED)).select(LOOK_UP_SCHEMA.names)
    assert contested.equals(expected.sort_by([("ssn", "ascending"), ("visit_id", "ascending")]))


@pytest.fixture
def warehouse(tmp_path):
    warehouse = Warehouse(tmp_path / "visits.duckdb")
    warehouse.caregiver()
    warehouse.caregiver("D", "041234568")
    for agency in ("P", "Q"):
        warehouse.agency(agency)
    return warehouse


def test_a_visit_is_told_in_full_whatever_became_of_it(warehouse):
    warehouse.visit("a", **{"Visit Status": " cancelled", "Call In GPS Coordinates": "40.5,-73.5"})
    (row,) = look_up(warehouse.close(), " a ")
    assert row["outcome"] == "inactive_status"
    assert (row["visit_id"], row["ssn"], row["visit_date"]) == ("a", "041234567", date(2025, 6, 2))
    assert (row["visit_status"], row["latitude"], row["longitude"]) == ("cancelled", 40.5, -73.5)


def test_only_those_that_are_named_are_told_of_and_nothing_of_strangers(warehouse):
    for visit_id in ("a", "b", "c"):
        warehouse.visit(visit_id)
    path = warehouse.close()
    assert [row["visit_id"] for row in look_up(path, "a", "c", "a", "x")] == ["a", "c"]
    assert look_up(path, "'; DROP TABLE x; --") == look_up(path) == []


def test_the_other_visits_of_a_caregiver_decide_what_a_visit_is(warehouse):
    warehouse.visit("a")
    warehouse.visit("b", **{"Provider Id": "Q", "Visit Date": "2025-06-03 04:00:00+00"})
    path = warehouse.close()
    assert look_up(path, "a")[0]["outcome"] == CONTESTED
    assert look_up(path, "a", query=all_of(cross_midnight=False))[0]["outcome"] == UNCONTESTED
    assert look_up(path, "a", query=all_of(max_visits_per_day=1))[0]["outcome"] == CONTESTED


def test_every_row_of_an_id_is_told_of_duplicates_and_namesakes(warehouse):
    warehouse.visit("a", **{"Visit Updated Timestamp": "2025-06-02 12:00:00+00"})
    warehouse.visit("a", **{"Visit Updated Timestamp": "2025-06-03 12:00:00+00", "Visit Status": "Deleted"})
    warehouse.visit("a", **{"Caregiver Id": "D"})
    found = [(row["ssn"], row["outcome"]) for row in look_up(warehouse.close(), "a")]
    assert found == [
        ("041234567", "duplicate_visit_id"),
        ("041234567", "inactive_status"),
        ("041234568", UNCONTESTED),
    ]


def test_visits_without_a_caregiver_an_agency_or_times_are_told_of(warehouse):
    warehouse.visit("a", **{"Caregiver Id": None})
    warehouse.visit("b", **{"Provider Id": "none"})
    warehouse.visit("c", **{"Scheduled Start Time": None})
    found = look_up(warehouse.close(), "a", "b", "c")
    assert [row["outcome"] for row in found] == ["missing_ssn", "unknown_agency", "no_times"]


@pytest.mark.snowflake
def test_snowflake_says_the_same_over_the_wire(generated, tmp_path):
    ids = ids_of(generated)[::40]
    with serve(tmp_path, {"BI": generated}) as emulator:
        login = SnowflakeLogin(account="acme", user="READER", password="secret", url=emulator.url)  # noqa: S106 - a test's
        with SnowflakeVisitSource(login, network_seconds=30).open(run_id="look-up") as reader:
            found = reader.look_up(QUERY, ids)
        statements = [text for text in emulator.statements("look-up") if FACT in text]
    with DuckDBVisitSource(generated).open(run_id="look-up") as reader:
        assert found.equals(reader.look_up(QUERY, ids))
    assert found.num_rows >= len(ids)
    assert not any(ids[0] in text for text in statements), "ids are bound, never part of the text"
