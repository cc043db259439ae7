"""Break the rules and the incremental nights, one thought-out change at a time, and see that tests notice."""

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from conflict_assets_tests.mutations.copies import code, copy_project, first_failure, test_name, write_part
from conflict_assets_tests.mutations.incremental_changes import INCREMENTAL_CHANGES
from conflict_assets_tests.mutations.rule_changes import CHANGES, Change

HISTORIES = 6
"""How many long histories are played against a change of incremental nights that quicker tests have not noticed."""


class ChangeSet(NamedTuple):
    """Changes of files of the package's folder, and the files of tests, those first that are most likely to notice.

    Those of the folder `others` follow. `part` names the part of the page.
    """

    part: str
    folder: str
    changes: Sequence[Change]
    tests: Sequence[str]
    others: str = ""
    options: Sequence[str] = ()


RULES = ChangeSet(
    part="changes to the rules",
    folder="domain",
    changes=CHANGES,
    tests=(
        *("domain/test_worked_examples.py", "domain/test_boundaries.py", "domain/test_policy.py"),
        *("domain/test_travel.py", "domain/test_detection.py", "domain/test_duplicates.py", "domain/test_density.py"),
        *("domain/test_contested.py", "domain/test_conflict_ids.py", "domain/test_result_types.py"),
        *("domain/test_odd_dates.py", "domain/columns/test_visit_columns.py"),
    ),
    others="domain",
)
INCREMENTAL = ChangeSet(
    part="changes to incremental nights",
    folder="",
    changes=INCREMENTAL_CHANGES,
    tests=(
        *("source/test_cells.py", "source/test_incremental.py", "store/test_basis.py", "store/test_repeat.py"),
        *("incremental/test_histories.py", "source/test_incremental_snowflake.py"),
    ),
    options=("-m", "slow or not slow", "-k", " or ".join(["not long", *(f"seed{n}-long" for n in range(HISTORIES))])),
)


class Outcome(NamedTuple):
    """A change and the test that noticed it, or nothing."""

    change: Change
    killer: str | None


def run_tests(copy: Path, changed: ChangeSet) -> str | None:
    """Run the tests of a set against a copy; return the name of the first that fails, None when all pass."""
    tests = copy / "conflict_assets_tests"
    files = [tests / name for name in changed.tests]
    if changed.others:
        files += sorted(path for path in (tests / changed.others).rglob("test_*.py") if path not in files)
    found = first_failure(copy, files, *changed.options)
    return found.removeprefix(f"{changed.others}/") if found else None


def make(copy: Path, folder: str, change: Change) -> None:
    """Make the change in the copy; the old text must be there exactly once."""
    path = copy / "conflict_assets" / folder / change.file
    text = path.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        sys.exit(f"{change.file} has {text.count(change.old)} times, not once: {change.old}")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def judge(changed: ChangeSet, change: Change | None) -> str | None:
    """Run the tests against a fresh copy with this change, or without any; return the test that noticed."""
    with TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder)
        copy_project(copy)
        if change:
            make(copy, changed.folder, change)
        return run_tests(copy, changed)


def write_outcomes(part: str, outcomes: Iterable[Outcome]) -> None:
    """Write the table of outcomes."""
    outcomes = list(outcomes)
    killed = sum(outcome.killer is not None for outcome in outcomes)
    lines = [
        f"{killed} of {len(outcomes)} changes were noticed.",
        "",
        "| # | file | what it says | instead | noticed by |",
        "|---|---|---|---|---|",
    ]
    for number, (change, killer) in enumerate(outcomes, 1):
        cells = (number, f"`{change.file}`", code(change.old), code(change.new), test_name(killer))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    write_part(part, lines)


def judge_all(changed: ChangeSet, processes: int) -> int:
    """Judge every change and write the outcome; return how many survived."""
    if (failed := judge(changed, None)) is not None:
        sys.exit(f"without any change, {failed} fails: mend that first")
    outcomes = []
    with ThreadPoolExecutor(processes) as pool:
        killers = pool.map(lambda change: judge(changed, change), changed.changes)
        for number, (change, killer) in enumerate(zip(changed.changes, killers, strict=True), 1):
            outcomes.append(Outcome(change, killer))
            sys.stdout.write(f"{number:>3}/{len(changed.changes)} {change.file}: {killer or 'SURVIVED'}\n")
            sys.stdout.flush()
    write_outcomes(changed.part, outcomes)
    return sum(outcome.killer is None for outcome in outcomes)
