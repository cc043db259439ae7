"""The algorithm that the engine replaced, re-created as a fixed yardstick.

It is frozen. It joins first and judges afterwards: it merges all columns of all visits with themselves on SSN and date,
drops the pairs within one agency, and evaluates the seven rules over the merged frame. It compares visits of one date
only, takes a visit's schedule where not both actual times are known, and leaves visits with just one of them out.
Measured on 92,939 visits of 51 columns with some 300 conflict rows, the original took 1.17 s.
"""

import numpy as np
import pandas as pd

OWN_COLUMNS = (
    *("visit_id", "app_visit_id", "ssn", "visit_date", "sch_start_time", "sch_end_time"),
    *("visit_start_time", "visit_end_time", "evv_start_time", "evv_end_time", "provider_id", "provider_name"),
    *("office_id", "office", "aide_code", "aide_first_name", "aide_last_name", "patient_id", "p_first_name"),
    *("p_last_name", "p_zip_code", "latitude", "longitude", "payer_id", "contract", "service_code", "rate_type"),
    *("billed", "billed_hours", "rate"),
)
OTHER_COLUMNS = tuple(
    f"con_{name}"
    for name in (
        *("visit_id", "sch_start_time", "sch_end_time", "visit_start_time", "visit_end_time", "evv_start_time"),
        *("evv_end_time", "provider_id", "provider_name", "office_id", "aide_code", "patient_id", "p_zip_code"),
        *("latitude", "longitude", "contract", "service_code", "rate_type", "billed", "rate"),
    )
)
FLAGS = (
    "same_sch_time",
    "same_visit_time",
    "sch_and_visit_time_same",
    "sch_over_another_sch_time",
    "visit_time_over_another_visit_time",
    "sch_time_over_visit_time",
    "distance",
)
EARTH_RADIUS_MILES = 3958.7613
MINUTES_PER_HOUR = 60


def find_conflicts(visits: pd.DataFrame) -> pd.DataFrame:
    """Return the conflict rows, both directions, with 60 columns."""
    merged = _merge(visits)
    _flag_times(merged)
    _flag_distance(merged)
    conflicts = merged[merged[list(FLAGS)].any(axis=1)]
    return conflicts[[*OWN_COLUMNS, *OTHER_COLUMNS, *FLAGS, "distance_miles", "average_miles_per_hour", "eta"]]


def _merge(visits: pd.DataFrame) -> pd.DataFrame:
    one_actual = visits["visit_start_time"].isna() ^ visits["visit_end_time"].isna()
    visits = visits[~one_actual]
    others = visits.rename(columns={name: f"con_{name}" for name in visits if name not in {"ssn", "visit_date"}})
    merged = visits.merge(others, on=["ssn", "visit_date"])
    return merged[merged["provider_id"] != merged["con_provider_id"]].reset_index(drop=True)


def _flag_times(merged: pd.DataFrame) -> None:
    actual = merged["visit_start_time"].notna()
    con_actual = merged["con_visit_start_time"].notna()
    start = merged["visit_start_time"].where(actual, merged["sch_start_time"])
    end = merged["visit_end_time"].where(actual, merged["sch_end_time"])
    con_start = merged["con_visit_start_time"].where(con_actual, merged["con_sch_start_time"])
    con_end = merged["con_visit_end_time"].where(con_actual, merged["con_sch_end_time"])
    same = (start == con_start) & (end == con_end)
    over = (start < con_end) & (con_start < end) & ~same
    both, neither, mixed = actual & con_actual, ~actual & ~con_actual, actual ^ con_actual
    for flag, holds in zip(
        FLAGS, (same & neither, same & both, same & mixed, over & neither, over & both, over & mixed), strict=False
    ):
        merged[flag] = holds
    gap = (con_start - end).where(con_start >= end, start - con_end)
    merged["minutes_between"] = gap.dt.total_seconds() / 60
    merged["apart"] = both & ~same & ~over


def _flag_distance(merged: pd.DataFrame) -> None:
    latitude, con_latitude = np.radians(merged["latitude"]), np.radians(merged["con_latitude"])
    half_longitude = np.radians(merged["con_longitude"] - merged["longitude"]) / 2
    haversine = (
        np.sin((con_latitude - latitude) / 2) ** 2
        + np.cos(latitude) * np.cos(con_latitude) * np.sin(half_longitude) ** 2
    )
    miles = np.round(2 * EARTH_RADIUS_MILES * np.arcsin(np.sqrt(haversine)) * 1.25, 2)
    speed = np.select([miles < 5, miles < 10, miles < 20, miles >= 20], [4.0, 10.0, 25.0, 50.0], default=np.nan)
    merged["distance_miles"] = miles
    merged["average_miles_per_hour"] = speed
    merged["eta"] = np.round(miles / speed * MINUTES_PER_HOUR, 2)
    zips_differ = merged["p_zip_code"] != merged["con_p_zip_code"]
    late = (merged["minutes_between"] > 0) & (merged["eta"] > merged["minutes_between"])
    merged["distance"] = merged["apart"] & zips_differ & late
