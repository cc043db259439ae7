"""The views: made anew when they differ, with the rights on them, and never under somebody's view without a word."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from conflict_assets.store import schema, views
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets.store.stored_columns import STORED_CONFLICT, STORED_VISIT
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.test_roles import READER_VIEWS, login

OUTDATED = "UPDATE conflict_store SET views_digest = 'of another release'"
OF_ANOTHER_SHAPE = f"DROP VIEW decision_log; CREATE VIEW decision_log AS SELECT 1 AS one; {OUTDATED}"
COLUMNS = """SELECT table_name, ordinal_position, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name IN (SELECT viewname FROM pg_views WHERE schemaname = 'public')
    ORDER BY 1, 2"""
DEFINITIONS = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1"
RIGHT = "SELECT has_table_privilege('bi', 'open_conflicts', 'SELECT WITH GRANT OPTION')"


def prepare(url):
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.prepare()


def require_prepared(url):
    with ConflictStore(url=url, prefix_length=2) as store:
        store.administration.require_prepared()


@pytest.fixture
def somebody(store_url):
    """A store with a view of somebody's on its views."""
    execute(store_url, "CREATE VIEW of_somebody AS SELECT pair_id FROM open_conflicts")
    yield store_url
    execute(store_url, "DROP VIEW IF EXISTS of_somebody")
    prepare(store_url)


def test_every_view_of_the_store_is_made_by_the_one_script(store_url):
    assert {name for name, _ in rows(store_url, DEFINITIONS)} == views._names(views.view_script())


def test_both_sides_have_every_stored_column(store_url):
    found = {name for view, _, name, _ in rows(store_url, COLUMNS) if view == "conflict_sides"}
    assert {*STORED_CONFLICT.names, *STORED_VISIT.names} <= found
    assert {f"con_{name}" for name in STORED_VISIT.names if name != "ssn"} <= found


def test_views_of_another_release_are_refused_until_they_are_made_anew(store_url, monkeypatch):
    before = rows(store_url, DEFINITIONS)
    execute(store_url, "CREATE OR REPLACE VIEW open_conflicts AS SELECT * FROM conflict_visit_maps")
    execute(store_url, OUTDATED)
    assert rows(store_url, DEFINITIONS) != before
    with pytest.raises(StoreError, match=r"views are those of another release.*conflict-assets store migrate"):
        require_prepared(store_url)
    prepare(store_url)
    assert rows(store_url, DEFINITIONS) == before
    require_prepared(store_url)
    monkeypatch.setattr(schema, "_make", lambda *_: pytest.fail("made again"))
    prepare(store_url)


def test_processes_that_find_other_views_at_once_agree(store_url):
    before = rows(store_url, DEFINITIONS)
    execute(store_url, OF_ANOTHER_SHAPE)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, [store_url] * 4))
    assert rows(store_url, DEFINITIONS) == before


def test_views_of_another_shape_are_made_anew_with_the_rights_on_them(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
    columns = rows(store_url, COLUMNS)
    execute(store_url, "DROP ROLE IF EXISTS bi; CREATE ROLE bi")
    execute(store_url, f"GRANT SELECT ON open_conflicts TO bi WITH GRANT OPTION; {OF_ANOTHER_SHAPE}")
    prepare(store_url)
    assert rows(store_url, COLUMNS) == columns
    assert rows(store_url, RIGHT) == [(True,)]
    for view in READER_VIEWS:
        assert rows(store_url, f"SELECT has_table_privilege('conflicts_reader', '{view}', 'SELECT')") == [(True,)]
    execute(store_url, "DROP OWNED BY bi; DROP ROLE bi")


def test_a_view_of_somebody_s_stays_where_the_columns_do(somebody):
    execute(somebody, OUTDATED)
    prepare(somebody)
    assert rows(somebody, "SELECT count(*) FROM of_somebody") == [(0,)]


def test_a_view_of_somebody_s_in_the_way_is_named_and_nothing_is_done(somebody):
    execute(somebody, OF_ANOTHER_SHAPE)
    before = rows(somebody, DEFINITIONS)
    with pytest.raises(StoreError, match=r"stands on them: view of_somebody depends on view open_conflicts\. Write"):
        prepare(somebody)
    assert rows(somebody, DEFINITIONS) == before
    execute(somebody, "DROP VIEW of_somebody")
    prepare(somebody)
    require_prepared(somebody)


def test_a_login_that_does_not_own_the_views_is_told_who_makes_them(store_url):
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
    writer = login(store_url, "conflicts_writer")
    execute(store_url, OUTDATED)
    with pytest.raises(StoreError, match=r"Let the owner of the store do: conflict-assets store migrate"):
        prepare(writer)
    prepare(store_url)
    prepare(writer)


def test_a_schema_that_goes_down_has_the_views_of_the_migrations_that_it_goes_down_to(store_url, pg_server):
    url = pg_server.make_database()
    schema.migrate(url, "0006")
    there = rows(url, COLUMNS), rows(url, DEFINITIONS)
    pg_server.drop(url)
    execute(store_url, "DROP VIEW decision_log; CREATE VIEW decision_log AS SELECT 1 AS one")
    schema.migrate(store_url, "0006")
    assert (rows(store_url, COLUMNS), rows(store_url, DEFINITIONS)) == there
    with pytest.raises(StoreError, match="schema is 0006"):
        require_prepared(store_url)
    prepare(store_url)
    require_prepared(store_url)


def test_views_that_fail_leave_the_tables_as_they_were_too(store_url, monkeypatch):
    schema.migrate(store_url, "0006")
    monkeypatch.setattr(views, "view_script", lambda: "CREATE OR REPLACE VIEW decision_log AS SELECT no_such_column")
    with pytest.raises(StoreError, match="no_such_column"):
        prepare(store_url)
    assert rows(store_url, f"SELECT version_num FROM {schema.VERSION_TABLE}") == [("0006",)]  # noqa: S608 - a constant
    monkeypatch.undo()
    prepare(store_url)
    with psycopg.connect(store_url) as connection:
        assert schema._found(connection).is_up_to_date()
