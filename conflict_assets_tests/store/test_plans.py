"""The plans of the views and of a replace use the indexes that are there for them, and one partition only."""

import json
from re import fullmatch

import psycopg
import pytest

from conflict_assets.store import conflict_lookup, listing, night_events
from conflict_assets.store import replace_statements as statements
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.replace import replace
from conflict_assets_tests.pg import execute
from conflict_assets_tests.store.nights import DAY, Pair, night

PAIRS = 3_000
MANY_RUNS = """
    INSERT INTO prefix_runs
    SELECT 'old-' || n, p::text, first.as_of - n * interval '1 day', 'old-' || n, first.first_date, first.last_date,
        false, now(), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', NULL, first.as_of - n * interval '1 day'
    FROM generate_series(1, 700) AS n, generate_series(0, 9) AS p,
        (SELECT * FROM prefix_runs ORDER BY as_of LIMIT 1) AS first"""

MANY_REJECTED = """
    INSERT INTO rejected_visits (ssn_prefix, visit_id, reason, run_id, as_of)
    SELECT (n % 10)::text, 'v' || n, 'no_times', 'r', now() FROM generate_series(1, 20000) AS n"""

MANY_DECISIONS = """
    INSERT INTO conflict_decisions (pair_id, visit_id, con_visit_id, decision, reason, decided_by, decided_at, origin)
    SELECT 'p' || n % 10000, 'a', 'b', 'ignored', 'r', 'ann', now(), 'person' FROM generate_series(1, 20000) AS n"""


@pytest.fixture(scope="module")
def filled(pg_server):
    url = pg_server.make_store(1)
    with ConflictStore(url=url, prefix_length=1) as store:
        for prefix in "012":
            pairs = [
                Pair(f"{prefix}a{n}", f"{prefix}b{n}", ssn=f"{prefix}{n // 20:08d}", agency=f"P{n % 97}")
                for n in range(PAIRS)
            ]
            store.conflicts.replace_prefix(night(pairs, prefix=prefix))
        store.conflicts.replace_prefix(night(pairs[:100], prefix="2", number=2))
    execute(url, MANY_RUNS)
    execute(url, MANY_REJECTED)
    execute(url, MANY_DECISIONS)
    execute(url, "ANALYZE")
    yield url
    pg_server.drop(url)


def plan(url, query, values=None):
    """The nodes of a plan, flat."""
    with psycopg.connect(url) as connection:
        connection.execute(statements.MAKE_STAGE)
        cursor = psycopg.ClientCursor(connection)
        found = cursor.execute(psycopg.sql.SQL("EXPLAIN (FORMAT JSON) ") + psycopg.sql.SQL(query), values).fetchone()[0]
        connection.rollback()
    return flat(found)


def flat(found):
    found = json.loads(found) if isinstance(found, str) else found
    nodes, queue = [], [found[0]["Plan"]]
    while queue:
        nodes.append(queue.pop())
        queue += nodes[-1].get("Plans", [])
    return nodes


def indexes(nodes):
    return {node["Index Name"] for node in nodes if "Index Name" in node}


def relations(nodes):
    return {node["Relation Name"] for node in nodes if "Relation Name" in node}


def text(statement):
    return statement if isinstance(statement, str) else statement.as_string(None)


@pytest.mark.parametrize("view", ["conflict_visit_maps", "open_conflicts", "conflict_sides"])
def test_one_conflict_is_found_by_its_name(filled, view):
    nodes = plan(filled, f"SELECT * FROM {view} WHERE pair_id = %s", [Pair("0a1", "0b1").pair_id])  # noqa: S608 - a constant
    assert "visit_conflicts_0_pair_id_idx" in indexes(nodes)
    assert "conflict_visits_0_pkey" in indexes(nodes)


def test_an_agency_s_side_is_found_by_agency_and_day(filled):
    query = "SELECT pair_id FROM conflict_visit_maps WHERE provider_id = %s AND visit_date BETWEEN %s AND %s"
    nodes = plan(filled, query, ["P1", DAY, DAY])
    assert "visit_conflicts_0_provider_id_visit_date_idx" in indexes(nodes)


def test_open_conflicts_of_a_day_are_found_by_the_index_of_what_holds(filled):
    query = "SELECT pair_id FROM open_conflicts WHERE visit_date = %s"
    assert "visit_conflicts_0_visit_date_idx" in indexes(plan(filled, query, [DAY.replace(year=2025)]))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT as_of FROM prefix_runs WHERE ssn_prefix = '0' AND latest", "prefix_runs_latest"),
        ("SELECT count(*) FROM open_conflicts", "prefix_runs_latest"),
        ("SELECT last_detected_at FROM conflict_states WHERE pair_id = 'x'", "prefix_runs_prefix"),
        ("SELECT ssn_prefix FROM prefix_runs WHERE root_run_id = 'old-7'", "prefix_runs_pkey"),
    ],
)
def test_runs_are_found_by_their_indexes_among_many(filled, query, index):
    assert index in indexes(plan(filled, query))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT event FROM conflict_history WHERE pair_id = 'x' ORDER BY event_id", "conflict_history_pair"),
        ("SELECT * FROM decision_log WHERE pair_id = 'p7' ORDER BY decision_id", "conflict_decisions_pair"),
        ("SELECT status FROM conflict_states WHERE pair_id = 'p7'", "conflict_decisions_pair"),
        ("SELECT visit_id FROM rejected_visits WHERE ssn_prefix = ANY('{4}')", "rejected_visits_prefix"),
    ],
)
def test_events_and_decisions_of_a_pair_and_rejected_visits_of_a_prefix_are_found_by_their_indexes(
    filled, query, index
):
    assert index in indexes(plan(filled, query))


