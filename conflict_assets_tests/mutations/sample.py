"""Break the packages around the detection with cosmic-ray's operators, a sample of each, and see that tests notice."""

import ast
import random
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from conflict_assets_tests.mutations.copies import code, copy_project, first_failure, test_name, write_part
from conflict_assets_tests.mutations.explained import EXPLAINED
from conflict_assets_tests.mutations.nearest_tests import nearest_tests
from conflict_assets_tests.pages.generated_pages import PROJECT

NEAREST = 8
"""How many files of tests are run against a change."""

STARRED = ("parameters", "param", "argument")
PACKAGES = ("store", "source", "assets", "automation", "running")


class Place(NamedTuple):
    """One place that an operator of cosmic-ray changes: the file, the operator, and which of its places there."""

    module: str
    operator: str
    occurrence: int
    line: int
    function: str | None


class Outcome(NamedTuple):
    """A changed line, before and after, and the test that noticed it, or nothing."""

    place: Place
    before: str
    after: str
    killer: str | None

    @property
    def explanation(self) -> str | None:
        """Why no test can notice this change."""
        return EXPLAINED.get((self.place.module, self.before, self.after))


def drawn(package: str, count: int, seed: int) -> list[Place]:
    """So many places of a package, each on a line of its own, the operators as likely as their kinds."""
    chance = random.Random(f"{package} {seed}")  # noqa: S311 - a test's dice
    files = sorted((PROJECT / "conflict_assets" / package).rglob("*.py"))
    kinds: dict[tuple[str, int, str], list[Place]] = {}
    for path in files:
        if "versions" not in path.parts:
            for place in places(path):
                kinds.setdefault((place.module, place.line, _kind(place.operator)), []).append(place)
    chosen: dict[tuple[str, int], Place] = {}
    for key in chance.sample(sorted(kinds), len(kinds)):
        place = chance.choice(kinds[key])
        if key[:2] not in chosen and _changed(PROJECT, place) is not None:
            chosen[key[:2]] = place
        if len(chosen) == count:
            break
    return sorted(chosen.values())


def _changed(project: Path, place: Place) -> str | None:
    """A file's text with the change, or nothing where the operator changes nothing there.

    The operator for exceptions fails on a name with a dot.
    """
    text = (project / "conflict_assets" / place.module).read_text(encoding="utf-8")
    try:
        changed = mutate_code(text, get_operator(place.operator)(), place.occurrence)
    except AttributeError:
        return None
    return changed if changed != text else None


def places(path: Path) -> Iterator[Place]:
    """Every place of a file that an operator changes.

    Annotations, which nothing evaluates, and the stars of parameters and arguments are left out.
    """
    module = str(path.relative_to(PROJECT / "conflict_assets"))
    annotated = _annotations(path)
    tree = get_ast_from_path(path)
    for name in operator_names():
        if get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        found = ((node, start) for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node))
        for occurrence, (node, start) in enumerate(found):
            starred = node.type == "operator" and node.parent.type in STARRED
            if not starred and not any(first <= start < last for first, last in annotated):
                yield Place(module, name, occurrence, start[0], ASTQuery(node).get_definition_name())


def _annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """From where to where the annotations of a file reach, as lines and columns."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    found = [getattr(node, name, None) for node in nodes for name in ("annotation", "returns")]
    spans = [node for node in found if isinstance(node, ast.expr)]
    return [((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)) for each in spans]


def _kind(operator: str) -> str:
    """What an operator changes: eleven ways to replace one plus are one kind."""
    return operator.partition("_")[0]


def judge(copy: Path, place: Place) -> Outcome:
    """Make the change in a copy and run the nearest tests."""
    path = copy / "conflict_assets" / place.module
    text, changed = path.read_text(encoding="utf-8"), _changed(copy, place) or ""
    path.write_text(changed, encoding="utf-8")
    try:
        nearest = nearest_tests(place.module, place.function)[:NEAREST]
        tests = [copy / "conflict_assets_tests" / each for each in nearest]
        killer = first_failure(copy, tests, "-m", "not e2e and not slow")
    finally:
        path.write_text(text, encoding="utf-8")
    before, after = _difference(text, changed)
    return Outcome(place, before, after, killer)


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ; a line that is gone says so."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) != len(new):
        at = next((at for at, (left, right) in enumerate(zip(old, new, strict=False)) if left != right), len(new))
        return next(line.strip() for line in old[at:] if line.strip()), "(without)"
    both = [(left.strip(), right.strip()) for left, right in zip(old, new, strict=True) if left != right]
    return " ".join(left for left, _ in both), " ".join(right for _, right in both)


@contextmanager
def copies(count: int) -> Iterator[SimpleQueue[Path]]:
    """So many copies of the project, of which each is lent to one change at a time."""
    with TemporaryDirectory(prefix="mutations-") as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(count):
            copy = Path(folder) / str(number)
            copy.mkdir()
            copy_project(copy)
            free.put(copy)
        yield free


def write_outcomes(outcomes: Iterable[Outcome], seed: int) -> None:
    """Write the table of outcomes."""
    outcomes = list(outcomes)
    noticed = sum(outcome.killer is not None for outcome in outcomes)
    explained = sum(outcome.killer is None and outcome.explanation is not None for outcome in outcomes)
    lines = [
        f"{len(outcomes)} changes (seed {seed}): {noticed} were noticed, {explained} can't be.",
        "",
        "| # | file | line | instead | noticed by |",
        "|---|---|---|---|---|",
    ]
    for number, outcome in enumerate(outcomes, 1):
        seen = outcome.explanation if outcome.killer is None and outcome.explanation else test_name(outcome.killer)
        cells = (number, f"`{outcome.place.module}`", code(outcome.before), code(outcome.after), seen)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    write_part("a sample of the rest", lines)


def judge_sample(count: int, seed: int, processes: int, packages: Iterable[str] = PACKAGES) -> int:
    """Judge a sample of each package and write the outcome; return how many survived without an explanation."""
    sample = [place for package in packages for place in drawn(package, count, seed)]
    with copies(processes) as free, ThreadPoolExecutor(processes) as pool:

        def judged(place: Place) -> Outcome:
            copy = free.get()
            try:
                return judge(copy, place)
            finally:
                free.put(copy)

        outcomes = []
        for number, done in enumerate(as_completed([pool.submit(judged, place) for place in sample]), 1):
            outcome = done.result()
            outcomes.append(outcome)
            said = outcome.killer or outcome.explanation or "SURVIVED"
            where = f"{outcome.place.module}:{outcome.place.line}"
            sys.stdout.write(f"{number:>3}/{len(sample)} {where}: {outcome.before} -> {outcome.after}: {said}\n")
            sys.stdout.flush()
    write_outcomes(sorted(outcomes), seed)
    return sum(outcome.killer is None and outcome.explanation is None for outcome in outcomes)
