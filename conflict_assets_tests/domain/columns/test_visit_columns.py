"""Frames in every type that callers bring them in, and those that are refused."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from conflict_assets.domain.columns.arrays import MISSING
from conflict_assets.domain.columns.text_types import as_text
from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.visits import REQUIRED_COLUMNS

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOON_NUMBER = int(NOON.timestamp()) * 1_000_000
MAY_1 = date(2024, 5, 1).toordinal() - date(1970, 1, 1).toordinal()


def columns_with(name: str, values: Any) -> VisitColumns:
    frame = pd.DataFrame({required: pd.Series([None] * len(values), dtype="object") for required in REQUIRED_COLUMNS})
    frame[name] = values
    return VisitColumns(frame)


def objects(*values: Any) -> "pd.Series[Any]":
    return pd.Series(list(values), dtype="object")


@pytest.mark.parametrize(
    "values",
    [
        objects("12", None),
        objects(12, None),
        objects(12, float("nan")),
        objects(12.0, None),
        objects(np.int64(12), pd.NA),
        objects(Decimal("12.0"), pd.NaT),
        objects(Decimal(12), Decimal("NaN")),
        objects("12", 12.0, float("nan"))[[0, 2]].reset_index(drop=True),
        pd.Series([12, None]),
        pd.Series([12, None], dtype="Int64"),
        pd.Series(["12", None], dtype="str"),
        pd.Series(["12", None], dtype="string[python]"),
        pd.Series(["12", None], dtype="category"),
        pd.Series([12, None], dtype="category"),
        pd.Series(["12", None], dtype=pd.ArrowDtype(pa.string_view())),
        pd.Series([Decimal(12), None], dtype=pd.ArrowDtype(pa.decimal128(38, 0))),
        pd.Series(["12", None], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
    ],
)
def test_ids_become_text_without_a_decimal_point(values: Any):
    assert columns_with("visit_id", values).text("visit_id").to_pylist() == ["12", None]


@pytest.mark.parametrize("values", [objects(501, "00501", "10458"), objects(501.0, "00501", 10458)])
def test_zip_codes_given_as_numbers_get_their_zeros_back(values: Any):
    assert columns_with("p_zip_code", values).text("p_zip_code", digits=5).to_pylist() == ["00501", "00501", "10458"]


def test_a_zip_code_column_of_numbers_gets_its_zeros_back():
    columns = columns_with("p_zip_code", pd.Series([501, 10458, None]))

    assert columns.text("p_zip_code", digits=5).to_pylist() == ["00501", "10458", None]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (objects(1.5), ValueError),
        (objects("a", 1.5), ValueError),
        (objects("a", float("inf")), ValueError),
        (objects("a", 2.0**60), ValueError),
        (pd.Series([2.0**60]), ValueError),
        (objects("a\ud800"), ValueError),
        (objects(True), TypeError),
        (objects("a", True), TypeError),
        (objects(b"a"), TypeError),
        (objects(date(2024, 5, 1)), TypeError),
        (objects(["a"]), TypeError),
        (pd.Series([True]), TypeError),
        (pd.Series([NOON]), TypeError),
        (pd.Series(pd.interval_range(0, 1)), TypeError),
    ],
)
def test_ids_of_other_types_are_refused_by_the_columns_name(values: Any, error: type[Exception]):
    with pytest.raises(error, match="'ssn'"):
        columns_with("ssn", values).text("ssn")


def test_the_value_of_a_cell_is_never_told():
    with pytest.raises(ValueError, match="'ssn'") as caught:
        columns_with("ssn", objects("123456789", 123456788.5)).text("ssn")

    assert "12345" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "values",
    [
        objects(date(2024, 5, 1), None),
        objects(date(2024, 5, 1), float("nan")),
        objects(datetime(2024, 5, 1), pd.NaT),  # noqa: DTZ001 (naive midnights are the case)
        objects(datetime(2024, 5, 1, tzinfo=NEW_YORK), None),
        objects(pd.Timestamp("2024-05-01", tz="Asia/Tokyo"), None),
        objects(np.datetime64("2024-05-01"), None),
        objects("2024-05-01", ""),
        objects(" 2024-05-01 ", " "),
        objects("2024-05-01T00:00:00-04:00", None),
        pd.Series(["2024-05-01", None], dtype="str"),
        pd.Series(["2024-05-01", None], dtype="category"),
        pd.Series([pd.Timestamp("2024-05-01"), None]),
        pd.Series([pd.Timestamp("2024-05-01"), None]).astype("datetime64[s]"),
        pd.Series([pd.Timestamp("2024-05-01"), None]).astype("datetime64[ns]"),
        pd.Series([pd.Timestamp("2024-05-01"), None]).dt.tz_localize("America/New_York"),
        pd.Series([pd.Timestamp("2024-05-01"), None]).dt.tz_localize("Asia/Kathmandu"),
        pd.Series([pd.Timestamp("2024-05-01"), None]).dt.tz_localize("+05:30"),
        pd.Series([date(2024, 5, 1), None], dtype=pd.ArrowDtype(pa.date32())),
        pd.Series([date(2024, 5, 1), None], dtype=pd.ArrowDtype(pa.date64())),
        pd.Series([pd.Timestamp("2024-05-01", tz="America/New_York"), None]).astype(
            pd.ArrowDtype(pa.timestamp("us", tz="America/New_York"))
        ),
    ],
)
def test_a_date_is_read_in_its_own_zone(values: Any):
    assert columns_with("visit_date", values).days("visit_date")[0].tolist() == [MAY_1, MISSING]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (pd.Series([NOON]), ValueError),
        (pd.Series([NOON]).dt.tz_convert("Asia/Tokyo"), ValueError),
        (pd.Series([pd.Timestamp("2024-05-01", tz="UTC"), None]).dt.tz_convert("America/New_York"), ValueError),
        (pd.Series([pd.Timestamp("2024-05-01 00:00:00.000000001")]), ValueError),
        (objects(NOON), ValueError),
        (objects(date(2024, 5, 1), NOON), ValueError),
        (objects(np.datetime64("2024-05-01T12:00:00")), ValueError),
        (objects("2024-05-01 12:00"), ValueError),
        (objects("May 1"), ValueError),
        (pd.Series(["May 1"], dtype="str"), ValueError),
        (objects(20240501), TypeError),
        (pd.Series([20240501]), TypeError),
        (pd.Series([20240501.0]), TypeError),
        (objects(time(12)), TypeError),
        (pd.Series([timedelta(days=1)]), TypeError),
    ],
)
def test_what_is_no_date_is_refused_by_the_columns_name(values: Any, error: type[Exception]):
    with pytest.raises(error, match="'visit_date'"):
        columns_with("visit_date", values).days("visit_date")


@pytest.mark.parametrize(
    "values",
    [
        objects(NOON, None),
        objects(NOON.replace(tzinfo=None), pd.NaT),
        objects(NOON.astimezone(NEW_YORK), float("nan")),
        objects(pd.Timestamp(NOON), pd.NA),
        objects(np.datetime64("2024-05-01T12:00"), None),
        objects("2024-05-01T08:00:00-04:00", ""),
        objects("2024-05-01 12:00", " "),
        objects("2024-05-01T12:00:00Z", None),
        pd.Series(["2024-05-01T12:00:00+00:00", None], dtype="str"),
        *(pd.Series([NOON, None]).astype(f"datetime64[{unit}, UTC]") for unit in ("s", "ms", "us", "ns")),
        pd.Series([NOON, None]).dt.tz_convert("America/New_York"),
        pd.Series([NOON, None]).dt.tz_localize(None),
        pd.Series([NOON, None]).astype("category"),
        pd.Series([NOON, None], dtype=pd.ArrowDtype(pa.timestamp("ms", tz="America/New_York"))),
        pd.Series([NOON.replace(tzinfo=None), None], dtype=pd.ArrowDtype(pa.timestamp("s"))),
    ],
)
def test_times_become_instants(values: Any):
    assert columns_with("sch_start_time", values).instants("sch_start_time")[0].tolist() == [NOON_NUMBER, MISSING]


def test_a_column_may_mix_zones_and_naive_times_and_text():
    mixed = objects(NOON.astimezone(NEW_YORK), NOON.replace(tzinfo=None), "2024-05-01T21:00:00+09:00", None)

    instants, _ = columns_with("sch_start_time", mixed).instants("sch_start_time")

    assert instants.tolist() == [NOON_NUMBER, NOON_NUMBER, NOON_NUMBER, MISSING]


def test_the_hour_that_comes_twice_keeps_its_fold():
    twice = objects(*(datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=fold) for fold in (0, 1)))

    first, second = columns_with("sch_start_time", twice).instants("sch_start_time")[0].tolist()

    assert second - first == 3600 * 1_000_000


def test_instants_reach_beyond_the_range_of_nanoseconds():
    ages = objects(datetime(1, 1, 2, tzinfo=UTC), datetime(1500, 1, 1), datetime(9999, 12, 30, 23, tzinfo=UTC))  # noqa: DTZ001

    instants, odd = columns_with("sch_start_time", ages).instants("sch_start_time")

    assert instants.tolist() == [-62135510400000000, -14831769600000000, 253402210800000000]
    assert not odd.any()


def test_parts_of_a_microsecond_are_dropped_downwards():
    columns = columns_with("sch_start_time", pd.Series([-1, 1, 1001]).astype("datetime64[ns]"))

    assert columns.instants("sch_start_time")[0].tolist() == [-1, 0, 1]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (objects("noon"), ValueError),
        (pd.Series(["noon"], dtype="str"), ValueError),
        (objects(date(2024, 5, 1)), TypeError),
        (objects(1714564800), TypeError),
        (pd.Series([1714564800]), TypeError),
        (pd.Series([1714564800.5]), TypeError),
        (objects(NOON, date(2024, 5, 1)), TypeError),
    ],
)
def test_what_is_no_time_is_refused_by_the_columns_name(values: Any, error: type[Exception]):
    with pytest.raises(error, match="'sch_start_time'"):
        columns_with("sch_start_time", values).instants("sch_start_time")


@pytest.mark.parametrize("missing", [pd.Series([float("nan")]), objects(None), objects(pd.NaT), pd.Series([pd.NaT])])
def test_a_column_without_values_may_have_any_type(missing: Any):
    for name, read in (("visit_date", "days"), ("sch_start_time", "instants")):
        values, odd = getattr(columns_with(name, missing), read)(name)
        assert values.tolist() == [MISSING]
        assert not odd.any()


@pytest.mark.parametrize(
    ("values", "numbers", "held"),
    [
        (objects(" 40.7 ", "north", "", None), [40.7, None, None, None], [True, True, False, False]),
        (objects("40.7", 41, Decimal("0.5"), float("nan")), [40.7, 41.0, 0.5, None], [True, True, True, False]),
        (objects(Decimal("40.7"), None), [40.7, None], [True, False]),
        (objects("nan", float("inf")), [None, float("inf")], [True, True]),
        (objects("1_0", "inf", "0x1F", "١٢"), [None] * 4, [True] * 4),
        (
            objects("+4.", "-.5", "1e3", "1E-2", "4.5.6", "1e", "e1", "."),
            [4, -0.5, 1000, 0.01] + [None] * 4,
            [True] * 8,
        ),
        (objects(10**400, "1", Decimal("Infinity")), [float("inf"), 1, float("inf")], [True, True, True]),
        (objects(Decimal("sNaN"), "1"), [None, 1], [False, True]),
        (pd.Series(["1_0", "2"], dtype="str"), [None, 2], [True, True]),
        (pd.Series([1, 2]), [1.0, 2.0], [True, True]),
        (pd.Series([1, None], dtype="Int64"), [1.0, None], [True, False]),
        (pd.Series([1.5, None], dtype="float32"), [1.5, None], [True, False]),
        (pd.Series(["1.5", None], dtype="category"), [1.5, None], [True, False]),
    ],
)
def test_numbers_may_be_text_and_what_is_no_number_is_known_to_be_held(values: Any, numbers: Any, held: Any):
    found, is_held = columns_with("latitude", values).numbers("latitude")

    assert [None if np.isnan(number) else number for number in found.tolist()] == numbers
    assert is_held.tolist() == held


@pytest.mark.parametrize("name", ["latitude", "rate", "billed_hours"])
@pytest.mark.parametrize("values", [pd.Series([True]), pd.Series([NOON])])
def test_numbers_of_other_types_are_refused_even_when_no_rule_needs_them(name: str, values: Any):
    with pytest.raises(TypeError, match=name):
        columns_with(name, values)


@pytest.mark.parametrize("values", [objects(True), objects("1", True), objects("1", [1])])
def test_objects_that_are_no_numbers_are_refused(values: Any):
    with pytest.raises(TypeError, match="'latitude'"):
        columns_with("latitude", values).numbers("latitude")


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        (pd.Series([True, False]), [True, False]),
        (pd.Series([True, None], dtype="boolean"), [True, False]),
        (objects(True, None), [True, False]),
        (objects(" Yes", "y", "TRUE", "1", "no", "", None), [True, True, True, True, False, False, False]),
        (objects(1, 0, 1.0, "n", np.bool_(True)), [True, False, True, False, True]),
        (objects(10**400, True, float("inf")), [False, True, False]),
        (pd.Series([1, 0, 2]), [True, False, False]),
        (pd.Series([1.0, None]), [True, False]),
    ],
)
def test_billed_may_be_a_boolean_a_number_or_a_word(values: Any, flags: list[bool]):
    assert columns_with("billed", values).flags("billed", np.arange(len(values))).tolist() == flags


@pytest.mark.parametrize("values", [pd.Series([NOON]), objects(date(2024, 5, 1))])
def test_billed_of_another_type_is_refused(values: Any):
    with pytest.raises(TypeError, match="'billed'"):
        columns_with("billed", values).flags("billed", np.arange(1))


def test_all_missing_columns_are_named_at_once_with_those_that_are_needed():
    with pytest.raises(ValueError, match=r"lack the columns ssn, visit_date; needed: visit_id, ssn, provider_id"):
        VisitColumns(pd.DataFrame(columns=[name for name in REQUIRED_COLUMNS if name not in {"ssn", "visit_date"}]))


def test_two_columns_of_one_name_are_refused_only_where_the_name_matters():
    frame = pd.DataFrame([[None] * 10], columns=[*REQUIRED_COLUMNS, "note", "note"])
    assert len(VisitColumns(frame)) == 1

    with pytest.raises(ValueError, match="two columns of one name: ssn"):
        VisitColumns(frame.rename(columns={"note": "ssn"}))


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match=r"list; allowed: a pandas\.DataFrame or a pyarrow\.Table"):
        VisitColumns([])  # type: ignore[arg-type]


def test_a_table_of_several_chunks_reads_as_one():
    table = pa.table({name: pa.chunked_array([["a"], ["b", "c"]]) for name in REQUIRED_COLUMNS})

    assert VisitColumns(table).text("visit_id").to_pylist() == ["a", "b", "c"]
    assert VisitColumns(table).text("visit_id", np.array([2, 0])).to_pylist() == ["c", "a"]


def test_not_a_number_in_an_arrow_column_is_missing():
    assert as_text(pa.array([7.0, float("nan"), None]), "visit_id").to_pylist() == ["7", None, None]
