"""The queries of the report data, read in one snapshot of the store."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import DictRow, class_row, dict_row

from conflict_assets.domain.listed_conflicts import ListedConflict
from conflict_assets.domain.report_data import (
    AgencyFigures,
    AgencyPairFigures,
    ChainedGroup,
    ChartFigures,
    LastNight,
    PayerFigures,
    PrefixTime,
    ReportData,
    Stake,
)
from conflict_assets.partitions import all_prefixes
from conflict_assets.store.listing import BY_AMOUNT_BYTEWISE, RankedPair, all_listed
from conflict_assets.store.night_events import RUNS, night_events
from conflict_assets.store.report_tables import OpenTables, Tables, add_new_pairs, open_tables, read_totals
from conflict_assets.store.trend import trend

Connection = psycopg.Connection[Any]

SHOWN = 10
NIGHTS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CROWD = 5
"""How many prefixes must hold a group of a group's size before the report shows its caregiver's last four digits."""

_STAKES = """
    SELECT billed, count(*) AS visits, count(*) FILTER (WHERE amount IS NULL) AS unpriced,
        coalesce(sum(amount), 0) AS shift_amount, coalesce(sum(overlap_amount), 0) AS overlap_amount
    FROM visits GROUP BY billed"""

_QUARTERS = """
    SELECT epoch_us(start) // 900000000, count(*) FROM pairs WHERE start IS NOT NULL GROUP BY 1"""

_AGENCIES = """
    SELECT provider_id, max(provider_name) AS name, sum(conflicts)::int AS conflicts, count(*) AS visits,
        coalesce(sum(amount), 0) AS shift_amount, coalesce(sum(overlap_amount), 0) AS overlap_amount
    FROM visits GROUP BY provider_id ORDER BY conflicts DESC, provider_id LIMIT $shown"""

_PAIRS = """WITH caregivers AS (
        SELECT least(provider_id, con_provider_id) AS one, greatest(provider_id, con_provider_id) AS other,
            count(*) FILTER (WHERE is_first_side) AS conflicts, sum(overlap_amount) AS amount
        FROM sides GROUP BY one, other, ssn_prefix, caregiver
    )
    SELECT one, other, sum(conflicts)::int AS conflicts, count(*) AS caregivers,
        coalesce(sum(amount), 0) AS overlap_amount
    FROM caregivers GROUP BY one, other ORDER BY conflicts DESC, one, other LIMIT $shown"""

_NAMES = """
    SELECT provider_id, max(provider_name) FROM visits WHERE provider_id IN (SELECT unnest($provider_ids))
    GROUP BY provider_id"""

_PAYERS = """WITH payers AS (
        SELECT payer_id, max(contract) AS name, count(*) AS visits,
            coalesce(sum(amount), 0) AS shift_amount, coalesce(sum(overlap_amount), 0) AS overlap_amount
        FROM visits GROUP BY payer_id
    ), counted AS (
        SELECT payer_id, count(*) AS conflicts
        FROM (SELECT payer_id FROM pairs UNION ALL
              SELECT con_payer_id FROM pairs WHERE con_payer_id <> payer_id) AS sides_of_payers
        GROUP BY payer_id
    )
    SELECT payer_id, name, conflicts, visits, shift_amount, overlap_amount
    FROM payers JOIN counted USING (payer_id)
    ORDER BY conflicts DESC, payer_id LIMIT $shown"""

_GROUPS = """WITH groups AS (
        SELECT ssn_prefix, caregiver, group_id, count(*) FILTER (WHERE is_first_side) AS conflicts,
            coalesce(sum(overlap_minutes) / 2, 0) AS overlap_minutes
        FROM sides GROUP BY ssn_prefix, caregiver, group_id HAVING count(*) FILTER (WHERE is_first_side) > 1
        ORDER BY conflicts DESC, overlap_minutes DESC, group_id LIMIT $shown
    )
    SELECT group_id, max(s.last_four) AS last_four, g.conflicts, count(DISTINCT s.visit) AS visits,
        count(DISTINCT s.provider_id) AS agencies, min(s.visit_date) AS first_date, max(s.visit_date) AS last_date,
        g.overlap_minutes, coalesce(sum(s.overlap_amount), 0) AS overlap_amount
    FROM groups AS g JOIN sides AS s USING (ssn_prefix, caregiver, group_id)
    GROUP BY ssn_prefix, caregiver, group_id, g.conflicts, g.overlap_minutes
    ORDER BY g.conflicts DESC, g.overlap_minutes DESC, group_id"""

