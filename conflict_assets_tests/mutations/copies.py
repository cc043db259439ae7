"""Copies of the project in which changes are made and tests are run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from conflict_assets_tests.pages.generated_pages import PROJECT
from conflict_assets_tests.pages.regions import with_lists

PAGE = PROJECT / "docs" / "mutations.md"
FILES = ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "workspace.yaml", ".env.example", "LICENSE")
FOLDERS = ("conflict_assets", "conflict_assets_tests", "docs", "deploy", "benchmarks")
MINUTES_EACH = 15


def copy_project(target: Path) -> None:
    """Copy what the tests need."""
    for name in FOLDERS:
        shutil.copytree(PROJECT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(PROJECT / name, target)


def first_failure(copy: Path, tests: Iterable[Path], *options: str, minutes: float = MINUTES_EACH) -> str | None:
    """Run these files of a copy until one test fails; return its file and name, None when none has in these minutes.

    Processes that a test starts see the copy too. A test that hangs fails by its own time limit.
    """
    files = [str(path) for path in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *options, *files]
    surroundings = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=copy, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=minutes * 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return None
    if process.returncode == 0:
        return None
    text = output.decode(errors="replace")
    failed = re.search(r"^(?:FAILED|ERROR) conflict_assets_tests/(\S+?)(?:\[.*)?(?: - .*)?$", text, re.MULTILINE)
    return failed.group(1) if failed else f"pytest ended with {process.returncode}"


def write_part(name: str, lines: Sequence[str]) -> None:
    """Write one of the parts of the page."""
    text = PAGE.read_text(encoding="utf-8")
    parts = {part: text.partition(f"<!-- generated: {part} -->\n")[2].partition("<!-- end -->")[0] for part in PARTS}
    PAGE.write_text(with_lists(text, parts | {name: "\n".join(lines)}), encoding="utf-8")


PARTS = ("changes to the rules", "changes to incremental nights", "a sample of the rest")


def code(text: str) -> str:
    """A text of the code as a cell of a table."""
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def test_name(found: str | None) -> str:
    """The test that noticed a change, as a cell of a table."""
    return "**nothing**" if found is None else f"`{found.replace('::', '` `')}`"
