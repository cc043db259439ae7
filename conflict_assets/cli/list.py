"""`conflict-assets list`: the first conflicts in an order, on the terminal."""

import sys
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from conflict_assets.cli.filters import (
    Agencies,
    FirstDay,
    LastDay,
    Payers,
    Prefixes,
    Rules,
    Statuses,
    export_query,
)
from conflict_assets.domain.listed_conflicts import ConflictList
from conflict_assets.output.conflict_table import conflict_table, json_text, plain_lines
from conflict_assets.settings import load_settings
from conflict_assets.store.export_rows import ExportQuery
from conflict_assets.store.listing import Order
from conflict_assets.store.store_factory import conflict_store

SHOWN = 20
IN_ORDER = {
    Order.AMOUNT: "the costliest first",
    Order.DATE: "the newest date first",
    Order.AGE: "the longest known first",
}

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def list_command(  # noqa: PLR0917 - options of a command, given by name
    agency: Agencies = None,
    payer: Payers = None,
    rule: Rules = None,
    first: FirstDay = None,
    last: LastDay = None,
    status: Statuses = None,
    prefix: Prefixes = None,
    order: Annotated[
        Order, typer.Option("--sort", help="The costliest, the newest visits, or those longest known first.")
    ] = Order.AMOUNT,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
) -> None:
    """List open conflicts, the costliest first.

    The ids are those that the other commands take, and SSNs are masked. On a terminal it is a table, elsewhere a line a
    conflict with tabs between the fields. The amount of a conflict is the overlap at the rates of both visits.
    """
    settings = load_settings()
    query = export_query(settings, agency, payer, rule, first, last, status, prefix)
    zone = ZoneInfo(settings.source_time_zone)
    with conflict_store(settings) as store:
        found = store.conflicts.listed(query, order=order, limit=limit)
    if as_json:
        sys.stdout.write(json_text(found.conflicts, zone))
        return
    if out.is_terminal and found.conflicts:
        out.print(conflict_table(found.conflicts, zone))
    else:
        sys.stdout.writelines(plain_lines(found.conflicts, zone))
    err.print(_note(found, query, order), markup=False)


def _note(found: ConflictList, query: ExportQuery, order: Order) -> str:
    if not found.conflicts:
        statuses = " or ".join(query.statuses)
        return (
            f"No conflict fits: none of status {statuses} with what was asked for (--status all looks at every status)"
        )
    return f"{len(found.conflicts):,} of {found.total:,} conflicts, {IN_ORDER[order]}"
