"""The store on PostgreSQL 15: the schema, nights, decisions, roles, and down again."""

import pytest

from conflict_assets.store import schema
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets_tests.pg import PgServer, execute, rows
from conflict_assets_tests.pg15 import debian_server
from conflict_assets_tests.store.nights import Pair, night
from conflict_assets_tests.store.store_totals import totals
from conflict_assets_tests.store.test_roles import login


@pytest.fixture(scope="module")
def server():
    with debian_server() as url:
        yield PgServer(url)


@pytest.fixture
def url(server):
    return server.make_store(2)


def test_nights_decisions_and_views_work_on_15(url):
    assert rows(url, "SHOW server_version")[0][0].startswith("15.")
    with ConflictStore(url=url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair(), Pair("c", "d"), Pair("e", "f")], number=1))
        store.decisions.decide([Decision(parse_pair("e,f"), DecisionValue.IGNORED, "same client")])
        outcome = store.conflicts.replace_prefix(
            night([Pair(overlap=5.0), Pair("x", "y")], number=2, left_out={"c": "deleted"})
        )
        assert (outcome.new, outcome.changed, outcome.resolved) == (1, 1, 2)
        assert store.session.run(totals).by_status == {"new": 1, "open": 1, "resolved": 1, "ignored": 1}
        with store.conflicts.export(ExportQuery(both_sides=True)) as export:
            assert sum(batch.num_rows for batch in export.batches()) == 4
    assert rows(url, "SELECT count(*) FROM open_conflicts") == [(2,)]
    assert rows(url, "SELECT sum(conflicts) FROM conflict_summary") == [(4,)]


def test_writer_and_reader_work_on_15(url):
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.set_up_roles()
    with ConflictStore(url=login(url, "conflicts_writer"), prefix_length=2) as store:
        store.administration.prepare()
        assert store.conflicts.replace_prefix(night([Pair()])).new == 1
    reader = login(url, "conflicts_reader")
    assert rows(reader, "SELECT DISTINCT ssn FROM open_conflicts") == [("***-**-0001",)]


def test_the_schema_goes_down_and_up_on_15_with_its_rows(url):
    with ConflictStore(url=url, prefix_length=2) as store:
        store.conflicts.replace_prefix(night([Pair()]))
        schema.migrate(url, "0001")
        store.administration.prepare()
        assert store.conflicts.count_open() == 1
    schema.migrate(url, "base")
    execute(url, f"DROP TABLE {schema.VERSION_TABLE}")
    assert rows(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]
