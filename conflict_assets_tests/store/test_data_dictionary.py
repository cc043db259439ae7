"""The data dictionary: every column that people read is explained, and the page in docs is that of the schema."""

from pathlib import Path

import psycopg
import pytest

import conflict_assets
from conflict_assets.domain.rules import Rule
from conflict_assets.store.data_dictionary import VIEWS, dictionary
from conflict_assets_tests.pg import rows
from conflict_assets_tests.store.test_roles import READER_VIEWS

PAGE = Path(conflict_assets.__file__).parents[1] / "docs" / "columns.md"


@pytest.fixture
def page(store_url):
    with psycopg.connect(store_url, autocommit=True) as connection:
        return dictionary(connection)


def test_the_page_has_every_view_of_the_readers():
    assert set(VIEWS) == set(READER_VIEWS)


def test_every_column_of_a_view_that_people_read_has_a_comment(store_url):
    missing = """
        SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
            AND col_description(c.oid, a.attnum) IS NULL"""
    assert rows(store_url, missing, [list(VIEWS)]) == []


def test_every_column_of_the_page_has_a_meaning(page):
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(lines) > 300
    assert [line for line in lines if not line.split(" | ")[2].removesuffix(" |").strip()] == []
    assert "| `rule` | text |" in page


def test_the_page_in_docs_is_that_of_the_schema(page):
    assert PAGE.read_text(encoding="utf-8") == page, "docs/columns.md is stale: make generated"


def test_every_rule_has_words_of_its_own():
    assert len({rule.label for rule in Rule}) == len(Rule) == 7
