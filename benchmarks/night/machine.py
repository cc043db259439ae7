"""The machine and the versions with which the figures were measured."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("duckdb", "pandas", "pyarrow", "dagster")


def machine() -> str:
    """Describe cores, memory and processor."""
    memory = psutil.virtual_memory().total / (1 << 30)
    return f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB of memory, {platform.system()}"


def versions(postgres: str) -> str:
    """Return the versions of Python, PostgreSQL and the packages that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {packages}, PostgreSQL {postgres} (embedded)"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
