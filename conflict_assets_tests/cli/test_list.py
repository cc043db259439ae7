"""`conflict-assets list`, as a person or a program gives it."""

import io
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from conflict_assets.cli import app as cli
from conflict_assets.cli import list as list_module
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.errors import StoreError
from conflict_assets_tests.cli.test_show import WORKED
from conflict_assets_tests.cli.test_store import given, refused, told
from conflict_assets_tests.dagster_stack import ROOT
from conflict_assets_tests.pg import execute, rows
from conflict_assets_tests.store.nights import SSN, Pair, night
from conflict_assets_tests.store.test_roles import login

__all__ = ["given"]

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
CHEAP = Pair("a", "b", visit=WORKED | {"payer_id": "M"})
DEAR = Pair("c", "d", overlap=90.0, agency="R", day=date(2026, 1, 4))
TRIP = Pair("e", "f", rule=7, overlap=0.0, day=date(2026, 1, 20))
UNKNOWN = Pair("g", "h", rule=1)


@pytest.fixture
def store(store_url, given):
    given(CONFLICTS_POSTGRES_URL=store_url)
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
        store.conflicts.replace_prefix(night([TRIP, UNKNOWN], number=1))
        store.conflicts.replace_prefix(night([TRIP, UNKNOWN, CHEAP, DEAR], number=2))
    execute(store_url, "UPDATE visit_conflicts SET overlap_amount = NULL WHERE visit_id IN ('g', 'h')")
    execute(store_url, "UPDATE visit_conflicts SET overlap_amount = NULL WHERE visit_id = 'd'")
    execute(store_url, "UPDATE visit_conflicts SET shift_amount = 70 WHERE visit_id = 'c'")
    return store_url


def listed(*options):
    """What a program reads."""
    return json.loads(told("list", "--json", *options))


def firsts(*options):
    """The smaller visit ids, in order."""
    return "".join(each["visits"][0]["visit_id"] for each in listed(*options))


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], "aceg"),
        (["--sort", "amount", "--limit", "2"], "ac"),
        (["--sort", "date"], "eagc"),
        (["--sort", "age"], "egac"),
        (["--agency", "R"], "c"),
        (["--payer", "M"], "a"),
        (["--rule", "7", "--rule", "same_sch_time"], "eg"),
        (["--from", "2026-01-06"], "e"),
        (["--to", "2026-01-04"], "c"),
        (["--status", "new"], "ac"),
        (["--status", "resolved"], ""),
        (["--status", "all", "--prefix", "00-10"], "aceg"),
        (["--prefix", "05"], ""),
    ],
)
def test_options_choose_and_order_conflicts(options, found):
    assert firsts(*options) == found


def test_the_amount_is_the_overlap_of_both_rows_once_a_pair(store):
    found = listed()
    assert [each["amount"] for each in found] == [60.0, 45.0, 0.0, None]
    by_sql = """SELECT pair_id, sum(overlap_amount) FROM conflict_visit_maps WHERE status IN ('new', 'open')
                GROUP BY pair_id"""
    assert {each["pair_id"]: each["amount"] for each in found} == dict(rows(store, by_sql))
    assert [visit["overlap_amount"] for visit in found[1]["visits"]] == [45.0, None]
    assert [visit["shift_amount"] for visit in found[1]["visits"]] == [70.0, 100.0]


def test_a_pair_under_two_ssns_of_the_same_last_digits_is_listed_once(store):
    with ConflictStore(url=store, prefix_length=2) as writing:
        writing.conflicts.replace_prefix(night([Pair("a", "b", ssn="050000001")], prefix="05"))
        writing.conflicts.replace_prefix(night([Pair("a", "b", ssn="060000002")], prefix="06"))
    found = [each for each in listed() if each["visits"][0]["visit_id"] == "a"]
    assert [(each["ssn"], each["amount"]) for each in found] == [("***-**-0001", 60.0), ("***-**-0002", 60.0)]


@pytest.mark.usefixtures("store")
def test_a_program_gets_what_it_needs_and_neither_ssn_nor_patient():
    text = told("list", "--json", "--agency", "good care")
    (found,) = json.loads(text)
    assert (found["pair_id"], found["status"], found["ssn"]) == (CHEAP.pair_id, "new", "***-**-0001")
    assert found["visits"][0] == {
        "visit_id": "a",
        "visit_date": "2026-01-05",
        "provider_id": "P",
        "provider_name": "Good Care",
        "payer_id": "M",
        "payer_name": None,
        "is_actual": True,
        "start": "2026-01-05T09:00:00-05:00",
        "end": "2026-01-05T13:00:00-05:00",
        "shift_amount": 100.0,
        "overlap_amount": 30.0,
    }
    assert SSN not in text
    assert "Patient" not in text


@pytest.mark.usefixtures("store")
def test_in_a_pipe_there_are_lines_and_the_count_is_said_aside():
    found = CliRunner().invoke(cli.app, ["list", "--limit", "2"], catch_exceptions=False)
    assert [line.split("\t")[:3] for line in found.stdout.splitlines()] == [
        [CHEAP.pair_id, "$60.00", "new"],
        [DEAR.pair_id, "$45.00", "new"],
    ]
    assert found.stderr == "2 of 4 conflicts, the costliest first\n"
    assert SSN not in found.output
    assert "Patient" not in found.output


@pytest.mark.usefixtures("store")
def test_on_a_terminal_there_is_a_table_with_whole_ids(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(list_module, "out", Console(file=screen, force_terminal=True, color_system=None, width=80))
    assert told("list") == ""
    assert screen.getvalue().split()[-1] == UNKNOWN.pair_id
    assert "Good Care, visit a" in screen.getvalue()
    assert max(map(len, screen.getvalue().splitlines())) <= 80


@pytest.mark.usefixtures("store")
def test_an_empty_list_says_so():
    found = CliRunner().invoke(cli.app, ["list", "--agency", "Z"])
    assert (found.exit_code, found.stdout) == (0, "")
    assert "No conflict fits: none of status new or open" in found.stderr
    assert listed("--agency", "Z") == []


def test_a_reader_lists_masked_conflicts_and_is_refused_prefixes(store, given):
    given(CONFLICTS_POSTGRES_URL=login(store, "conflicts_reader"))
    assert firsts() == "aceg"
    with pytest.raises(StoreError, match=r"may not see prefixes; allowed: .*Leave out --prefix"):
        told("list", "--prefix", "04")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sort", "cost"], "is not one of 'amount', 'date', 'age'"),
        (["--limit", "0"], "--limit"),
        (["--rule", "8"], "--rule 8 is no rule; allowed: 1 (same_sch_time)"),
        (["--status", "closed"], "--status closed is no status; allowed: new, open"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "is after --to 2026-01-01"),
    ],
)
def test_what_can_t_be_meant_is_refused(options, message):
    assert message in refused("list", *options)


def test_whoever_reads_the_pipe_may_stop_early(store, tmp_path):
    with ConflictStore(url=store, prefix_length=2) as writing:
        many = [
            Pair(f"a{n}", f"b{n}", ssn=f"17{n // 20:07d}", day=date(2026, 1, 1) + timedelta(n % 20)) for n in range(900)
        ]
        writing.conflicts.replace_prefix(night(many, prefix="17"))
    for options in ("", "--json"):
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; '{COMMAND}' list --limit 1000 {options} | head -c 10"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CONFLICTS_POSTGRES_URL": store},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert len(done.stdout) == 10
        assert "Traceback" not in done.stderr
        assert "Broken" not in done.stderr
