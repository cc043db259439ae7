"""The size of the invented world.

It includes how often caregivers work for two agencies at once.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from conflict_assets.domain.window import DAYS_AHEAD, window_at
from conflict_assets.partitions import all_prefixes

TIME_ZONE = "America/New_York"

EMPTY_PREFIXES = ("37", "66", "90")
"""Two-digit prefixes that no caregiver has. No caregiver has a placeholder of nine zeros or nines as SSN either."""

PREFIXES = tuple(prefix for prefix in all_prefixes(2) if prefix not in EMPTY_PREFIXES)

FEWEST_VISITS = 5_000
MOST_VISITS = 1_000_000_000
MOST_CONFLICT_SHARE = 0.1

VISITS_PER_CAREGIVER = 500
SHARE_AT_SEVERAL_AGENCIES = 0.15
BLOCKS = 63
SCENARIOS_PER_BLOCK = 4
VISITS_PER_CROWD = 2_000_000
FIRST_OF_CROWDS = 9_000_000


@dataclass(frozen=True)
class Plan:
    """The arguments of a generation, checked, and what follows from them."""

    visits: int
    seed: int
    as_of: date
    conflict_share: float

    def __post_init__(self) -> None:
        _check_whole("visits", self.visits, FEWEST_VISITS, MOST_VISITS)
        _check_whole("seed", self.seed, 0, 2**62)
        if isinstance(self.as_of, datetime) or not isinstance(self.as_of, date):
            raise ValueError(f"as_of is {self.as_of!r}; allowed: a date without a time")
        share = self.conflict_share
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= MOST_CONFLICT_SHARE:
            raise ValueError(f"conflict_share is {share!r}; allowed: 0 to {MOST_CONFLICT_SHARE}")

    @property
    def several(self) -> int:
        """How many caregivers work for two agencies or more.

        They are enough for every prefix as soon as that is realistic.
        """
        caregivers = self.visits / VISITS_PER_CAREGIVER
        return max(math.ceil(SHARE_AT_SEVERAL_AGENCIES * caregivers), min(len(PREFIXES), int(caregivers / 6)))

    @property
    def crowds(self) -> int:
        """How many SSNs are shared by crowds.

        They come in pairs. One has more visits than is believed of a person, and one has exactly as many.
        """
        return 2 * (1 + self.visits // VISITS_PER_CROWD)

    def block_share(self, conflict_visits_per_scenario: float) -> float:
        """The share of day blocks that are worked at several agencies.

        It is chosen to reach the share of conflicts.
        """
        scenarios = self.conflict_share * self.visits / conflict_visits_per_scenario
        return min(1.0, scenarios / (self.several * BLOCKS * SCENARIOS_PER_BLOCK))

    def variables(self) -> dict[str, object]:
        """The values that the SQL reads as variables."""
        agencies = min(600, max(24, self.visits // VISITS_PER_CAREGIVER // 150))
        now = datetime.combine(self.as_of, time(1), ZoneInfo(TIME_ZONE))
        window_day = (window_at(now, TIME_ZONE).first - self.as_of).days
        return {
            "seed": self.seed,
            "as_of": self.as_of,
            "now": now,
            "prefixes": list(PREFIXES),
            "multi": self.several,
            "active_agencies": agencies,
            "inactive_agencies": 3 + agencies // 40,
            "demo_agencies": 2 + agencies // 80,
            "window_day": window_day,
            "first_day": window_day - 10,
            "last_day": DAYS_AHEAD + 15,
        }


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}; allowed: a whole number from {least:,} to {most:,}")
