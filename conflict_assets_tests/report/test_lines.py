from conflict_assets.report.lines import (
    NightSummary,
    PrefixLine,
    failure_line,
    prefix_line,
    skipping_line,
    summary_lines,
)


def line(prefix="04", **changes):
    values = {"position": 17, "total": 97, "conflicts": 849, "rows": 1698, "new": 412, "changed": 0, "resolved": 3}
    return PrefixLine(**{"prefix": prefix, "seconds": 0.41, **values, **changes})


def test_a_finished_prefix_says_what_operators_know():
    assert prefix_line(line()) == "[17/97] prefix 04: 849 conflicts, 1698 rows (412 new, 3 resolved) in 0.4 s"


def test_changes_are_told_when_there_are_any():
    assert "(412 new, 7 changed, 3 resolved)" in prefix_line(line(changed=7))


def test_skipped_prefixes_are_counted_and_named():
    assert skipping_line(["13", "66", "90"], 100) == "Skipping 3 empty prefixes (processing 97/100): 13, 66, 90"


def test_the_summary_has_the_success_rate_totals_and_the_slowest():
    night = NightSummary(expected=["04", "05"], done=[line(), line("05", seconds=1.2)], open_conflicts=1700)
    assert summary_lines(night) == [
        "Success rate: 2/2 prefixes",
        "Totals: 1698 conflicts, 3396 rows; 824 new, 0 changed, 6 resolved; 1700 open in the store",
        "Slowest prefixes: 05 (1.2 s), 04 (0.4 s)",
    ]


def test_failed_prefixes_are_named_with_the_command_that_repeats_them():
    night = NightSummary(expected=["04", "05", "17"], done=[line("05")], open_conflicts=1)
    lines = summary_lines(night)
    assert lines[0] == "Success rate: 1/3 prefixes"
    assert lines[-1] == failure_line(["04", "17"])
    assert lines[-1].endswith("conflict-assets run --prefix 04 --prefix 17")
