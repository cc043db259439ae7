"""Dates and times that can't be meant are missing and noted, and columns of any type that a frame may have are read."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from conflict_assets.domain.columns.visit_columns import READERS
from conflict_assets.domain.detection import detect_conflicts, detect_conflicts_table
from conflict_assets.domain.visits import REQUIRED_COLUMNS, VISIT_SCHEMA

NINE = datetime(2025, 6, 2, 9, tzinfo=UTC)
EIGHT, TEN = NINE - timedelta(hours=1), NINE + timedelta(hours=1)
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001 - what drivers give for infinity
EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
TIMES = ("sch_start_time", "sch_end_time", "visit_start_time", "visit_end_time", "last_updated_date")


def frame(**columns: Any) -> pd.DataFrame:
    """Two visits of one caregiver at two agencies, at the same time; these columns instead of the plain ones."""
    plain = {
        "visit_id": ["a", "b"],
        "ssn": ["041234567"] * 2,
        "provider_id": ["P", "Q"],
        "visit_date": [date(2025, 6, 2)] * 2,
        "sch_start_time": [EIGHT] * 2,
        "sch_end_time": [TEN] * 2,
        "visit_start_time": [EIGHT] * 2,
        "visit_end_time": [TEN] * 2,
    }
    return pd.DataFrame(plain | columns)


def objects(*values: Any) -> "pd.Series[Any]":
    return pd.Series(values, dtype="object")


def seconds(*texts: str) -> "pd.Series[Any]":
    return pd.Series(np.array(texts, dtype="datetime64[s]"))


ODD_TIMES = {
    "datetime.min": objects(FIRST, NINE),
    "datetime.max": objects(LAST, NINE),
    "zoned datetimes": objects(datetime(1, 1, 1, tzinfo=EAST), NINE),
    "beside a text": objects(LAST, "2025-06-02T09:00Z"),
    "after the calendar": objects(datetime(9999, 12, 31, tzinfo=UTC), NINE),
    "before the calendar": objects(datetime(1, 1, 1, 23, 59, 59, 999999, tzinfo=UTC), NINE),
    "Timestamp of year 20251": objects(pd.Timestamp(np.datetime64("20251-01-01", "s")), NINE),
    "datetime64 of year 20251": objects(np.datetime64("20251-01-01", "s"), NINE),
    "datetime64 BC": objects(np.datetime64("-0044-03-15", "s"), np.datetime64("2025-06-02T09:00")),
    "seconds": seconds("20251-01-01", "2025-06-02T09:00"),
    "seconds too far for microseconds": seconds("300000-01-01", "2025-06-02T09:00"),
    "seconds BC": seconds("-0044-03-15", "2025-06-02T09:00"),
    "zoned seconds": seconds("20251-01-01", "2025-06-02T09:00").dt.tz_localize("UTC").dt.tz_convert("America/New_York"),
    "arrow seconds": pd.Series([2**45, 1748854800], dtype="int64").astype(pd.ArrowDtype(pa.timestamp("s", "UTC"))),
    "arrow microseconds": pd.Series([2**62, 1748854800000000]).astype(pd.ArrowDtype(pa.timestamp("us", "UTC"))),
    "text": objects("9999-12-31T00:00:00Z", "2025-06-02T09:00Z"),
    "text of year 20251": objects("20251-01-01", "2025-06-02T09:00Z"),
    "text of year +20251": objects("+20251-01-01T00:00:00Z", "2025-06-02T09:00Z"),
    "text BC by ISO": objects("-0044-03-15", "2025-06-02T09:00Z"),
    "text BC by DuckDB": objects("0044-03-15 (BC) 00:00:00", "2025-06-02T09:00Z"),
    "text BC by PostgreSQL": objects("0044-03-15 00:00:00+00 BC", "2025-06-02T09:00Z"),
    "text of year 0": objects("0000-01-01", "2025-06-02T09:00Z"),
    "infinity": objects(" Infinity ", "2025-06-02T09:00Z"),
    "-infinity as str": pd.Series(["-infinity", "2025-06-02T09:00Z"], dtype="str"),
    "category": pd.Series(["infinity", "2025-06-02T09:00Z"], dtype="category"),
}


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("values", ODD_TIMES.values(), ids=ODD_TIMES)
def test_a_time_that_can_not_be_meant_is_missing_and_noted(name: str, values: Any):
    found = detect_conflicts(frame(**{name: values}))

    assert found.counts["odd_dates"] == 1
    assert found.counts["active"] == 2
    assert found.counts["one_actual_time"] == name.startswith("visit_")
    assert found.counts["conflicts"] == 1
    if name.startswith("visit_"):
        assert found.conflicts["visit_type"].tolist() == ["scheduled", "confirmed"]


ODD_DATES = {
    "date.min": objects(date.min, date(2025, 6, 2)),
    "date.max": objects(date.max, date(2025, 6, 2)),
    "a time of day": objects(LAST, date(2025, 6, 2)),
    "a time of day in a column": seconds("9999-12-31T23:59:59", "2025-06-02"),
    "seconds": seconds("300000-01-01", "2025-06-02"),
    "zoned seconds": seconds("20251-01-01", "2025-06-02").dt.tz_localize("UTC").dt.tz_convert("+00:00"),
    "in New York": seconds("20251-01-01", "2025-06-02T04").dt.tz_localize("UTC").dt.tz_convert("America/New_York"),
    "BC in New York": seconds("-0044-01-01", "2025-06-02T04").dt.tz_localize("UTC").dt.tz_convert("America/New_York"),
    "year 1 in Tokyo": seconds("0001-01-01T14:41", "2025-06-01T15").dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    "datetime64": objects(np.datetime64("20251-01-01"), np.datetime64("2025-06-02")),
    "Timestamp": objects(pd.Timestamp(np.datetime64("20251-01-01", "s")), date(2025, 6, 2)),
    "arrow days": pd.Series(pd.array(pa.array([2**30, 20241], pa.date32()), dtype=pd.ArrowDtype(pa.date32()))),
    "arrow seconds": pd.Series([2**45, 1748822400], dtype="int64").astype(pd.ArrowDtype(pa.timestamp("s"))),
    "text": objects("0001-01-01", "2025-06-02"),
    "text of year 20251": pd.Series(["20251-01-01", "2025-06-02"], dtype="str"),
    "infinity": objects("infinity", "2025-06-02"),
}


@pytest.mark.parametrize("values", ODD_DATES.values(), ids=ODD_DATES)
def test_a_date_that_can_not_be_meant_is_a_missing_key(values: Any):
    found = detect_conflicts(frame(visit_date=values))

    assert found.rejected.to_dict("list") == {"visit_id": ["a"], "reason": ["missing_key"]}
    assert found.counts["odd_dates"] == 0, "what is rejected is not noted"


@pytest.mark.parametrize("zone", [UTC, EAST, WEST, ZoneInfo("America/New_York")])
def test_the_first_and_the_last_day_are_dates_like_any_other(zone: Any):
    for day in (date(1, 1, 2), date(9999, 12, 30)):
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        for values in (objects(day, day), objects(midnight, midnight), objects(str(day), str(day))):
            assert detect_conflicts(frame(visit_date=values)).counts["missing_key"] == 0
    for moment in (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC)):
        counts = detect_conflicts(frame(last_updated_date=objects(moment, moment))).counts
        assert counts["odd_dates"] == 0


def test_what_is_missing_is_not_odd():
    columns = {name: [pd.NaT, pd.NaT] for name in ("visit_start_time", "visit_end_time", "last_updated_date")}

    assert detect_conflicts(frame(**columns)).counts["odd_dates"] == 0


def test_text_that_is_no_date_is_still_refused():
    for text in ("June", "20251-1-1", "infinite", "12345-99"):
        with pytest.raises(ValueError, match="'sch_start_time'"):
            detect_conflicts(frame(sch_start_time=objects(text, "2025-06-02T09:00Z")))


def test_of_two_rows_the_one_with_an_odd_update_is_not_the_newest():
    rows = frame(visit_id=["a", "a"], last_updated_date=objects(LAST, NINE), provider_id=["P", "Q"])
    other = frame(visit_id=["b", "c"], provider_id=["Q", "Q"])

    found = detect_conflicts(pd.concat([rows, other]))

    assert found.counts["conflicts"] == 0, "the row at Q stays"


EMPTY = {
    "none": pd.Categorical([None, None]),
    "of texts": pd.Categorical([None, None], categories=["x"]),
    "of numbers": pd.Categorical([None, None], categories=[1, 2]),
    "of times": pd.Categorical([None, None], categories=pd.DatetimeIndex(["2025-01-01"])),
    "of objects": pd.Categorical([None, None], categories=pd.Index([], dtype="object")),
}


@pytest.mark.parametrize("name", VISIT_SCHEMA.names)
@pytest.mark.parametrize("values", EMPTY.values(), ids=EMPTY)
def test_a_categorical_column_may_be_all_missing(name: str, values: Any):
    found = detect_conflicts(frame(**{name: values}))
    expected = detect_conflicts(frame(**{name: objects(None, None)}))

    assert found.counts == expected.counts
    assert detect_conflicts_table(pa.table(frame(**{name: values}))).counts == expected.counts


@pytest.mark.parametrize("name", sorted({*REQUIRED_COLUMNS, *READERS}))
def test_a_column_may_be_of_string_views(name: str):
    given = {"last_updated_date": "2025-06-01", "billed": "yes", "rate_type": "Hourly", "p_zip_code": "10458"}
    plain = frame(**{each: [given.get(each, "40.5")] * 2 for each in READERS})
    told = plain[name].map(lambda value: value if isinstance(value, str) else value.isoformat())
    viewed = plain.assign(**{name: told.astype(pd.ArrowDtype(pa.string_view()))})
    doubled, expected = pd.concat([viewed] * 2), detect_conflicts(pd.concat([plain] * 2))

    found = detect_conflicts(doubled)

    assert found.counts == expected.counts
    assert found.counts["duplicate_visit_id"] == 2
    pd.testing.assert_frame_equal(found.conflicts, expected.conflicts)
    table = pa.table({each: pa.array(doubled[each]) for each in doubled})
    assert table.schema.field(name).type == pa.string_view()
    assert detect_conflicts_table(table).counts == expected.counts
