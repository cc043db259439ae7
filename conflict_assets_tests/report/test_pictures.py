import base64

import pytest

from conflict_assets.domain.conflicts import CONFLICT_SCHEMA
from conflict_assets.partitions import all_prefixes
from conflict_assets.report.pictures import RULES, as_markdown, heat_strip, rule_bars


@pytest.mark.parametrize("by_rule", [{}, {"distance": 1}, dict.fromkeys(RULES, 12_345)], ids=["none", "one", "many"])
def test_bars_show_every_rule_with_its_count(by_rule):
    (axes,) = rule_bars(by_rule).axes
    assert [text.get_text() for text in axes.texts] == [f"{by_rule.get(rule, 0):,}" for rule in RULES]
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
    assert set(RULES) <= set(CONFLICT_SCHEMA.names)
