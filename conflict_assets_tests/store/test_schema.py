"""The schema: made once by whoever comes first, up and down with data, the prefix length for good."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from conflict_assets.store import schema
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import Pair, night
from conflict_assets_tests.store.store_totals import totals


@pytest.fixture
def empty_url(pg_server):
    url = pg_server.make_database()
    yield url
    pg_server.drop(url)


def prepare(url, prefix_length=1):
    with ConflictStore(url=url, prefix_length=prefix_length) as store:
        store.administration.prepare()


def fill(url):
    with ConflictStore(url=url, prefix_length=1) as store:
        store.conflicts.replace_prefix(night([Pair()], prefix="0"))


def test_processes_that_prepare_an_empty_store_at_once_agree(empty_url):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prepare, [empty_url] * 4))
    assert rows(empty_url, "SELECT prefix_length FROM conflict_store") == [(1,)]
    assert rows(empty_url, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'visit_conflicts'::regclass") == [(10,)]


def test_preparing_again_makes_nothing_and_asks_once(store_url, monkeypatch):
    asked = []
    monkeypatch.setattr(schema, "_make", lambda *_: pytest.fail("made again"))
    monkeypatch.setattr(schema, "_found", lambda connection, found=schema._found: asked.append(1) or found(connection))
    prepare(store_url, prefix_length=2)
    assert len(asked) == 1


@pytest.mark.parametrize(("made", "asked"), [(2, 3), (2, 1), (1, 2)])
def test_another_prefix_length_is_refused_with_the_way_out(make_store, made, asked):
    url = make_store(made)
    with ConflictStore(url=url, prefix_length=asked) as store, pytest.raises(StoreError) as error:
        store.administration.prepare()
    assert f"Set SSN_PREFIX_LENGTH={made}, or start an empty store" in str(error.value)
    assert rows(url, "SELECT prefix_length FROM conflict_store") == [(made,)]


def test_prefixes_of_three_digits_share_a_partition_by_tens(make_store):
    url = make_store(3)
    with ConflictStore(url=url, prefix_length=3) as store:
        store.conflicts.replace_prefix(night([Pair(), Pair("c", "d")], prefix="040"))
        store.conflicts.replace_prefix(night([Pair(ssn="041000001")], prefix="041"))
        assert store.session.run(totals).by_prefix["040"] == 2
        store.conflicts.replace_prefix(night([], prefix="040", number=2))
        assert store.session.run(totals).by_prefix["041"] == 1
    assert rows(url, "SELECT DISTINCT tableoid::regclass::text FROM visit_conflicts") == [("visit_conflicts_04",)]


def test_a_store_goes_down_a_step_and_up_again_with_its_rows(empty_url):
    prepare(empty_url)
    fill(empty_url)
    before = rows(empty_url, "SELECT * FROM conflict_visit_maps ORDER BY visit_id")
    schema.migrate(empty_url, "0001")
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows(empty_url, "SELECT * FROM open_conflicts")
    prepare(empty_url)
    assert rows(empty_url, "SELECT * FROM conflict_visit_maps ORDER BY visit_id") == before


def test_a_store_goes_down_to_nothing_and_up_again(empty_url):
    prepare(empty_url)
    fill(empty_url)
    schema.migrate(empty_url, "base")
    leftovers = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
    )
    assert rows(empty_url, leftovers) == [(schema.VERSION_TABLE,)]
    prepare(empty_url, prefix_length=2)
    assert rows(empty_url, "SELECT prefix_length FROM conflict_store") == [(2,)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(empty_url):
    execute(empty_url, "CREATE TABLE conflict_states (a int)")
    with pytest.raises(StoreError, match="already exists"):
        prepare(empty_url)
    assert rows(empty_url, "SELECT to_regclass('visit_conflicts')::text") == [(None,)]


def test_a_schema_of_a_newer_release_is_refused(empty_url):
    prepare(empty_url)
    execute(empty_url, f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")  # noqa: S608 - a constant
    with pytest.raises(StoreError, match="9999, newer than this release knows"):
        prepare(empty_url)


def test_head_is_the_newest_migration():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "conflict_assets:store/migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


LATER = """
from alembic import op

revision = "9998"
down_revision = "{head}"


def upgrade():
    op.execute("ALTER TABLE conflict_visits ADD COLUMN later text")


def downgrade():
    op.execute("ALTER TABLE conflict_visits DROP COLUMN later")
"""
LATER_COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'later'"


def test_a_later_migration_takes_away_a_column_that_views_read(empty_url, tmp_path, monkeypatch):
    head = schema.HEAD
    migrations = shutil.copytree(schema.MIGRATIONS, tmp_path / "migrations")
    (migrations / "versions" / "9998_later.py").write_text(LATER.format(head=head))
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "HEAD", "9998")
    prepare(empty_url)
    assert rows(empty_url, LATER_COLUMNS) > [(1,)], "a view reads it, too"
    for down in (head, "0001", "base"):
        schema.migrate(empty_url, down)
        assert rows(empty_url, LATER_COLUMNS) == [(0,)]
        prepare(empty_url)
    schema.migrate(empty_url, head)
    assert rows(empty_url, "SELECT views_digest FROM conflict_store") == [(None,)]


def test_every_table_view_and_column_is_explained(store_url):
    tables = """
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
            AND c.relname <> %s AND obj_description(c.oid) IS NULL"""
    columns = """
        SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND c.relname <> %s AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL"""
    assert rows(store_url, tables, [schema.VERSION_TABLE]) == []
    assert rows(store_url, columns, [schema.VERSION_TABLE]) == []


def test_the_tables_have_the_columns_that_runs_bring(store_url):
    from conflict_assets.store.copying import TYPES
    from conflict_assets.store.stored_columns import STORED_CONFLICT, STORED_VISIT

    for table, brought in (("visit_conflicts", STORED_CONFLICT), ("conflict_visits", STORED_VISIT)):
        query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        types = dict(rows(store_url, query, [table]))
        for field in brought:
            assert types[field.name].replace("timestamp with time zone", "timestamptz") == TYPES[field.type]
