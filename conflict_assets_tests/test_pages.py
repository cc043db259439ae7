"""The pages say what the code does: each name that the code has stands in its page, and every link leads somewhere."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

import conflict_assets
from conflict_assets.configuration.setting_values import NIGHT_STARTS
from conflict_assets.domain.detection import detect_conflicts
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.rules import Rule
from conflict_assets.domain.statuses import Status
from conflict_assets.domain.visits import REQUIRED_COLUMNS, VISIT_SCHEMA
from conflict_assets.source.contract import CONTRACT, Kind
from conflict_assets.source.layout import FACT

PROJECT = Path(conflict_assets.__file__).parents[1]
DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
NO_VISITS = detect_conflicts(pd.DataFrame({name: [] for name in REQUIRED_COLUMNS}))
KINDS = {Kind.DIGITS: " (digits)", Kind.NUMBER: " (number)", Kind.BOOLEAN: " (boolean)", Kind.INSTANT: " (instant)"}
TYPES = {Kind.TEXT: "text", Kind.INSTANT: "instant", Kind.NUMBER: "number", Kind.BOOLEAN: "boolean"}


def rows(page: Path) -> list[list[str]]:
    """The cells of every row of the page's tables."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def quoted(text: str) -> list[str]:
    return re.findall("`([^`]+)`", text)


def row_of(page: Path, first: str) -> list[str]:
    (found,) = [row for row in rows(page) if row[0] == first]
    return found


def anchors(page: Path) -> set[str]:
    """The page's headings as a link names them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and headings of the project that a page links to."""
    prose = re.sub("```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not target.startswith("http"):
            name, _, heading = target.partition("#")
            yield (page.parent / name).resolve() if name else page, heading


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_a_page_says_when_the_night_starts(page):
    text = (PROJECT / page).read_text(encoding="utf-8")
    found = re.findall(r"(?:night[^.|]*starts|runs all prefixes) at (\d\d:\d\d)", text)
    assert set(found) == {NIGHT_STARTS}


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target, heading in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        assert not heading or heading in anchors(target), f"{page.name} links to #{heading} of {target.name}"


def test_the_rules_page_has_every_name_of_the_rules_and_of_the_result():
    told = {name for row in rows(DOCS / "rules.md") for cell in row for name in quoted(cell)}
    told |= set(quoted((DOCS / "rules.md").read_text(encoding="utf-8").partition("## 3.")[2]))
    named = {*InactiveReason, *RejectReason, *Note, *Status, *(rule.flag for rule in Rule)}
    named |= {each.name for each in fields(DetectionPolicy)}
    assert sorted({*named, *NO_VISITS.conflicts, *NO_VISITS.counts} - told) == []


def test_the_rules_page_asks_for_reasons_in_the_order_of_the_code():
    reasons = [*InactiveReason, *RejectReason]
    told = [name for row in rows(DOCS / "rules.md") if len(row) == 3 for name in quoted(row[1]) if name in reasons]
    assert told == [RejectReason.DUPLICATE_VISIT_ID, *InactiveReason, *list(RejectReason)[1:]]


def test_the_rules_page_has_the_policy_s_defaults():
    policy = DetectionPolicy()
    for name in (each.name for each in fields(policy) if each.name != "speed_bands"):
        assert row_of(DOCS / "rules.md", f"`{name}`")[1] == f"`{getattr(policy, name)!r}`".replace("'", '"')


@pytest.mark.parametrize("kind", TYPES)
def test_the_source_page_has_the_fact_view_s_columns_by_type(kind):
    wanted = {column for column, each in CONTRACT[FACT].items() if each is kind}
    told = [quoted(row[1]) for row in rows(DOCS / "source.md") if row[0] == TYPES[kind]]
    assert set(told[-1]) == wanted


@pytest.mark.parametrize("view", [view for view in CONTRACT if view != FACT])
def test_the_source_page_has_a_dimension_s_columns_with_their_types(view):
    _, key, others, _ = row_of(DOCS / "source.md", f"`{view}`")
    told = {quoted(key)[0]: Kind.TEXT} | {quoted(part)[0]: kind_of(part) for part in others.split(", ")}
    assert told == dict(CONTRACT[view])


def kind_of(part: str) -> Kind:
    """The type in brackets after a column's name."""
    return next((kind for kind, text in KINDS.items() if part.endswith(text)), Kind.TEXT)


def test_the_source_page_says_where_every_column_of_a_visit_comes_from():
    told = [name for row in rows(DOCS / "source.md") if len(row) == 2 for name in quoted(row[0])]
    assert sorted(told) == sorted(VISIT_SCHEMA.names)


def test_the_glossary_is_in_order_and_has_each_word_once():
    words = [row[0] for row in rows(DOCS / "glossary.md") if len(row) == 3][2:]
    assert words == sorted(set(words), key=lambda word: re.sub("[^a-z ]", "", word.lower()))


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES if page.stem != "CHANGELOG"])
def test_every_file_of_the_code_that_a_page_names_is_there(page):
    packages = [PROJECT / name for name in ("conflict_assets", "conflict_assets_tests")]
    roots = [PROJECT, *packages, *(package / "domain" for package in packages)]
    named = {
        name
        for name in quoted(page.read_text(encoding="utf-8"))
        if re.fullmatch(r"[a-z_]+(/[a-z_0-9]+)+\.(py|sql)", name)
    }
    assert [name for name in sorted(named) if not any((root / name).exists() for root in roots)] == []
