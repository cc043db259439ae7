"""The look-up of two visits in the source and in the store.

The engine then explains the pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from conflict_assets.assets.prefix_detection import detection_policy
from conflict_assets.assets.source_reading import visit_query
from conflict_assets.domain.explanation import Explanation, explain_pair
from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.domain.reasons import RejectReason
from conflict_assets.domain.window import Window
from conflict_assets.partitions import all_prefixes
from conflict_assets.settings import Settings
from conflict_assets.source.source_factory import visit_source
from conflict_assets.store.conflict_lookup import StoredConflict
from conflict_assets.store.decision_types import Pair
from conflict_assets.store.store_factory import conflict_store

Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Facts about two visits at this moment.

    A row is missing where the source has no visit with that id. `namesakes` counts the other rows of each visit id:
    older ones, and those of other caregivers. `stored` has what the store knows of the two: none, one, or one for each
    SSN that they are under.
    """

    rows: tuple[Row | None, Row | None]
    namesakes: tuple[int, int]
    policy: DetectionPolicy
    window: Window
    explanation: Explanation | None
    stored: tuple[StoredConflict, ...]


class UnknownVisitError(Exception):
    """Nothing is known of a visit.

    It is neither in the source nor, with the other one, in the store.
    """


def explain_visits(settings: Settings, pair: Pair) -> Explained:
    """Look two visits up in the source and in the store.

    The source is read as the next run would read it, and the store is read as the last run left it.

    Raises:
        UnknownVisitError: nothing is known of one of them.
        SourceError, StoreError: source or store can't be read.
    """
    ids = [pair.visit_id or "", pair.con_visit_id or ""]
    with conflict_store(settings) as store:
        query = visit_query(settings, store, all_prefixes(settings.ssn_prefix_length), datetime.now(tz=UTC))
        policy = detection_policy(settings, store)
        stored = tuple(store.conflicts.of_pair(pair.pair_id))
    with visit_source(settings).open(run_id="explain") as reader:
        reader.check_contract()
        found = reader.look_up(query, ids).to_pylist()
    of_id = [[row for row in found if row["visit_id"] == visit_id] for visit_id in ids]
    unknown = [visit_id for visit_id, rows in zip(ids, of_id, strict=True) if not rows]
    if unknown and not stored:
        raise UnknownVisitError(
            f"visit {' and visit '.join(unknown)} is not in the source, and the store knows no conflict of the two; "
            "allowed: ids as the source has them"
        )
    one, other = _best(of_id[0], of_id[1])
    return Explained(
        rows=(one, other),
        namesakes=(max(0, len(of_id[0]) - 1), max(0, len(of_id[1]) - 1)),
        policy=policy,
        window=Window(first=query.first_date, last=query.last_date),
        explanation=explain_pair(one, other, policy) if one and other else None,
        stored=stored,
    )


def _best(ones: Sequence[Row], others: Sequence[Row]) -> tuple[Row | None, Row | None]:
    """Return the newest row of each id, of the same caregiver if possible."""

    def newest(rows: Sequence[Row]) -> list[Row]:
        return sorted(rows, key=lambda row: row["outcome"] == RejectReason.DUPLICATE_VISIT_ID)

    pairs = [(one, other) for one in newest(ones) for other in newest(others) if one["ssn"] == other["ssn"]]
    if pairs:
        return pairs[0]
    return next(iter(newest(ones)), None), next(iter(newest(others)), None)