def test_the_last_night_s_events_are_chosen_by_time_and_read_once_for_all_its_runs(filled):
    values = {"zone": "UTC", "events": list(night_events.EVENTS), "shown": 10}
    query = psycopg.sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) ") + psycopg.sql.SQL(night_events._EVENTS)
    with psycopg.connect(filled) as connection:
        cursor = psycopg.ClientCursor(connection)
        as_it_is = flat(cursor.execute(query, values).fetchone()[0])
        cursor.execute("SET enable_seqscan = off")
        by_index = flat(cursor.execute(query, values).fetchone()[0])
    history = [node for node in as_it_is if node.get("Relation Name") == "conflict_history"]
    assert [node["Actual Loops"] for node in history] == [1]
    assert "conflict_history_time" in indexes(by_index)


NAMES = [
    *("COMPARE", "WRITE_VISITS", "INSERT_CONFLICTS", "UPDATE_CONFLICTS", "RESOLVE"),
    *("APPEND_EVENTS", "APPEND_FIRST_EVENTS", "STORED"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_replace_touches_its_own_partition_only(filled, name):
    values = {"prefix": "2", "first": DAY, "last": DAY, "as_of": night([]).as_of, "run": "r", "root": "r"}
    values |= {"ssns": ["2"], "lows": ["a"], "highs": ["b"], "reasons": ["gone"], "policy": 1, "events": ["detected"]}
    values |= {"rows": 1, "digest": "d", "basis": "c"}
    nodes = plan(filled, text(getattr(statements, name)), values)
    partitions = {name for name in relations(nodes) if fullmatch("(visit_conflicts|conflict_visits)_[0-9]", name)}
    assert partitions
    assert partitions <= {"visit_conflicts_2", "conflict_visits_2"}


def test_a_small_replace_finds_stored_rows_by_their_keys(filled):
    with psycopg.connect(filled) as connection:
        connection.execute(statements.MAKE_STAGE)
        connection.execute("INSERT INTO incoming_visits (ssn, visit_id) VALUES ('200000001', '2a21')")
        connection.execute("ANALYZE incoming_visits")
        cursor = psycopg.ClientCursor(connection)
        found = cursor.execute(psycopg.sql.SQL("EXPLAIN ") + statements.WRITE_VISITS, {"prefix": "2"}).fetchall()
        connection.rollback()
    assert "conflict_visits_2_pkey" in str(found)


def test_no_index_is_there_for_nothing(filled):
    """Every index that is no key was asked for by a test above."""
    query = """SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisprimary AND indrelid IN
               (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                AND NOT relispartition)"""
    with psycopg.connect(filled) as connection:
        found = {row[0] for row in connection.execute(query)}
    assert found == {
        "visit_conflicts_holding",
        "visit_conflicts_pair",
        "visit_conflicts_agency",
        "conflict_history_pair",
        "conflict_history_time",
        "conflict_decisions_pair",
        "detection_policies_policy_key",
        "prefix_runs_latest",
        "prefix_runs_prefix",
        "rejected_visits_prefix",
    }


class Explained:
    """A connection that explains how first events are appended, just before they are."""

    def __init__(self, connection):
        self._connection = connection
        self.nodes = []

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, query, values=None):
        if query is statements.APPEND_FIRST_EVENTS:
            cursor = psycopg.ClientCursor(self._connection)
            explained = cursor.execute(psycopg.sql.SQL("EXPLAIN (FORMAT JSON) ") + query, values).fetchone()[0]
            self.nodes = flat(explained)
        return self._connection.execute(query, values)


def test_first_events_are_not_joined_row_by_row_when_nothing_is_known_of_the_tables(store_url):
    pairs = [Pair(f"a{n}", f"b{n}", ssn=f"04{n // 20:07d}") for n in range(500)]
    with psycopg.connect(store_url) as connection:
        explained = Explained(connection)
        assert replace(explained, night(pairs)).new == len(pairs)
        assert connection.execute("SHOW enable_nestloop").fetchone() == ("on",)
    joins = {node["Node Type"] for node in explained.nodes if "Join Type" in node}
    assert joins
    assert "Nested Loop" not in joins


@pytest.mark.parametrize(("count", "read_whole"), [(listing.FEW_PAIRS, False), (listing.FEW_PAIRS + 1, True)])
def test_a_few_pairs_of_tables_just_filled_are_looked_up_by_indexes(store_url, monkeypatch, count, read_whole):
    pairs = [Pair(f"a{n}", f"b{n}", ssn=f"04{n // 20:07d}") for n in range(500)]
    explained = []

    def explain(connection, names):
        query = conflict_lookup._SELECT + psycopg.sql.SQL("pair_id = ANY({})").format(names)
        explained.extend(flat(connection.execute(psycopg.sql.SQL("EXPLAIN (FORMAT JSON) ") + query).fetchone()[0]))
        return found(connection, names)

    found = listing.conflicts_of_pairs
    monkeypatch.setattr(listing, "conflicts_of_pairs", explain)
    with psycopg.connect(store_url) as connection:
        replace(connection, night(pairs))
        ids = [pair_id for (pair_id,) in connection.execute("SELECT DISTINCT pair_id FROM visit_conflicts")]
        ranked = [listing.RankedPair(pair_id=each, last_four="") for each in ids[:count]]
        listing.listed(connection, ranked)
        assert connection.execute("SHOW enable_hashjoin").fetchone() == ("on",)
    joins = {node["Node Type"] for node in explained if "Join Type" in node}
    assert (joins != {"Nested Loop"}) == read_whole
