"""The planted check of the demonstration.

Every planted conflict must be found, and nothing that is known to be clean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq

from conflict_assets.assets.prefix_detection import detection_policy
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.partitions import are_all_prefixes
from conflict_assets.settings import Settings
from conflict_assets.source.synthetic.paths import planted_path_of
from conflict_assets.store.store_factory import conflict_store


@dataclass(frozen=True)
class PlantedCheck:
    """Counts of planted, found and unexpected pairs in the window.

    `found` counts the planted conflicts that were found, and `unexpected` those found that were not planted.
    """

    planted: int
    found: int
    unexpected: int

    @property
    def holds(self) -> bool:
        """Whether all planted conflicts were found, and nothing else."""
        return self.found == self.planted and self.unexpected == 0


def check_planted(settings: Settings, run_ids: Sequence[str]) -> PlantedCheck | None:
    """Compare what these runs have left with what was planted.

    The result is None where nothing can be concluded: the source is not the generated one, the runs did not cover all
    prefixes, or somebody has changed the policy or excluded someone, so that other conflicts are right.
    """
    path = planted_path_of(settings.generated_path)
    if not settings.may_generate or not path.exists():
        return None
    with conflict_store(settings) as store:
        runs = [run for run_id in run_ids for run in store.runs.summary(run_id)]
        excluded = store.administration.exclusions()
        usual = detection_policy(settings, store) == DetectionPolicy() and not (excluded.agencies or excluded.ssns)
        if not usual or not are_all_prefixes({run.prefix for run in runs}, settings.ssn_prefix_length):
            return None
        first = max(run.first_date for run in runs)
        last = min(run.last_date for run in runs)
        held = store.conflicts.held_pairs(first, last)
    with pq.ParquetFile(path) as file:
        planted = file.read(columns=["visit_id", "con_visit_id", "visit_date", "con_visit_date"])
    dates = (planted["visit_date"], planted["con_visit_date"])
    inside = [pc.and_(pc.greater_equal(each, first), pc.less_equal(each, last)) for each in dates]
    rows = planted.filter(pc.and_(*inside))
    wanted = set(zip(rows["visit_id"].to_pylist(), rows["con_visit_id"].to_pylist(), strict=True))
    return PlantedCheck(planted=len(wanted), found=len(wanted & held), unexpected=len(held - wanted))
