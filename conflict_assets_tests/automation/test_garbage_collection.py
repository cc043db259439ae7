"""When garbage is collected: rarely among imports, as usual in what follows, and never among what was imported."""

import json
import subprocess
import sys

from conflict_assets.automation.warm_steps import preloaded
from conflict_assets_tests.dagster_stack import ROOT

STATE = "import gc, json; print(json.dumps([gc.get_threshold(), gc.get_freeze_count() > 100_000]))"


def state_after(*lines: str) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*lines, STATE])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_forkserver_collects_rarely_until_all_is_imported():
    first, *_, last = preloaded("conflict_assets.definitions")
    usual = state_after()
    assert state_after(f"import {first}") == [[50_000, 20, 100], False]
    assert state_after(f"import {first}", "import dagster", f"import {last}") == [usual[0], True]


def test_a_command_collects_as_usual_once_it_is_imported():
    asked = ("from conflict_assets.cli.app import app", "import typer")
    group = "command = typer.main.get_command(app)"
    listed = 'command.get_command(typer.Context(command), "list")'
    assert state_after(*asked, group)[0] == state_after(*asked, group, listed)[0] == state_after()[0]
