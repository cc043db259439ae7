"""Invented nights for the benchmark: conflict rows with their visits, every column filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.decision_types import pair_of_visits
from conflict_assets.store.stored_columns import FLAGS, STORED_CONFLICT, STORED_VISIT

FIRST, LAST = date(2024, 1, 1), date(2026, 3, 1)
START = datetime(2026, 1, 15, 2, tzinfo=UTC)
PAIRS_A_CAREGIVER = 20


@dataclass(frozen=True)
class InventedNight:
    """The conflict rows and the visits of one prefix."""

    prefix: str
    conflicts: pa.Table
    visits: pa.Table

    def commit(self, number: int) -> PrefixCommit:
        return PrefixCommit(
            prefix=self.prefix,
            run_id=f"run-{number}",
            root_run_id=f"run-{number}",
            as_of=START + timedelta(days=number),
            new_since=START + timedelta(days=number, hours=-2),
            first_date=FIRST,
            last_date=LAST,
            conflicts=self.conflicts,
            visits=self.visits,
            left_out=lambda: pa.table({"visit_id": pa.array([], pa.string()), "outcome": pa.array([], pa.string())}),
            policy=DetectionPolicy(),
            counts={"visits_seen": self.visits.num_rows, "contested": self.visits.num_rows, "usable": 1},
            batches_total=10,
            detect_seconds=0.0,
        )


@dataclass(frozen=True)
class InventedSide:
    """One side of every conflict, with its visits and its agency's letter."""

    visits: list[str]
    agency: str

    def agencies(self) -> list[str]:
        return [f"{self.agency}{number % 50:03d}" for number in range(len(self.visits))]


@dataclass(frozen=True)
class Frame:
    """The data that the two sides share.

    It has caregivers, days, and which conflicts differ from the first night.
    """

    ssns: list[str]
    days: pd.DatetimeIndex
    differs: np.ndarray


def invent(prefix: str, pairs: int, *, changed: float = 0.0) -> InventedNight:
    """Return a night of `pairs` conflicts, two rows each.

    In the share `changed` of them, the overlap and a visit of the two differ.
    """
    number = np.arange(pairs)
    frame = Frame(
        ssns=[f"{prefix}{n // PAIRS_A_CAREGIVER:07d}" for n in number],
        days=pd.Timestamp(FIRST) + pd.to_timedelta(number % 700, unit="D"),
        differs=number < round(pairs * changed),
    )
    one = InventedSide([f"{prefix}V{n:08d}A" for n in number], "P")
    other = InventedSide([f"{prefix}V{n:08d}B" for n in number], "Q")
    names = pd.Series([pair_of_visits(*pair).pair_id for pair in zip(one.visits, other.visits, strict=True)])
    conflicts = pd.concat([_conflicts(frame, one, other, names), _conflicts(frame, other, one, names)])
    visits = pd.concat([_visits(frame, one, frame.differs), _visits(frame, other, frame.differs & False)])
    conflicts = conflicts.sort_values(["ssn", "visit_id"])
    return InventedNight(prefix, _table(conflicts, STORED_CONFLICT), _table(visits, STORED_VISIT))


def _conflicts(frame: Frame, mine: InventedSide, other: InventedSide, names: pd.Series) -> pd.DataFrame:
    number = np.arange(len(names))
    overlap = np.where(frame.differs, 45.0, 30.0)
    return pd.DataFrame(
        {
            "ssn": frame.ssns,
            "visit_id": mine.visits,
            "con_visit_id": other.visits,
            "provider_id": mine.agencies(),
            "con_provider_id": other.agencies(),
            "visit_date": frame.days,
            "con_visit_date": frame.days,
            **{flag: number % 3 == rule - 4 for rule, flag in enumerate(FLAGS, 1)},
            "distance_miles": 3.25,
            "average_miles_per_hour": 4.0,
            "eta_travel_minutes": 48.75,
            "conflict_type": "overlap",
            "overlap_minutes": overlap,
            "minutes_between": 0.0,
            "crosses_midnight": False,
            "pair_id": names,
            "group_id": names,
            "visit_type": "confirmed",
            "cost_type": "avoidance",
            "rate_per_minute": 0.45,
            "shift_amount": 108.0,
            "overlap_amount": 0.45 * overlap,
        }
    )


def _visits(frame: Frame, side: InventedSide, differs: np.ndarray) -> pd.DataFrame:
    """Return visits with every column filled: texts by number, times in the morning."""
    number = np.arange(len(side.visits))
    columns: dict[str, Sequence] = {}
    for field in STORED_VISIT:
        if field.type == pa.string():
            columns[field.name] = [f"{field.name[:12]} {n % 997}" for n in number]
        elif field.type == pa.float64():
            columns[field.name] = 40.0 + number % 89 / 7
        elif field.type == pa.bool_():
            columns[field.name] = number % 2 == 0
        elif field.type == pa.date32():
            columns[field.name] = frame.days
        else:
            columns[field.name] = (frame.days + pd.Timedelta(hours=9)).tz_localize("UTC")
    own = {"visit_id": side.visits, "ssn": frame.ssns, "provider_id": side.agencies()}
    return pd.DataFrame(columns | own | {"aide_name": np.where(differs, "Changed", "Same")})


def _table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
