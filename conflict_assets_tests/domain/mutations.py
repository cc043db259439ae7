"""Break the engine on purpose, one rule at a time, and see that its tests notice.

`python -m conflict_assets_tests.domain.mutations` makes each change below in a copy of the package, runs the domain's
tests against it, and writes the outcome to docs/mutations.md. It fails when a change survives.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from conflict_assets_tests.domain.mutation_list import MUTATIONS, Mutation

PROJECT = Path(__file__).parents[2]
REPORT = PROJECT / "docs" / "mutations.md"
TESTS = "conflict_assets_tests/domain"
FIRST = (
    *("test_worked_examples.py", "test_boundaries.py", "test_policy.py", "test_travel.py", "test_detection.py"),
    *("test_duplicates.py", "test_density.py", "test_contested.py", "test_conflict_ids.py", "test_result_types.py"),
    *("test_odd_dates.py", "columns/test_visit_columns.py"),
)
"""Quick tests, most likely to notice; the others follow."""

MINUTES_EACH = 15


class Outcome(NamedTuple):
    """A mutation and the test that noticed it, or nothing."""

    mutation: Mutation
    killer: str | None


def copy_project(target: Path) -> None:
    """Copy what the domain's tests need."""
    for name in ("conflict_assets", "conflict_assets_tests"):
        shutil.copytree(PROJECT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", target)


def run_tests(copy: Path) -> str | None:
    """Run the domain's tests against a copy; return the name of the first that fails, None when all pass."""
    tests = copy / TESTS
    files = [tests / name for name in FIRST]
    files += sorted(path for path in tests.rglob("test_*.py") if path not in files)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *map(str, files)]
    try:
        ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=MINUTES_EACH * 60, check=False)
    except subprocess.TimeoutExpired:
        return "time ran out"
    if ran.returncode == 0:
        return None
    failed = re.search(rf"^(?:FAILED|ERROR) {TESTS}/(\S+?)(?:\[.*)?(?: - .*)?$", ran.stdout, re.MULTILINE)
    return failed.group(1) if failed else f"pytest ended with {ran.returncode}"


def mutate(copy: Path, mutation: Mutation) -> None:
    """Make the change in the copy; the old text must be there exactly once."""
    path = copy / "conflict_assets" / "domain" / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        sys.exit(f"{mutation.file} has {text.count(mutation.old)} times, not once: {mutation.old}")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")


def judge(mutation: Mutation | None) -> str | None:
    """Run the tests against a fresh copy with this change, or without any; return the test that noticed."""
    with TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder)
        copy_project(copy)
        if mutation:
            mutate(copy, mutation)
        return run_tests(copy)


def write_report(outcomes: Iterable[Outcome]) -> None:
    """Write the table of outcomes."""
    outcomes = list(outcomes)
    killed = sum(outcome.killer is not None for outcome in outcomes)
    lines = [
        "# Mutations of the engine",
        "",
        "Each change below was made, alone, in a copy of the package, and the domain's tests were run against it.",
        f"{killed} of {len(outcomes)} changes were noticed.",
        "Two more change nothing that can be seen and were left out: rule 7 without one of its two looks for",
        "coordinates (a trip without them has no duration, so it is never too long), and the haversine without its",
        "limit of 1 (rounding lifts it by one bit at most, which the square root takes away again).",
        "",
        "To repeat: `python -m conflict_assets_tests.domain.mutations`.",
        "",
        "| # | file | what the rules say | instead | noticed by |",
        "|---|---|---|---|---|",
    ]
    for number, (mutation, killer) in enumerate(outcomes, 1):
        noticed = "**nothing**" if killer is None else f"`{killer.replace('::', '` `')}`"
        cells = (number, f"`{mutation.file}`", _code(mutation.old), _code(mutation.new), noticed)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _code(text: str) -> str:
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def main() -> None:
    """Judge every mutation and write the report; end with an error when one survives."""
    if (failed := judge(None)) is not None:
        sys.exit(f"without any change, {failed} fails: mend that first")
    outcomes = []
    for number, mutation in enumerate(MUTATIONS, 1):
        outcomes.append(Outcome(mutation, judge(mutation)))
        sys.stdout.write(f"{number:>3}/{len(MUTATIONS)} {mutation.file}: {outcomes[-1].killer or 'SURVIVED'}\n")
        sys.stdout.flush()
    write_report(outcomes)
    if survivors := [outcome for outcome in outcomes if outcome.killer is None]:
        sys.exit(f"{len(survivors)} changes survived")


if __name__ == "__main__":
    main()
