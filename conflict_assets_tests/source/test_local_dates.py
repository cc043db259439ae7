"""Dates that are told by a zone's offsets are those that DuckDB's calendar tells."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from conflict_assets.source.local_dates import AFTER, BEFORE, date_by_offsets, offsets

FIRST, LAST = date(2023, 3, 1), date(2025, 4, 15)
ZONES = (
    *("UTC", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Havana", "Pacific/Honolulu"),
    *("Europe/London", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Asia/Tehran"),
)
SECOND = timedelta(seconds=1)


def instants(zone):
    """From before what is told by offsets to after it: every fifth hour, and both sides of all that changes."""
    first, end = (datetime.combine(day, time(), UTC) for day in (FIRST - BEFORE, LAST + AFTER))
    changes = [since for since, _ in offsets(ZoneInfo(zone), first, end)] + [end]
    near = [change + n * SECOND / 2 for change in changes for n in range(-3, 4)]
    hours = (end - first) // timedelta(hours=1) + 200
    return near + [first + timedelta(hours=n) for n in range(-100, hours, 5)]


@pytest.mark.parametrize("zone", ZONES)
def test_the_date_of_an_instant_is_the_calendar_s(zone):
    told = sqlglot.parse_one(f"CONVERT_TIMEZONE('{zone}', m)::DATE", "snowflake")
    query = exp.select("m", told).from_("moments")
    plain = query.sql("duckdb")
    date_by_offsets(query.find(exp.Cast), ZoneInfo(zone), FIRST, LAST)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE moments AS SELECT unnest($1::TIMESTAMPTZ[]) AS m", [instants(zone)])
        told, expected = (connection.execute(sql + " ORDER BY m").fetchall() for sql in (query.sql("duckdb"), plain))
    assert len(told) > 5_000
    assert [row for row in zip(told, expected, strict=True) if row[0] != row[1]] == []
    assert query.sql("duckdb") != plain


def test_each_change_of_a_clock_is_found_to_the_second():
    found = offsets(ZoneInfo("America/New_York"), datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    assert found == [
        (datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=-5)),
        (datetime(2024, 3, 10, 7, tzinfo=UTC), timedelta(hours=-4)),
        (datetime(2024, 11, 3, 6, tzinfo=UTC), timedelta(hours=-5)),
    ]
