"""Which tests are nearest to a module: those of its name, then those that import it or its importers."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from conflict_assets_tests.conftest import LONGEST_FILES
from conflict_assets_tests.pages.generated_pages import PROJECT

PACKAGE, TESTS = "conflict_assets", "conflict_assets_tests"


def nearest_tests(module: str, function: str | None) -> list[str]:
    """The files of tests of a module such as `store/listing.py`, the nearest to one of its functions first.

    Nearest are the file of its name and the files that name the function. Then come those that import the module, or a
    helper that does, those of the folder of the same name, and those that import a module that imports it.
    """
    importers = [path for path in _sources(PACKAGE) if module in _imports(f"{PACKAGE}/{path}")]
    own_folder = [test for test in _tests() if Path(test).parts[0] == Path(module).parts[0]]
    nearest, others = _tests_that_import([module]), [*own_folder, *_tests_that_import(importers)]

    def distance(test: str) -> tuple[bool, ...]:
        named = Path(test).name == f"test_{Path(module).stem}.py"
        mentions = function is not None and function in (PROJECT / TESTS / test).read_text(encoding="utf-8")
        return not named, not mentions, test not in nearest, test not in own_folder, test in LONGEST_FILES

    return sorted(dict.fromkeys([*nearest, *others]), key=distance)


def _tests_that_import(modules: Iterable[str]) -> list[str]:
    wanted = set(modules)
    helpers = {path for path in _sources(TESTS) if wanted & _imports(f"{TESTS}/{path}")}
    users = {path for path in _sources(TESTS) if {f"{TESTS}/{each}" for each in helpers} & _test_imports(path)}
    return [path for path in _tests() if path in helpers or path in users]


@cache
def _sources(root: str) -> tuple[str, ...]:
    return tuple(str(path.relative_to(PROJECT / root)) for path in sorted((PROJECT / root).rglob("*.py")))


@cache
def _tests() -> tuple[str, ...]:
    return tuple(path for path in _sources(TESTS) if Path(path).name.startswith("test_") and "e2e" not in path)


@cache
def _imports(path: str) -> frozenset[str]:
    """The modules of the package that a file imports, as paths in the package."""
    return frozenset(_modules(path, PACKAGE))


@cache
def _test_imports(path: str) -> frozenset[str]:
    return frozenset(f"{TESTS}/{each}" for each in _modules(f"{TESTS}/{path}", TESTS))


def _modules(path: str, root: str) -> Iterable[str]:
    text = (PROJECT / path).read_text(encoding="utf-8")
    for module, names in re.findall(rf"^\s*from {root}((?:\.\w+)*) import (\([^)]*\)|[^\n]*)", text, re.MULTILINE):
        folder = module.removeprefix(".").replace(".", "/")
        yield f"{folder}.py"
        yield from (f"{folder}/{name}.py".removeprefix("/") for name in re.findall(r"\w+", names))
