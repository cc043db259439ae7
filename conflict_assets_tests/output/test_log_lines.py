import pytest

from conflict_assets.output.log_lines import (
    SUMMARY_BEGINNINGS,
    NightSummary,
    PrefixLine,
    failure_line,
    prefix_line,
    skipping_line,
    summary_lines,
)


def line(prefix="04", **changes):
    values = {"position": 17, "total": 97, "conflicts": 849, "rows": 1698, "new": 412, "reopened": 0, "changed": 0}
    return PrefixLine(**{"prefix": prefix, "resolved": 3, "seconds": 0.41, **values, **changes})


EMPTY = {"position": 0, "conflicts": 0, "rows": 0, "new": 0, "resolved": 0, "seconds": 0.1}
"""What a prefix without visits says when nothing of it was stored."""


def summary(expected, committed, failed=(), open_conflicts=1700):
    return NightSummary(expected=expected, failed=failed, committed=committed, open_conflicts=open_conflicts)


def test_a_finished_prefix_says_what_operators_know():
    assert prefix_line(line()) == "[17/97] prefix 04: 849 conflicts, 1698 rows (412 new, 3 resolved) in 0.4 s"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"changed": 7}, "(412 new, 7 changed, 3 resolved)"),
        ({"reopened": 2}, "(412 new, 2 reopened, 3 resolved)"),
        ({"reopened": 2, "changed": 7}, "(412 new, 2 reopened, 7 changed, 3 resolved)"),
        ({"new": 0, "resolved": 0}, "(0 new, 0 resolved)"),
    ],
)
def test_changed_and_reopened_ones_are_told_when_there_are_any(changes, told):
    assert told in prefix_line(line(**changes))


def test_a_prefix_without_visits_has_no_place_in_the_count():
    told = prefix_line(line("37", **EMPTY | {"resolved": 36}))
    assert told == "prefix 37: 0 conflicts, 0 rows (0 new, 36 resolved) in 0.1 s"


@pytest.mark.parametrize("name", ["new", "reopened", "changed", "resolved"])
def test_a_prefix_differs_by_any_of_its_conflicts(name):
    assert not line(**EMPTY).differs
    assert line(**EMPTY | {name: 1}).differs


def test_skipped_prefixes_are_counted_and_named():
    assert skipping_line(["13", "66", "90"], 100) == "Skipping 3 empty prefixes (processing 97/100): 13, 66, 90"


def test_the_summary_has_the_success_rate_totals_and_the_slowest():
    night = summary(["04", "05"], [line(), line("05", seconds=1.2)])
    assert summary_lines(night) == [
        "Success rate: 2/2 prefixes",
        "Totals: 1698 conflicts, 3396 rows; 824 new, 0 changed, 6 resolved; 1700 open in the store",
        "Slowest prefixes: 05 (1.2 s), 04 (0.4 s)",
    ]
    assert all(each.startswith(SUMMARY_BEGINNINGS) for each in summary_lines(night))


def test_totals_are_of_empty_prefixes_too_and_tell_reopened_ones_apart():
    night = summary(["04"], [line(reopened=2), line("37", **EMPTY | {"resolved": 36})], open_conflicts=1)
    assert summary_lines(night)[:2] == [
        "Success rate: 1/1 prefixes",
        "Totals: 849 conflicts, 1698 rows; 412 new, 2 reopened, 0 changed, 39 resolved; 1 open in the store",
    ]


def test_failed_prefixes_are_named_with_the_command_that_repeats_them():
    lines = summary_lines(summary(["04", "05", "17"], [line("05")], failed=("04", "17")))
    assert lines[0] == "Success rate: 1/3 prefixes"
    assert lines[-1] == failure_line(["04", "17"])
    assert lines[-1].endswith("conflict-assets run --prefix 04 --prefix 17")
    assert not lines[-1].startswith(SUMMARY_BEGINNINGS)
