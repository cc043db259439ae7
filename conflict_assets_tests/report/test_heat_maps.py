"""Heat maps: which cell gets which level, and that the page's colours can be read."""

import re
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb

from conflict_assets.report import heat_maps
from conflict_assets.report.heat_maps import CELL_COLOURS, LEVELS, PAGE_COLOURS, TEXT_COLOURS, heat_map

STYLE = (Path(heat_maps.__file__).with_name("report_style.html")).read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#\w{6});", part))
    for part in STYLE.split("@media screen and (prefers-color-scheme: dark)")[:2]
)
READ = [("ink", "page"), ("ink", "card"), ("ink", "alert"), ("quiet", "page"), ("quiet", "card")]
SEEN = [("blue", "page"), ("orange", "page"), ("alert-line", "page")]


def luminance(colour):
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_charts_stand_out_as_wcag_asks(colours):
    for one, other in [*READ, *((f"t{level}", f"h{level}") for level in range(LEVELS))]:
        assert contrast(colours[one], colours[other]) >= 4.5, (one, other)
    for one, other in SEEN:
        assert contrast(colours[one], colours[other]) >= 3, (one, other)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_more_a_cell_has_the_more_it_stands_out_from_the_page(colours):
    against = [contrast(colours[f"h{level}"], colours["page"]) for level in range(LEVELS)]
    assert against == sorted(against)
    assert against[0] > 1.4


def test_every_colour_that_stands_for_one_of_the_page_is_defined_there_twice():
    names = {shown[len("var(--") : -1] for shown in PAGE_COLOURS.values()}
    assert names <= set(LIGHT)
    assert names <= set(DARK)


def levels(grid):
    """Level by cell, from the patches that were drawn."""
    _, axes = heat_map(grid, [""] * len(grid), numbered=False, small=False, ink="#010203")
    found = {}
    for patch in axes.patches:
        level = [to_rgb(colour) for colour in CELL_COLOURS].index(to_rgb(patch.get_facecolor()))
        corners = patch.get_path().vertices[::5]
        found |= {(round(y + 0.5), round(x + 0.5)): level for x, y in corners}
    return found


def test_a_cell_is_the_stronger_the_more_it_has_and_zero_has_none():
    assert levels([[0, 1, 4, 5], [8, 16, 31, 32]]) == {
        (0, 1): 0,
        (0, 2): 0,
        (0, 3): 1,
        (1, 0): 1,
        (1, 1): 3,
        (1, 2): 8,
        (1, 3): 8,
    }


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8, 9, 40, 12_345])
def test_the_highest_count_has_the_strongest_colour(most):
    assert levels([[most, 0]]) == {(0, 0): LEVELS - 1}


def test_a_map_of_nothing_and_one_whose_last_row_is_short_are_drawn():
    assert levels([[0, 0]]) == {}
    assert levels([[1, 1], [1]]) == {(0, 0): 8, (0, 1): 8, (1, 0): 8}


def test_counts_are_told_in_a_colour_that_is_read_on_the_cell():
    _, axes = heat_map([[0, 1234]], ["row"], numbered=True, small=True, ink="#010203")
    assert [(text.get_text(), text.get_color()) for text in axes.texts] == [
        ("0", "#010203"),
        ("1,234", TEXT_COLOURS[8]),
    ]
