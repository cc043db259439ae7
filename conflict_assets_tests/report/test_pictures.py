import base64
from dataclasses import replace
from datetime import date, timedelta

import pytest

from conflict_assets.domain.detection_result import CONFLICT_SCHEMA
from conflict_assets.domain.report_data import NightPoint
from conflict_assets.partitions import all_prefixes
from conflict_assets.report.captions import RULE_NAMES, trend_title
from conflict_assets.report.pictures import (
    as_markdown,
    heat_strip,
    rule_bars,
    trend_lines,
)


@pytest.mark.parametrize(
    "by_rule", [{}, {"distance": 1}, dict.fromkeys(RULE_NAMES, 12_345)], ids=["none", "one", "many"]
)
def test_bars_show_every_rule_with_its_count(by_rule):
    (axes,) = rule_bars(by_rule).axes
    assert [text.get_text() for text in axes.texts] == [f"{by_rule.get(rule, 0):,}" for rule in RULE_NAMES]
    assert axes.get_xlabel() == "open conflicts (pairs)"


@pytest.mark.parametrize("count", [0, 1, 9999])
@pytest.mark.parametrize("length", [1, 2])
def test_the_strip_has_a_cell_for_every_prefix(length, count):
    figure = heat_strip(dict.fromkeys(all_prefixes(length), count))
    assert len(figure.axes[0].texts) == 10**length


def test_the_strip_of_a_thousand_prefixes_stays_small():
    figure = heat_strip({prefix: int(prefix) for prefix in all_prefixes(3)})
    assert len(figure.axes[0].get_yticklabels()) == 20
    assert len(as_markdown(figure, "Open conflicts by prefix")) < 100_000


def test_pictures_are_embedded_with_a_text_for_those_who_cannot_see_them():
    markdown = as_markdown(rule_bars({}), "Open conflicts by rule")
    assert markdown.startswith("![Open conflicts by rule](data:image/png;base64,")
    assert base64.b64decode(markdown.split("base64,")[1].rstrip(")")).startswith(b"\x89PNG")


def test_rules_are_the_engine_s_flags():
    assert set(RULE_NAMES) <= set(CONFLICT_SCHEMA.names)


def nights(count: int, **counts: int) -> list[NightPoint]:
    values = {"open_conflicts": 3268, "new": 12, "reopened": 0, "resolved": 3} | counts
    return [NightPoint(night=date(2026, 10, 26) + timedelta(days=day), **values) for day in range(count)]


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 30])
def test_the_trend_has_a_point_and_two_bars_for_every_night_and_names_a_few_dates(count):
    above, below = trend_lines(nights(count)).axes
    assert [float(value) for value in above.lines[0].get_ydata()] == [3268.0] * count
    assert [bar.get_height() for bar in below.patches] == [12] * count + [-3] * count
    told = [label.get_text() for label in below.get_xticklabels()]
    assert 1 <= len(told) <= 10
    assert told[0] == f"{nights(count)[-1].night:%d %b}"
    assert [text.get_text() for text in above.texts] == ["3,268"] * min(count, 2)


def test_a_night_without_a_run_is_a_gap_in_the_trend():
    points = nights(30)
    above, below = trend_lines([*points[:5], *points[8:]]).axes
    assert [float(day) for day in above.lines[0].get_xdata()] == [*range(5), *range(8, 30)]
    assert len(below.patches) == 2 * 27


def test_a_first_night_that_dwarfs_the_others_is_cut_off_and_told():
    (first, *others) = nights(30)
    _, below = trend_lines([replace(first, new=3268, resolved=0), *others]).axes
    assert below.get_ylim()[1] < 30
    assert [text.get_text() for text in below.texts] == ["3,268 new"]


def test_reopened_conflicts_stand_on_the_new_ones_in_a_colour_of_their_own():
    _, below = trend_lines([*nights(2), *nights(1, reopened=5)]).axes
    assert [(bar.get_y(), bar.get_height()) for bar in below.patches[3:6]] == [(12, 0), (12, 0), (12, 5)]
    assert below.get_ylim()[1] > 17
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["new", "reopened", "resolved"]
    colours = {tuple(bar.get_facecolor()) for bar in below.patches}
    assert len(colours) == 3


def test_of_a_bar_that_is_cut_off_both_parts_are_told():
    (first, *others) = nights(30)
    _, below = trend_lines([replace(first, new=3000, reopened=268), *others]).axes
    assert [text.get_text() for text in below.texts] == ["3,000 new, 268 reopened"]


def test_bars_that_differ_little_are_shown_whole():
    _, below = trend_lines([*nights(3), *nights(1, new=40)]).axes
    assert below.get_ylim()[1] > 40
    assert not below.texts


def test_a_trend_without_nights_or_changes_is_drawn_too():
    assert [text.get_text() for text in trend_lines([]).texts] == ["No night yet"]
    above, below = trend_lines(nights(3, open_conflicts=0, new=0, resolved=0)).axes
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["new", "resolved"]
    assert above.get_ylim() == (0, 1.2)


def test_the_trend_is_told_in_words():
    assert trend_title([]) == "Trend of open conflicts: no night yet"
    assert trend_title(nights(2)) == (
        "Trend of open conflicts over 2 nights: 3,268 after 2026-10-26, 3,268 after 2026-10-27, "
        "which found 12 new and 3 resolved"
    )
    assert trend_title(nights(2, reopened=4)).endswith("which found 12 new, 4 reopened and 3 resolved")
