"""Dagster's private names stand in one module, each with its reason, and nowhere else."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import conflict_assets
from conflict_assets.dagster_private import names

PACKAGE = Path(conflict_assets.__file__).parent
NAMES = Path(names.__file__)
FILES = sorted(PACKAGE.glob("**/*.py"))
OTHERS = [path for path in FILES if path.parent != NAMES.parent]
PRIVATE = re.compile(r"dagster_shared\b|dagster\w*(\.\w+)*\._")
ATTRIBUTE = re.compile(r"\b(?:self|cls|super\(\))\.(_(?!_)\w+)")
REASON = re.compile(r"# .+ Since 1\.\d+\.$")


def private_names(path: Path) -> list[tuple[int, str]]:
    """The lines of a file in which a private name of Dagster is imported, or written in a text."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            named = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = [node.value]
        else:
            continue
        found += [(node.lineno, name) for name in named if PRIVATE.match(name)]
    return found


def dagster_classes() -> list[type]:
    """The classes of the package that are made of Dagster's."""
    files = [
        path for path in OTHERS if any(isinstance(node, ast.ClassDef) for node in ast.parse(path.read_text()).body)
    ]
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]
    modules = [importlib.import_module(name) for name in names]
    return [
        each
        for module in modules
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__ and theirs(each)
    ]


def theirs(ours: type) -> list[type]:
    return [base for base in ours.__mro__ if base.__module__.startswith("dagster")]


def test_no_other_file_names_what_is_private_to_dagster():
    found = {str(path.relative_to(PACKAGE)): private_names(path) for path in FILES if path != NAMES}
    assert {path: names for path, names in found.items() if names} == {}


def private_in(base: type) -> set[str]:
    return set(re.findall(r"\b_\w+", inspect.getsource(base)))


def test_every_private_name_has_its_reason_and_its_version():
    lines = NAMES.read_text().splitlines()
    imports = [node for node in ast.parse(NAMES.read_text()).body if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imports if not REASON.match(lines[node.lineno - 2])] == []


def test_no_other_class_uses_a_private_attribute_of_dagster_s():
    classes = dagster_classes()
    assert "WatchedRunLauncher" in {each.__name__ for each in classes}
    used = {(ours.__name__, name) for ours in classes for name in ATTRIBUTE.findall(inspect.getsource(ours))}
    private = {(ours.__name__, name) for ours in classes for base in theirs(ours) for name in private_in(base)}
    assert used & private == set()
