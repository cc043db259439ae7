"""Imports run one way, the domain stays pure, and the files that tests begin with are there."""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import conflict_assets
from conflict_assets_tests.conftest import LONGEST_FILES

PACKAGE = Path(conflict_assets.__file__).parent
PROJECT = PACKAGE.parent
DOMAIN_FILES = sorted((PACKAGE / "domain").glob("**/*.py"))
OUTSIDERS = {"dagster", "duckdb", "psycopg", "sqlalchemy", "snowflake", "sqlglot", "pydantic_settings", "os", "socket"}
"""What a pure core has no use for: the orchestrator, drivers, the environment and the network."""


def lint_imports(config: Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the contracts of `config` on the packages below `cwd`."""
    command = [Path(sys.executable).parent / "lint-imports", "--config", config, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_imports_run_one_way():
    result = lint_imports(PROJECT / "pyproject.toml", PROJECT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 kept, 0 broken" in result.stdout


def test_an_import_against_the_direction_breaks_a_contract(tmp_path: Path):
    for source in PACKAGE.glob("**/*.py"):
        target = tmp_path / source.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text())
    (tmp_path / "conflict_assets/domain/reasons.py").write_text("import dagster\nimport conflict_assets.store\n")

    result = lint_imports(PROJECT / "pyproject.toml", tmp_path)

    assert result.returncode == 1
    assert "conflict_assets.domain.reasons -> dagster" in result.stdout
    assert "conflict_assets.domain.reasons -> conflict_assets.store" in result.stdout


def layers() -> dict[str, int]:
    """The height of each part of the package, by the first contract in pyproject.toml."""
    contract = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    return {
        part.strip(): height for height, line in enumerate(reversed(contract["layers"])) for part in line.split("|")
    }


def part_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_no_text_names_a_module_of_a_part_above():
    heights = layers()
    modules = {".".join(path.relative_to(PROJECT).with_suffix("").parts): path for path in PACKAGE.glob("**/*.py")}
    upward = [
        (module, node.value)
        for module, path in modules.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in modules
        if heights[part_of(node.value)] > heights[part_of(module)]
    ]
    assert upward == []


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in DOMAIN_FILES])
def test_a_file_of_the_domain_imports_no_outsider(path: Path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])

    assert not imported & OUTSIDERS


def test_no_two_classes_share_a_name():
    files = [*PACKAGE.glob("**/*.py"), *(PROJECT / "benchmarks").glob("**/*.py")]
    names = [node.name for path in files for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    assert [name for name, number in Counter(names).items() if number > 1] == []


def test_the_files_that_come_first_are_there():
    tests = PROJECT / "conflict_assets_tests"
    assert [name for name in LONGEST_FILES if not (tests / name).is_file()] == []
