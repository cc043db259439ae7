"""Data folders of odd names work, or are refused in one sentence before anything is made: by the real command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conflict_assets.store.embedded.embedded_server import stop_embedded
from conflict_assets_tests.dagster_stack import bare_environment

COMMAND = str(Path(sys.executable).with_name("conflict-assets"))
ALL_AT_ONCE = "a b'c\"d%25e%sf#g&i=j$HOME;k,l:n]{p}+~é日本\U0001f600"
WORKING = {
    "spaces and quotes": 'it\'s  "so" `x`',
    "letters of URLs": "a%25b%s#c=e&f+g",
    "letters of shells": "$HOME ${x} b]{c}",
    "unicode": "Grüße 日本 \U0001f600",
    "comma and colon": "a,b:5433;c",
    "beyond a socket's path": "/".join(["x" * 100] * 3),
    "trailing slash": "a/",
    "dots": "a/../b",
}


def command(folder, *arguments, **settings):
    """What the command line says with this data folder."""
    environment = bare_environment() | {"CONFLICTS_DATA_DIR": os.fspath(folder), "SSN_PREFIX_LENGTH": "1"} | settings
    environment.pop("DAGSTER_HOME", None)
    return subprocess.run(
        [COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture
def stopping():
    """Stops the servers of the folders that are put in."""
    folders = []
    yield folders.append
    for folder in folders:
        stop_embedded(folder / "postgres")


def works(folder):
    """Whether the line for psql that is printed leads to the store of this folder."""
    line = command(folder, "store", "url")
    assert (line.returncode, line.stderr) == (0, "")
    shell = f"{line.stdout.strip()} -XAtc 'SELECT count(*) FROM open_conflicts'"  # noqa: S608 - a constant
    answer = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    return (answer.stdout, answer.stderr) == ("0\n", "") and (Path(folder) / "postgres" / "ready").exists()


@pytest.mark.parametrize("name", WORKING.values(), ids=WORKING)
def test_the_store_lies_in_a_folder_of_whatever_name(tmp_path, stopping, name):
    stopping(tmp_path / name)
    assert works(f"{tmp_path}/{name}")


def test_the_store_lies_in_a_folder_that_a_link_leads_to(tmp_path, stopping):
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "real").mkdir()
    link = tmp_path / "closed" / "link"
    link.symlink_to(tmp_path / "real")
    stopping(link)
    assert works(link)


def test_a_night_runs_in_a_folder_with_all_of_these_letters(tmp_path, stopping):
    folder = tmp_path / ALL_AT_ONCE
    stopping(folder)
    done = command(folder, "run", GENERATED_VISITS="10000")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert re.search(r"Planted conflicts found: (\d+) of \1, 0 unexpected", done.stdout)
    healthy = command(folder, "doctor")
    assert healthy.returncode == 0, healthy.stdout
    assert command(folder, "report").stdout.startswith(f"{folder}/reports/")


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("a\nb", ["doctor"], "holds a character that can't be seen"),
        ("a\x1b[31mb", ["store", "url"], "holds a character that can't be seen"),
        ("a\\b", ["store", "url"], "(it holds \\)"),
        ("a?b", ["store", "url"], "(it holds ?)"),
        ("a[b]", ["doctor"], "(it holds [)"),
        (b"a\xffb", ["run", "--prefix", "4"], "CONFLICTS_DATA_DIR is not in UTF-8; allowed: text that is"),
        ("x" * 300, ["report"], "(it has a name of 300 bytes in it; 255 are the most)"),
        ("/".join(["x" * 200] * 8), ["store", "url"], " bytes); allowed: "),
    ],
    ids=[
        "a new line",
        "a control character",
        "a backslash",
        "a question mark",
        "a pattern",
        "no UTF-8",
        "too long a name",
        "too long a path",
    ],
)
def test_a_folder_that_can_t_be_used_is_refused_in_one_sentence(tmp_path, name, arguments, fault):
    folder = os.fsencode(tmp_path) + b"/" + os.fsencode(name)
    refused = command(os.fsdecode(folder), *arguments, GENERATED_VISITS="10000")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    said = refused.stdout + refused.stderr
    assert said.count("CONFLICTS_DATA_DIR") == 1
    assert fault in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
