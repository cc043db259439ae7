"""Visits of one prefix, as a warehouse holds them before pruning.

They have 51 columns, and there are 497 visits a caregiver.
"""

import numpy as np
import pandas as pd

VISITS_PER_CAREGIVER = 497
DAYS = 775
VISITS_PER_WORKDAY = (0.25, 0.25, 0.25, 0.25)
"""The shares of workdays with one to four visits."""

MINUTE = np.timedelta64(1, "m")
FIRST_DAY = np.datetime64("2024-01-01", "D")
RATE_TYPES = np.array(["Hourly", "Daily", "Visit"])


def make_visits(count: int, conflict_share: float, seed: int = 7) -> pd.DataFrame:
    """Make `count` visits in random order, the same for each seed.

    About `conflict_share` of them are in a conflict.
    """
    rng = np.random.default_rng(seed)
    shifts = _shifts(rng, count, several_agencies=0.15 if conflict_share < 0.1 else 0.6)
    _plant(rng, shifts, round(count * conflict_share / 2))
    frame = pd.DataFrame(_columns(rng, shifts))
    return frame.iloc[rng.permutation(count)].reset_index(drop=True)


def _shifts(rng: np.random.Generator, count: int, *, several_agencies: float) -> dict[str, np.ndarray]:
    """Lay out the shifts of each day, four hours apart.

    Some caregivers divide their shifts between two agencies.
    """
    caregivers = -(-count // VISITS_PER_CAREGIVER)
    workdays = round(VISITS_PER_CAREGIVER / np.dot(VISITS_PER_WORKDAY, (1, 2, 3, 4)) * 1.1)
    visits = rng.choice((1, 2, 3, 4), p=VISITS_PER_WORKDAY, size=caregivers * workdays)
    chosen = np.repeat(np.arange(len(visits)), visits)[:count]
    caregiver = chosen // workdays
    days = np.concatenate([np.sort(rng.choice(DAYS, size=workdays, replace=False)) for _ in range(caregivers)])[chosen]
    nth = np.arange(count) - np.searchsorted(chosen, chosen)
    home, second = rng.integers(0, 400, caregivers), rng.integers(400, 800, caregivers)
    divides = (rng.random(caregivers) < several_agencies)[caregiver] & (rng.random(count) < 0.5)
    return {
        "caregiver": caregiver,
        "day": days,
        "nth": nth,
        "agency": np.where(divides, second[caregiver], home[caregiver]),
        "start": 7 * 60 + 240 * nth + rng.integers(0, 45, count),
        "length": rng.choice((60, 90, 120), count),
    }


def _plant(rng: np.random.Generator, shifts: dict[str, np.ndarray], conflicts: int) -> None:
    """Move some shifts into the one before, which is at another agency."""
    agency, start = shifts["agency"], shifts["start"]
    able = np.flatnonzero((shifts["nth"] > 0) & (agency != np.roll(agency, 1)))
    # Two in a row are left out: each conflict has its own two visits.
    able = able[np.diff(able, prepend=-2) > 1]
    moved = rng.choice(able, size=min(conflicts, len(able)), replace=False)
    start[moved] = start[moved - 1] + rng.choice((0, 15, 30, 45), len(moved))
    exact = start[moved] == start[moved - 1]
    shifts["length"][moved[exact]] = shifts["length"][moved[exact] - 1]


def _columns(rng: np.random.Generator, shifts: dict[str, np.ndarray]) -> dict[str, object]:
    return {
        **_who_and_when(rng, shifts),
        **_people(rng, shifts),
        **_places(rng, shifts),
        **_money(rng, shifts),
    }


def _who_and_when(rng: np.random.Generator, shifts: dict[str, np.ndarray]) -> dict[str, object]:
    count = len(shifts["day"])
    midnight = (FIRST_DAY + shifts["day"]).astype("datetime64[us]")
    start = midnight + shifts["start"] * MINUTE
    end = start + shifts["length"] * MINUTE
    worked = rng.random(count) < 0.85
    nothing = np.datetime64("NaT")
    times = {
        "sch_start_time": start,
        "sch_end_time": end,
        "visit_start_time": np.where(worked, start, nothing),
        "visit_end_time": np.where(worked, end, nothing),
        "evv_start_time": np.where(worked, start, nothing),
        "evv_end_time": np.where(worked, end, nothing),
        "last_updated_date": end + MINUTE,
    }
    return {
        "visit_id": _ids("V", rng.permutation(count) * 7919, 11),
        "app_visit_id": _ids("", np.arange(count), 9),
        "ssn": _ids("04", shifts["caregiver"] * 739 % 10**7, 7),
        "visit_date": midnight,
        "visit_status": _pick(rng, ["Confirmed", "Billed", "Scheduled"], count),
        "evv_type": _pick(rng, ["Mobile", "Phone"], count),
        "is_missed": np.zeros(count, dtype=bool),
        "missed_visit_reason": pd.array([None] * count, dtype="str"),
        **{name: pd.Series(values).dt.tz_localize("UTC") for name, values in times.items()},
    }


def _people(rng: np.random.Generator, shifts: dict[str, np.ndarray]) -> dict[str, object]:
    count, agency, caregiver = len(shifts["day"]), shifts["agency"], shifts["caregiver"]
    patient = caregiver * 5 + rng.integers(0, 5, count)
    return {
        "provider_id": _ids("P", agency, 4),
        "app_provider_id": _ids("", agency, 6),
        "provider_name": _ids("Agency ", agency, 4),
        "agency_phone": _ids("212-555-", agency, 4),
        "federal_tax_number": _ids("12-", agency, 7),
        "provider_state": _pick(rng, ["NY", "NJ", "PA"], count),
        "office_id": _ids("O", agency * 2, 5),
        "office": _ids("Office ", agency * 2, 4),
        "caregiver_id": _ids("C", caregiver, 8),
        "aide_code": _ids("A", caregiver, 6),
        "aide_first_name": _ids("First", caregiver % 500, 3),
        "aide_last_name": _ids("Last", caregiver % 900, 3),
        "aide_status": _pick(rng, ["Active", "On leave"], count),
        "patient_id": _ids("PT", patient, 8),
        "p_admission_id": _ids("AD", patient, 8),
        "p_first_name": _ids("Pat", patient % 700, 3),
        "p_last_name": _ids("Client", patient % 999, 3),
        "p_medicaid_number": _ids("MD", patient, 8),
        "p_status": _pick(rng, ["Active", "Hospitalized"], count),
    }


def _places(rng: np.random.Generator, shifts: dict[str, np.ndarray]) -> dict[str, object]:
    count, caregiver = len(shifts["day"]), shifts["caregiver"]
    centre = rng.random((2, caregiver.max() + 1))
    return {
        "p_address_line_1": _ids("Main Street ", rng.integers(1, 9999, count), 4),
        "p_city": _pick(rng, ["Bronx", "Brooklyn", "Queens", "Newark"], count),
        "p_state": _pick(rng, ["NY", "NJ"], count),
        "p_zip_code": _ids("", 10000 + rng.integers(0, 300, count), 5),
        "p_county": _pick(rng, ["Kings", "Queens", "Bronx"], count),
        "latitude": np.round(40.5 + 0.4 * centre[0][caregiver] + 0.02 * rng.random(count), 6),
        "longitude": np.round(-74.1 + 0.4 * centre[1][caregiver] + 0.02 * rng.random(count), 6),
    }


def _money(rng: np.random.Generator, shifts: dict[str, np.ndarray]) -> dict[str, object]:
    count = len(shifts["day"])
    billed, hours = rng.random(count) < 0.5, shifts["length"] / 60
    rate = np.round(rng.uniform(18, 40, count), 2)
    return {
        "payer_id": _ids("Y", rng.integers(0, 60, count), 4),
        "contract": _ids("Contract ", rng.integers(0, 200, count), 3),
        "contract_type": _pick(rng, ["Internal", "UPR", "Payer"], count),
        "service_code": _pick(rng, ["T1019", "S5130", "T1020"], count),
        "rate_type": _pick(rng, ["Hourly", "Hourly", "Daily", "Visit"], count),
        "billed": billed,
        "billed_hours": np.where(billed, hours, np.nan),
        "rate": rate,
        "total_billed_amount": np.where(billed, np.round(rate * hours, 2), np.nan),
        "last_updated_by": _ids("User ", rng.integers(0, 500, count), 3),
    }


def _ids(prefix: str, numbers: np.ndarray, digits: int) -> pd.Series:
    distinct, position = np.unique(numbers, return_inverse=True)
    texts = pd.Series([f"{prefix}{number:0{digits}d}" for number in distinct.tolist()], dtype="str")
    return texts.take(position).reset_index(drop=True)


def _pick(rng: np.random.Generator, values: list[str], count: int) -> pd.Series:
    return pd.Series(values, dtype="str").take(rng.integers(0, len(values), count)).reset_index(drop=True)
