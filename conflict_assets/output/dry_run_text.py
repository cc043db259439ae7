"""The output of a dry run: lines, totals and a sample file.

There is a line for each prefix that would differ.
"""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.output.log_lines import prefix_ranges

FILE_MODE = 0o600
SAMPLE_COLUMNS = (
    "kind",
    "pair_id",
    "ssn",
    "visit_id",
    "con_visit_id",
    "provider_id",
    "con_provider_id",
    "visit_date",
    "con_visit_date",
    "rule_before",
    "rule_after",
    "overlap_minutes_before",
    "overlap_minutes_after",
    "changed",
    "reason",
)
"""The columns of the sample, with a masked SSN.

They hold both visits with agency and day, the rule and overlap before and after, which columns change, and why the
conflict would be resolved. The prefix is left out: with the last four digits it is most of an SSN.
"""


def difference_line(prefix: str, found: ConflictCounts) -> str:
    """Return the line of a prefix that would differ.

    An example is `prefix 04: 849 conflicts (412 new, 7 changed, 3 resolved, 0 reopened)`.
    """
    return f"prefix {prefix}: {found.conflicts} conflicts ({_changes(found)})"


def total_lines(found: Mapping[str, ConflictCounts]) -> list[str]:
    """Return the prefixes in which nothing would differ, and the totals."""
    total = sum(found.values(), ConflictCounts())
    same = [prefix for prefix in found if not found[prefix].differs]
    lines = [f"Nothing would differ in {len(same)} prefixes: {', '.join(prefix_ranges(same))}"] if same else []
    unchanged = total.conflicts - total.new - total.changed - total.reopened
    changes = f"{_changes(total)}, {unchanged} unchanged"
    return [*lines, f"A run would find {total.conflicts} conflicts in {len(found)} prefixes: {changes}"]


def _changes(found: ConflictCounts) -> str:
    return f"{found.new} new, {found.changed} changed, {found.resolved} resolved, {found.reopened} reopened"


def write_sample(file: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write rows of `SAMPLE_COLUMNS` as CSV that only the owner may read.

    The file appears whole, and replaces an older one.
    """
    partial = file.with_name(f".{file.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
        with open(handle, "w", encoding="utf-8", newline="") as text:  # noqa: PTH123 - made by its rights, not its path
            writer = csv.writer(text)
            writer.writerow(SAMPLE_COLUMNS)
            writer.writerows(rows)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
