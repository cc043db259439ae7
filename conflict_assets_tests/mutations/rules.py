"""Break the detection, one rule at a time, and see that the domain's tests notice."""

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from conflict_assets_tests.mutations.copies import code, copy_project, first_failure, test_name, write_part
from conflict_assets_tests.mutations.rule_changes import CHANGES, Change

TESTS = "conflict_assets_tests/domain"
FIRST = (
    *("test_worked_examples.py", "test_boundaries.py", "test_policy.py", "test_travel.py", "test_detection.py"),
    *("test_duplicates.py", "test_density.py", "test_contested.py", "test_conflict_ids.py", "test_result_types.py"),
    *("test_odd_dates.py", "columns/test_visit_columns.py"),
)
"""Quick tests, most likely to notice; the others follow."""


class Outcome(NamedTuple):
    """A change and the test that noticed it, or nothing."""

    change: Change
    killer: str | None


def run_tests(copy: Path) -> str | None:
    """Run the domain's tests against a copy; return the name of the first that fails, None when all pass."""
    tests = copy / TESTS
    files = [tests / name for name in FIRST]
    files += sorted(path for path in tests.rglob("test_*.py") if path not in files)
    found = first_failure(copy, files)
    return found.removeprefix("domain/") if found else None


def make(copy: Path, change: Change) -> None:
    """Make the change in the copy; the old text must be there exactly once."""
    path = copy / "conflict_assets" / "domain" / change.file
    text = path.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        sys.exit(f"{change.file} has {text.count(change.old)} times, not once: {change.old}")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def judge(change: Change | None) -> str | None:
    """Run the tests against a fresh copy with this change, or without any; return the test that noticed."""
    with TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder)
        copy_project(copy)
        if change:
            make(copy, change)
        return run_tests(copy)


def write_outcomes(outcomes: Iterable[Outcome]) -> None:
    """Write the table of outcomes."""
    outcomes = list(outcomes)
    killed = sum(outcome.killer is not None for outcome in outcomes)
    lines = [
        f"{killed} of {len(outcomes)} changes were noticed.",
        "",
        "| # | file | what the rules say | instead | noticed by |",
        "|---|---|---|---|---|",
    ]
    for number, (change, killer) in enumerate(outcomes, 1):
        cells = (number, f"`{change.file}`", code(change.old), code(change.new), test_name(killer))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    write_part("changes to the rules", lines)


def judge_all() -> int:
    """Judge every change and write the outcome; return how many survived."""
    if (failed := judge(None)) is not None:
        sys.exit(f"without any change, {failed} fails: mend that first")
    outcomes = []
    for number, change in enumerate(CHANGES, 1):
        outcomes.append(Outcome(change, judge(change)))
        sys.stdout.write(f"{number:>3}/{len(CHANGES)} {change.file}: {outcomes[-1].killer or 'SURVIVED'}\n")
        sys.stdout.flush()
    write_outcomes(outcomes)
    return sum(outcome.killer is None for outcome in outcomes)
