"""What writer and reader may do, each logged in as itself."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors

from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decision_types import Decision, DecisionValue, parse_pair
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night

BASE_TABLES = (
    "visit_conflicts",
    "visit_conflicts_04",
    "conflict_visits",
    "conflict_visits_04",
    "conflict_decisions",
    "conflict_history",
    "prefix_runs",
    "rejected_visits",
    "excluded_agencies",
    "excluded_ssns",
    "speed_bands",
    "conflict_store",
    "conflict_states",
    "conflict_sides",
    "all_conflict_states",
    "detection_policies",
    "holding_decisions",
    "judged_facts",
    "judged_visits",
)
READER_VIEWS = ("conflict_visit_maps", "open_conflicts", "conflict_summary", "conflict_events", "decision_log")


def login(url, role):
    """A user of its own in a role, and its URL with the password in it."""
    user = f"login_{role}"
    execute(url, f"DROP ROLE IF EXISTS {user}")
    execute(url, f"CREATE ROLE {user} LOGIN PASSWORD 'of-a-test' IN ROLE {role}")
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:of-a-test@", query=parts.query.split("&passfile")[0]))


@pytest.fixture
def store(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
        store.administration.set_up_roles()
        store.conflicts.replace_prefix(night([Pair(), Pair("x", "y")], number=1))
        store.decisions.decide([Decision(parse_pair("x,y"), DecisionValue.IGNORED, "known")])
        yield store


@pytest.fixture
def prepared(store, store_url):
    return store_url if store.conflicts.count_open() else None


@pytest.fixture
def reader(prepared):
    return login(prepared, "conflicts_reader")


@pytest.fixture
def writer(prepared):
    return login(prepared, "conflicts_writer")


@pytest.mark.parametrize("view", READER_VIEWS)
def test_the_reader_sees_the_views_without_a_full_ssn_or_a_prefix(reader, view):
    with psycopg.connect(reader) as connection:
        cursor = connection.execute(f"SELECT * FROM {view}")  # noqa: S608 - a constant
        names = [column.name for column in cursor.description]
        found = cursor.fetchall()
    assert found
    assert "ssn_prefix" not in names
    assert "040000001" not in repr(found)
    if "ssn" in names:
        assert {row[names.index("ssn")] for row in found} == {"***-**-0001"}


@pytest.mark.parametrize("table", BASE_TABLES)
def test_the_reader_sees_no_table_and_no_view_with_full_ssns(reader, table):
    with psycopg.connect(reader) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - a constant


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO excluded_agencies VALUES ('P')",
        "DELETE FROM visit_conflicts",
        "UPDATE conflict_decisions SET decision = 'ignored'",
        "CREATE TABLE mine (a int)",
        "DELETE FROM open_conflicts",
    ],
)
def test_the_reader_writes_nothing(reader, statement):
    with (
        psycopg.connect(reader) as connection,
        pytest.raises((errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)),
    ):
        connection.execute(statement)


def test_the_writer_runs_whole_nights_on_a_store_that_its_owner_has_prepared(writer, store_url):
    with ConflictStore(url=writer, prefix_length=2) as store:
        store.administration.prepare()
        assert store.administration.exclusions().agencies == ()
        assert store.administration.speed_bands()
        for number, pairs in enumerate(([Pair(overlap=5.0), Pair("c", "d")], [Pair()]), 2):
            store.conflicts.replace_prefix(night(pairs, number=number))
            assert store.decisions.decide(
                [Decision(parse_pair("c,d"), DecisionValue.CLEARED, f"for the {number}th time")]
            )
        assert store.conflicts.count_open() == 1
        assert store.runs.prefix_counts(["04"])["04"].rows == 2
    assert rows(store_url, "SELECT count(*) FROM conflict_history WHERE event = 'resolved'") == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM visit_conflicts",
        "DELETE FROM conflict_history",
        "UPDATE conflict_history SET event = 'changed'",
        "DELETE FROM conflict_decisions",
        "UPDATE conflict_decisions SET decision = 'ignored'",
        "DELETE FROM detection_policies",
        "UPDATE detection_policies SET policy = '{}'",
        "TRUNCATE visit_conflicts",
        "DROP TABLE visit_conflicts",
        "CREATE TABLE mine (a int)",
    ],
)
def test_the_writer_can_take_nothing_away(writer, statement):
    with psycopg.connect(writer) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)
