"""The lists in the pages are those of the code."""

from conflict_assets_tests.pages.generated_pages import LISTS, PROJECT, WITH_REGIONS, generated
from conflict_assets_tests.pages.regions import regions, with_lists

BY_TRIALS = PROJECT / "docs" / "mutations.md"
"""`make mutations` writes it, in hours."""


def test_no_generated_page_or_region_is_stale():
    stale = [str(page.relative_to(PROJECT)) for page, text in generated().items() if page.read_text("utf-8") != text]
    assert stale == [], "write them anew: make generated"


def test_every_list_stands_in_one_page_and_no_region_is_forgotten():
    pages = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md")]
    pages += [page for page in sorted((PROJECT / "docs").glob("*.md")) if page != BY_TRIALS]
    found = {page: regions(page.read_text("utf-8")) for page in pages}
    assert sorted(name for names in found.values() for name in names) == sorted(LISTS)
    assert {str(page.relative_to(PROJECT)) for page, names in found.items() if names} == set(WITH_REGIONS)


def test_only_what_is_between_the_markers_is_written():
    page = "before\n<!-- generated: one -->\n\nold\n\n<!-- end -->\nafter\n<!-- generated: two --><!-- end -->"
    assert with_lists(page, {"one": "new"}) == page.replace("old", "new")