_RANKED = f"SELECT pair_id, last_four FROM {{}} ORDER BY {BY_AMOUNT_BYTEWISE} LIMIT $shown"  # noqa: S608 - constants

_NIGHT = """
    SELECT night, min(as_of) AS started_at, max(committed_at) AS committed_at, count(DISTINCT root_run_id) AS runs,
        count(DISTINCT ssn_prefix) AS prefixes, sum(new_conflicts)::int AS new, sum(changed)::int AS changed,
        sum(resolved)::int AS resolved, sum(reopened)::int AS reopened, sum(detect_seconds) AS detect_seconds,
        sum(write_seconds) AS write_seconds
    FROM night GROUP BY night"""

_SLOWEST = """
    SELECT ssn_prefix AS prefix, coalesce(sum(conflicts) FILTER (WHERE latest), 0)::int AS conflicts,
        sum(detect_seconds) AS detect_seconds, sum(write_seconds) AS write_seconds
    FROM night GROUP BY ssn_prefix ORDER BY sum(detect_seconds + write_seconds) DESC, ssn_prefix LIMIT %(shown)s"""

_LATEST = " SELECT ssn_prefix, as_of, night = (SELECT max(night) FROM runs) FROM runs WHERE latest"

_SOURCE = """
    SELECT key, sum(value::bigint)::bigint FROM prefix_runs, jsonb_each_text(counts) WHERE latest GROUP BY key
    ORDER BY key"""

_REJECTED = "SELECT reason, count(*) FROM rejected_visits WHERE ssn_prefix IS NULL GROUP BY reason ORDER BY reason"


def report_data(
    connection: Connection,
    prefix_length: int,
    *,
    time_zone: str,
    agency_time_zone: str,
    on_figures: Callable[[ChartFigures], object] | None = None,
) -> ReportData:
    """Return all data of the report, read at one moment.

    Nights are dates in `time_zone`. Hours of the week are hours in `agency_time_zone`. `on_figures` receives what the
    charts show as soon as it is read, so that they can be drawn while the rest is read.
    """
    with open_tables(connection) as open_conflicts:
        tables = open_conflicts.tables
        totals = read_totals(open_conflicts, prefix_length)
        figures = ChartFigures(
            time_zone=time_zone,
            agency_time_zone=agency_time_zone,
            open_conflicts=totals.open_conflicts,
            by_rule=totals.by_rule,
            by_prefix=totals.by_prefix,
            by_hour=_hours(tables, agency_time_zone),
            nights=tuple(trend(connection, time_zone, NIGHTS)),
        )
        if on_figures is not None:
            on_figures(figures)
        made_at = connection.execute("SELECT now()").fetchall()[0][0]
        stakes = {each.pop("billed"): Stake(**each) for each in _table(tables, _STAKES)}
        agencies, pairs = _agencies(tables)
        new, opened, resolved, reopened = _conflicts(connection, open_conflicts, time_zone)
        return ReportData(
            **{each.name: getattr(figures, each.name) for each in fields(figures)},
            made_at=made_at,
            visits=totals.visits,
            caregivers=totals.caregivers,
            agencies=totals.agencies,
            by_status=totals.by_status,
            recovery=stakes.get(True, Stake()),
            avoidance=stakes.get(False, Stake()),
            top_agencies=agencies,
            top_pairs=pairs,
            top_payers=tuple(_payers(tables)),
            costliest_new=new,
            costliest_open=opened,
            last_resolved=resolved,
            last_reopened=reopened,
            largest_groups=tuple(_groups(tables, totals.by_prefix.values())),
            source_counts=dict(connection.execute(_SOURCE).fetchall()),
            without_prefix=dict(connection.execute(_REJECTED).fetchall()),
            last_night=_last_night(connection, prefix_length, time_zone),
        )


