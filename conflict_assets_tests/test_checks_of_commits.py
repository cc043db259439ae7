"""What is checked before a commit, on a clean clone and where the code is hosted is the same."""

import re
import tomllib

import yaml

from conflict_assets_tests.dagster_stack import ROOT


def targets_of(recipe: str) -> list[str]:
    return re.findall(r"^make (\w+)$", recipe, re.MULTILINE)


def commands_of(target: str) -> list[str]:
    """The commands of a target, with the tools as they lie in .venv."""
    (recipe,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]


def test_the_hosted_checks_are_those_of_a_clean_clone():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = workflow["jobs"]["checks"]["steps"]
    hosted = targets_of("\n".join(step["run"] for step in steps if "run" in step))
    assert hosted == targets_of((ROOT / ".ci/run").read_text()) == ["install", "lint", "docs", "test", "e2e"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (python,) = [step["with"]["python-version"] for step in steps if "python-version" in step.get("with", {})]
    assert project["requires-python"].startswith(f">={python},")


def test_a_commit_is_checked_as_make_lint_does_without_anything_fetched():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == commands_of("lint")
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
