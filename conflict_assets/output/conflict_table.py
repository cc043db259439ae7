"""Conflicts as a list, for terminals, pipes and programs.

A terminal gets a table, a pipe gets lines, and a program gets JSON.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from conflict_assets.domain.listed_conflicts import ListedConflict
from conflict_assets.domain.rules import Rule
from conflict_assets.output.conflict_text import (
    agency_text,
    amount_text,
    on_one_line,
    rule_text,
    when_text,
)

WIDEST_AMOUNT = 14


def conflict_table(conflicts: Iterable[ListedConflict], zone: ZoneInfo) -> Table:
    """Return a table that fits 80 columns.

    An id that does not fit its line goes to the next, and is never cut.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("amount", justify="right", overflow="fold", max_width=WIDEST_AMOUNT)
    table.add_column("status", no_wrap=True)
    table.add_column("conflict", overflow="fold")
    for each in conflicts:
        table.add_row(Text(amount_text(each)), Text(each.status), Text("\n".join(_narrow_lines(each, zone))))
    return table


def _narrow_lines(conflict: ListedConflict, zone: ZoneInfo) -> Iterable[str]:
    yield rule_text(conflict)
    for visit in conflict.visits:
        yield f"{agency_text(visit)}, visit {on_one_line(visit.visit_id)}"
        yield f"  {when_text(visit, zone)}"
    yield f"pair {conflict.pair_id}"


def plain_lines(conflicts: Iterable[ListedConflict], zone: ZoneInfo) -> Iterable[str]:
    """Yield a line for each conflict, its fields separated by tabs.

    The pair comes first, then the conflict's amount, status and rule, then both visits.
    """
    for each in conflicts:
        cells = [each.pair_id, amount_text(each), each.status, rule_text(each)]
        for visit in each.visits:
            cells += [on_one_line(visit.visit_id), agency_text(visit), when_text(visit, zone)]
        yield "\t".join(cells) + "\n"


def json_text(conflicts: Sequence[ListedConflict], zone: ZoneInfo) -> str:
    """Return one JSON array with everything that a list knows.

    Times are local, with their offset.
    """
    found = [
        asdict(each) | {"rule_flag": Rule(each.rule).flag, "rule_in_words": Rule(each.rule).label} for each in conflicts
    ]
    return json.dumps(_as_json(found, zone), indent=2, allow_nan=False) + "\n"


def _as_json(value: object, zone: ZoneInfo) -> object:
    """Turn dates and times into ISO texts.

    A number that is not finite becomes null.
    """
    if isinstance(value, dict):
        return {name: _as_json(each, zone) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each, zone) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
