"""The filters of `export` and `list`: the same options, with the same meaning."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from conflict_assets.domain.rules import Rule
from conflict_assets.domain.statuses import OPEN_STATUSES, Status
from conflict_assets.partitions import parse_prefixes
from conflict_assets.settings import Settings
from conflict_assets.store.export_rows import ExportQuery

ALL = "all"

Agencies = Annotated[
    list[str] | None, typer.Option("--agency", help="Id or name of an agency of either visit; may repeat.")
]
Payers = Annotated[list[str] | None, typer.Option("--payer", help="Id or name of a payer of either visit; may repeat.")]
Rules = Annotated[list[str] | None, typer.Option("--rule", help="A rule: 1 to 7, or its flag's name; may repeat.")]
FirstDay = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="A visit is on this day or later.")
]
LastDay = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="A visit is on this day or earlier.")
]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", help=f"{', '.join(Status)}, or {ALL}; may repeat. Unset: {' and '.join(OPEN_STATUSES)}."),
]
Prefixes = Annotated[
    list[str] | None,
    typer.Option("--prefix", help="A prefix (04) or a range (17-30); may repeat. For writers only."),
]


def export_query(  # noqa: PLR0917 - the options, in the order of the commands
    settings: Settings,
    agencies: Sequence[str] | None,
    payers: Sequence[str] | None,
    rules: Sequence[str] | None,
    first: datetime | None,
    last: datetime | None,
    statuses: Sequence[str] | None,
    prefixes: Sequence[str] | None,
) -> ExportQuery:
    """Return the query that the options ask for.

    An option that can't be meant ends the command with what is allowed.
    """
    query = ExportQuery(
        statuses=_statuses(statuses),
        agencies=agencies or (),
        payers=payers or (),
        rules=[_rule(text) for text in rules or ()],
        prefixes=_prefixes(prefixes, settings),
        first_date=first.date() if first else None,
        last_date=last.date() if last else None,
    )
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}; name an earlier day first")
    return query


def _statuses(given: Sequence[str] | None) -> Sequence[str]:
    if not given:
        return OPEN_STATUSES
    wanted = [text.strip().lower() for text in given]
    if unknown := [text for text in wanted if text not in {*Status, ALL}]:
        raise typer.BadParameter(f"--status {unknown[0]} is no status; allowed: {', '.join((*Status, ALL))}")
    return tuple(Status) if ALL in wanted else wanted


def _rule(text: str) -> int:
    for rule in Rule:
        if text.strip().lower() in {str(rule.value), rule.flag}:
            return rule.value
    allowed = ", ".join(f"{rule.value} ({rule.flag})" for rule in Rule)
    raise typer.BadParameter(f"--rule {text} is no rule; allowed: {allowed}")


def _prefixes(given: Sequence[str] | None, settings: Settings) -> Sequence[str]:
    try:
        return parse_prefixes(given, settings.ssn_prefix_length) if given else ()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
