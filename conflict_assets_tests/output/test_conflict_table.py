"""A list of conflicts: readable on a narrow terminal, in a pipe, and by a program."""

import io
import json
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from conflict_assets.domain.rules import Rule
from conflict_assets.output.conflict_table import conflict_table, json_text, plain_lines
from conflict_assets.output.conflict_text import new_conflict_lines
from conflict_assets_tests.report.report_samples import listed, visit

ZONE = ZoneInfo("America/New_York")
LONG_ID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
SHOWN = listed(visits=(visit(visit_id=LONG_ID, provider_name="Harbor Home Health of Upper Manhattan 12"), visit()))


def on_terminal(width: int, *conflicts) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width).print(conflict_table(conflicts, ZONE))
    return screen.getvalue()


@pytest.mark.parametrize("width", [80, 200])
def test_ids_stand_whole_on_a_line_and_are_never_cut(width):
    screen = on_terminal(width, SHOWN, listed(amount=1e290, status="whitelisted"))
    assert "…" not in screen
    assert all(len(line) <= width for line in screen.splitlines())
    for told in (LONG_ID, SHOWN.pair_id):
        assert any(told in line for line in screen.splitlines())


def test_a_terminal_of_80_columns_shows_a_conflict_on_lines_of_its_own():
    lines = [line.strip() for line in on_terminal(80, listed()).splitlines()]
    assert lines[0].split() == ["amount", "status", "conflict"]
    assert lines[2] == "$1,234  new     Scheduled, worked overlap, 60 minutes in common"
    assert lines[3:8] == [
        "Care & <Comfort>, visit 1004532",
        "2026-01-05 09:00 to 11:00 EST worked",
        "Q, visit 1004533",
        "2026-01-05 10:00 to 2026-01-06 01:00 EST scheduled",
        "pair fedcba9876543210fedcba9876543210",
    ]


def test_in_a_pipe_a_conflict_is_a_line_with_the_pair_first():
    odd = visit(visit_id="a\tb", provider_name="\x1b[31mGood\n Care" + "e" * 100, start=None)
    (line,) = plain_lines([listed(visits=(odd, visit()), amount=None)], ZONE)
    fields = line.rstrip("\n").split("\t")
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert fields[:4] == [SHOWN.pair_id, "unknown", "new", "Scheduled, worked overlap, 60 minutes in common"]
    assert fields[4:7] == ["a b", fields[5], "2026-01-05 without times"]
    assert fields[5].startswith("[31mGood Care")
    assert len(fields[5]) == 60
    assert fields[7:] == ["1004532", "Care & <Comfort>", "2026-01-05 09:00 to 11:00 EST worked"]


def test_a_program_gets_one_array_with_iso_times_and_no_number_that_json_lacks():
    (found,) = json.loads(json_text([listed(overlap_minutes=float("inf"))], ZONE))
    assert found["overlap_minutes"] is None
    assert (found["rule"], found["rule_flag"]) == (6, Rule.SCH_TIME_OVER_VISIT_TIME.flag)
    assert found["rule_in_words"] == "Scheduled, worked overlap"
    assert (found["amount"], found["ssn"], found["resolved_at"]) == (1234.5, "***-**-1234", None)
    assert found["visits"][0]["start"] == "2026-01-05T09:00:00-05:00"
    assert found["visits"][0]["visit_date"] == "2026-01-05"
    assert json.loads(json_text([], ZONE)) == []


def test_a_run_ends_with_the_costliest_new_conflicts_and_what_to_do():
    assert list(new_conflict_lines([], ZONE, "x")) == []
    assert list(new_conflict_lines([listed()], ZONE, "./conflict-assets")) == [
        "Costliest new conflicts, by the overlap at the rates of both visits:",
        "$1,234, pair fedcba9876543210fedcba9876543210: Scheduled, worked overlap, 60 minutes in common",
        "    2026-01-05 09:00 to 11:00 EST worked, Care & <Comfort>, visit 1004532",
        "    2026-01-05 10:00 to 2026-01-06 01:00 EST scheduled, Q, visit 1004533",
        "Next, of the first:",
        "    ./conflict-assets show fedcba9876543210fedcba9876543210",
        '    ./conflict-assets decide fedcba9876543210fedcba9876543210 --whitelist --reason "…" (or --ignore)',
        "    ./conflict-assets report --open",
    ]