def _hours(tables: Tables, zone: str) -> dict[tuple[int, int], int]:
    """Count conflicts by ISO weekday and hour of a zone, whose offset is a multiple of 15 minutes."""
    agencies = ZoneInfo(zone)
    hours: Counter[tuple[int, int]] = Counter()
    for quarter, count in tables.execute(_QUARTERS).fetchall():
        local = (_EPOCH + quarter * timedelta(minutes=15)).astimezone(agencies)
        hours[local.isoweekday(), local.hour] += count
    return dict(hours)


def _agencies(tables: Tables) -> tuple[tuple[AgencyFigures, ...], tuple[AgencyPairFigures, ...]]:
    agencies = _table(tables, _AGENCIES, shown=SHOWN)
    pairs = [(each.pop("one"), each.pop("other"), each) for each in _table(tables, _PAIRS, shown=SHOWN)]
    named = sorted({one for pair in pairs for one in pair[:2]})
    names = dict(tables.execute(_NAMES, {"provider_ids": named}).fetchall())
    return (
        tuple(AgencyFigures(**each | {"name": each["name"] or each["provider_id"]}) for each in agencies),
        tuple(
            AgencyPairFigures(
                provider_ids=(one, other), names=(names.get(one) or one, names.get(other) or other), **each
            )
            for one, other, each in pairs
        ),
    )


def _payers(tables: Tables) -> Iterable[PayerFigures]:
    for each in _table(tables, _PAYERS, shown=SHOWN):
        name = (each["name"] or each["payer_id"]) if each["payer_id"] else "Payer unknown"
        yield PayerFigures(**each | {"name": name})


def _conflicts(
    connection: Connection, open_conflicts: OpenTables, time_zone: str
) -> tuple[tuple[ListedConflict, ...], ...]:
    """The costliest conflicts: new, open, resolved and reopened ones."""
    events = night_events(connection, time_zone, SHOWN)
    add_new_pairs(connection, open_conflicts)
    ranked = [
        [RankedPair(**each) for each in _table(open_conflicts.tables, _RANKED.format(name), shown=SHOWN)]
        for name in ("new_pairs", "pairs")
    ]
    return all_listed(connection, [*ranked, events["resolved"], events["reopened"]])


def _groups(tables: Tables, by_prefix: Iterable[int]) -> Iterable[ChainedGroup]:
    counts = list(by_prefix)
    for each in _table(tables, _GROUPS, shown=SHOWN):
        last_four = each.pop("last_four")
        crowded = sum(count >= each["conflicts"] for count in counts) >= CROWD
        yield ChainedGroup(masked_ssn=f"***-**-{last_four if crowded else '****'}", **each)


def _last_night(connection: Connection, prefix_length: int, time_zone: str) -> LastNight | None:
    values = {"zone": time_zone, "shown": SHOWN}
    nights = _dicts(connection, RUNS + _NIGHT, **values)
    if not nights:
        return None
    with connection.cursor(row_factory=class_row(PrefixTime)) as cursor:
        slowest = cursor.execute(RUNS + _SLOWEST, values).fetchall()
    latest = {prefix: (as_of, done) for prefix, as_of, done in connection.execute(RUNS + _LATEST, values).fetchall()}
    left_behind = {
        prefix: as_of
        for prefix in all_prefixes(prefix_length)
        for as_of, done in [latest.get(prefix, (None, False))]
        if not done
    }
    return LastNight(slowest=tuple(slowest), left_behind=left_behind, **nights[0])


def _dicts(connection: Connection, query: str, **values: object) -> list[DictRow]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def _table(tables: Tables, query: str, **values: object) -> list[dict[str, Any]]:
    found = tables.execute(query, values)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
