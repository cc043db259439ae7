"""All settings, as the page of settings and `.env.example` list them."""

import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticUndefined

from conflict_assets.settings import Settings
from conflict_assets_tests.pages.regions import table

GROUPS = {
    "source": "Source",
    "snowflake_account": "Snowflake",
    "conflicts_postgres_url": "Store",
    "ssn_prefix_length": "Runs",
    "snapshots_kept": "How long things are kept",
    "schedule_time_zone": "The night",
    "dagster_url": "Links and alerts",
    "cross_midnight": "What counts as a conflict",
}
"""The groups by their first setting."""

EXAMPLE_HEAD = """\
# Copy to .env and uncomment what you change. The environment wins over this file. Only these names may stand here, each
# once; a value stays as it is written, $ included; NAME= is unset (but see VISIT_STATUS_COLUMN). Quotes must be closed.
# `make generated` writes .env.example from the settings; docs/settings.md says more.
"""
EXAMPLES = {"source": "duckdb"}
"""What the example file has where there is no default: beside the defaults of Snowflake, a source must be named."""

WIDTH, REMARKS = 120, 40


def grouped() -> dict[str, list[str]]:
    """The names of the settings by group."""
    groups: dict[str, list[str]] = {}
    for name in Settings.model_fields:
        heading = GROUPS.get(name) or list(groups)[-1]
        groups.setdefault(heading, []).append(name)
    return groups


def settings_list() -> str:
    """A table of each group."""
    head = ("variable", "default", "allowed", "what it is")
    return "\n\n".join(
        f"### {heading}\n\n{table(head, *(_row(name) for name in names))}" for heading, names in grouped().items()
    )


def _row(name: str) -> tuple[str, ...]:
    default = _default(name)
    return f"`{name.upper()}`", f"`{default}`" if default else "", _allowed(name), _description(name)


def env_example() -> str:
    """The whole example file."""
    return EXAMPLE_HEAD + "".join(_example_group(heading, names) for heading, names in grouped().items())


def _example_group(heading: str, names: list[str]) -> str:
    lines = [line for name in names for line in _example_lines(name)]
    return "\n".join(["", f"# --- {heading} ".ljust(WIDTH, "-"), *lines, ""])


def _example_lines(name: str) -> Iterator[str]:
    remarks = textwrap.wrap(f"{_description(name)} ({_allowed(name)})", WIDTH - REMARKS - 2)
    for place, remark in enumerate(remarks):
        start = f"# {name.upper()}={EXAMPLES.get(name, _default(name))}" if place == 0 else "#"
        yield f"{start.ljust(REMARKS - 1)} # {remark}"


def _default(name: str) -> str:
    value: Any = Settings.model_fields[name].default
    if value is None or value is PydanticUndefined:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(name: str) -> str:
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["allowed"])


def _description(name: str) -> str:
    return Settings.model_fields[name].description or ""
