"""Rates per minute of visits in conflict."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from conflict_assets.domain.columns.visit_columns import VisitColumns
from conflict_assets.domain.impact import assess
from conflict_assets.domain.visits import REQUIRED_COLUMNS

NINE = pd.Timestamp("2024-05-01 09:00", tz="UTC")
NAN, INFINITE = float("nan"), float("inf")


def rate_of(**changes: Any) -> float | None:
    known = dict.fromkeys(REQUIRED_COLUMNS) | {"sch_start_time": NINE, "sch_end_time": NINE + pd.Timedelta(hours=2)}
    visit = VisitColumns(pd.DataFrame([known | changes]))
    rate = assess(visit, np.array([0]), np.array([False])).rate_per_minute[0]
    return None if np.isnan(rate) else float(rate)


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({"rate": 30.0, "rate_type": "Hourly"}, 0.5),
        ({"rate": 30.0, "rate_type": " HOURLY "}, 0.5),
        ({"rate": "30", "rate_type": "Hourly"}, 0.5),
        ({"rate": 30.0, "rate_type": "Daily"}, 0.25),
        ({"rate": 30.0, "rate_type": "visit"}, 0.25),
        ({"rate": 30.0, "rate_type": "Visit", "billed": True, "billed_hours": 5.0}, 0.1),
        ({"rate": 30.0, "rate_type": "Visit", "billed": "yes", "billed_hours": 5.0}, 0.1),
        ({"rate": 30.0, "rate_type": "Visit", "billed": "no", "billed_hours": 5.0}, 0.25),
        ({"rate": 30.0, "rate_type": "Visit", "billed": True}, None),
        ({"rate": 30.0, "rate_type": "Visit", "billed": True, "billed_hours": 0.0}, None),
        ({"rate": 30.0, "rate_type": "Visit", "billed": True, "billed_hours": INFINITE}, None),
        ({"rate": 30.0, "rate_type": "Visit", "billed": True, "billed_hours": 1e-320}, None),
        ({"rate": 30.0, "rate_type": "Visit", "sch_end_time": pd.NaT}, None),
        ({"rate": 30.0, "rate_type": "Visit", "sch_end_time": NINE}, None),
        ({"rate": 30.0, "rate_type": "Weekly"}, None),
        ({"rate": 30.0, "rate_type": None}, None),
        ({"rate": 30.0}, None),
        ({"rate": 0.0, "rate_type": "Hourly"}, None),
        ({"rate": -30.0, "rate_type": "Hourly"}, None),
        ({"rate": INFINITE, "rate_type": "Hourly"}, None),
        ({"rate": NAN, "rate_type": "Hourly"}, None),
        ({"rate": "thirty", "rate_type": "Hourly"}, None),
        ({"rate": None, "billed_rate": 60.0, "billed": True, "rate_type": "Hourly"}, None),
        ({"billed_rate": 60.0, "bill_rate_non_billed": 6.0, "billed": True, "rate_type": "Hourly"}, 1.0),
        ({"billed_rate": 60.0, "bill_rate_non_billed": 6.0, "rate_type": "Hourly"}, 0.1),
        ({"billed_rate": 60.0, "rate_type": "Hourly"}, None),
        ({"rate_type": "Hourly"}, None),
    ],
)
def test_a_rate_is_positive_and_finite_or_missing(changes: dict[str, Any], rate: float | None):
    assert rate_of(**changes) == rate
