"""Small nights for tests: conflicts by a few words, and the commit around them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pyarrow as pa

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.window import start_of_day
from conflict_assets.store.commit import PrefixCommit
from conflict_assets.store.stored_columns import FLAGS, STORED_CONFLICT, STORED_VISIT

SSN = "040000001"
DAY = date(2026, 1, 5)
WINDOW = (date(2024, 1, 1), date(2026, 3, 1))
START = datetime(2026, 1, 6, 2, tzinfo=UTC)
ZONE = "America/New_York"


@dataclass(frozen=True)
class Pair:
    """A conflict of two visits, agency P before agency Q."""

    a: str = "a"
    b: str = "b"
    ssn: str = SSN
    day: date = DAY
    con_day: date | None = None
    rule: int = 5
    overlap: float = 60.0
    group: str = ""
    agency: str = "P"
    con_agency: str = "Q"
    shift_amount: float | None = 100.0
    visit: Mapping[str, Any] | None = None
    rate: float = 0.5

    @property
    def pair_id(self) -> str:
        text = "".join(f"{len(one.encode())}:{one}" for one in sorted((self.a, self.b)))
        return sha256(text.encode()).hexdigest()[:32]

    def sides(self) -> Iterable[dict[str, Any]]:
        con_day = self.con_day or self.day
        one = (self.a, self.agency, self.day)
        other = (self.b, self.con_agency, con_day)
        for (visit, agency, day), (con_visit, con_agency, con) in ((one, other), (other, one)):
            yield {
                "ssn": self.ssn,
                "visit_id": visit,
                "con_visit_id": con_visit,
                "provider_id": agency,
                "con_provider_id": con_agency,
                "visit_date": day,
                "con_visit_date": con,
                **{flag: number == self.rule for number, flag in enumerate(FLAGS, 1)},
                "conflict_type": "exact" if self.rule < 4 else "overlap" if self.rule < 7 else "travel",
                "overlap_minutes": self.overlap,
                "minutes_between": 0.0,
                "crosses_midnight": day != con,
                "pair_id": self.pair_id,
                "group_id": self.group or self.pair_id,
                "visit_type": "confirmed",
                "cost_type": "avoidance",
                "rate_per_minute": self.rate,
                "shift_amount": self.shift_amount,
                "overlap_amount": self.rate * self.overlap,
            }

    def visits(self) -> Iterable[dict[str, Any]]:
        extra = dict(self.visit or {})
        yield {"visit_id": self.a, "ssn": self.ssn, "provider_id": self.agency, "visit_date": self.day} | extra
        yield {"visit_id": self.b, "ssn": self.ssn, "provider_id": self.con_agency} | {
            "visit_date": self.con_day or self.day
        }


def night(
    pairs: Iterable[Pair],
    *,
    number: int = 1,
    prefix: str = "04",
    window: tuple[date, date] = WINDOW,
    zone: str = ZONE,
    left_out: Mapping[str, str] | None = None,
    counts: Mapping[str, int] | None = None,
    **changes: Any,
) -> PrefixCommit:
    """A prefix's commit of the night with this number: its run, and a snapshot a day later for each number."""
    pairs = list(pairs)
    sides = sorted((side for pair in pairs for side in pair.sides()), key=lambda side: (side["ssn"], side["visit_id"]))
    visits = {(visit["ssn"], visit["visit_id"]): visit for pair in pairs for visit in pair.visits()}
    values: dict[str, Any] = {
        "prefix": prefix,
        "run_id": f"run-{number}",
        "root_run_id": f"run-{number}",
        "as_of": START + timedelta(days=number),
        "first_date": window[0],
        "last_date": window[1],
        "conflicts": pa.Table.from_pylist(sides, schema=STORED_CONFLICT),
        "visits": pa.Table.from_pylist(list(visits.values()), schema=STORED_VISIT),
        "left_out": partial(_left_out, left_out or {}),
        "policy": DetectionPolicy(),
        "counts": counts or {"visits_seen": 1000, "contested": 100, "usable": 900},
        "batches_total": 97,
        "detect_seconds": 0.1,
    }
    values |= changes
    return PrefixCommit(**{"new_since": start_of_day(values["as_of"], zone)} | values)


def _left_out(outcomes: Mapping[str, str]) -> pa.Table:
    ids, reasons = (pa.array(list(each), pa.string()) for each in (outcomes, outcomes.values()))
    return pa.table({"visit_id": ids, "outcome": reasons})
