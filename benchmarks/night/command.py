"""The parts that contenders with a command of their own share.

They are the options and the line in which the figures are reported.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The file of visits, the store's URL, and a folder for intermediate files."""

    source: Path
    store: str
    folder: Path


def options(description: str | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--source", type=Path, required=True, help="the DuckDB file with the visits")
    parser.add_argument("--store", default="", help="the URL of the PostgreSQL database")
    parser.add_argument("--folder", type=Path, default=Path(), help="for snapshots and temporary files")
    given = parser.parse_args()
    return Options(given.source, given.store, given.folder)


def tell(**figures: float) -> None:
    """Print the figures as one line of JSON, for the harness to read."""
    print(json.dumps(figures), flush=True)


def told(output: str) -> dict[str, float]:
    """Read the figures back from the output of a contender."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    figures: dict[str, float] = json.loads(lines[-1]) if lines else {}
    return figures
