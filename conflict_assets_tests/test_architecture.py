"""Imports run one way, the domain stays pure, and the files that tests begin with are there."""

import ast
import subprocess
import sys
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


def test_the_files_that_come_first_are_there():
    tests = PROJECT / "conflict_assets_tests"
    assert [name for name in LONGEST_FILES if not (tests / name).is_file()] == []
