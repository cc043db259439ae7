"""What one run brings for one prefix, and the outcome of its commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.domain.policy import DetectionPolicy


@dataclass(frozen=True, kw_only=True)
class PrefixCommit:
    """Everything that a run has found for one prefix.

    `as_of` is the snapshot's time (aware). `new_since` is the instant at which the snapshot's date began in the
    schedule's zone: conflicts that were first detected since then are new. The window is `first_date` to `last_date`,
    both included. `conflicts` holds both rows of every conflict, and `visits` holds each visit that is in a conflict.
    `left_out` returns (`visit_id`, `outcome`): why other visits are out. It is called when a conflict has gone.
    `policy` is the policy by which pairs were judged. `counts` holds the source's counts of visits. A prefix whose
    `contested` is 0 gets no position.
    """

    prefix: str
    run_id: str
    root_run_id: str
    as_of: datetime
    new_since: datetime
    first_date: date
    last_date: date
    conflicts: pa.Table
    visits: pa.Table
    left_out: Callable[[], pa.Table]
    policy: DetectionPolicy
    counts: Mapping[str, int]
    batches_total: int
    detect_seconds: float
    resumed: Sequence[str] = ()
    """Earlier runs that this run continues. Positions are counted over the commits of all of them."""


@dataclass(frozen=True, kw_only=True)
class CommitOutcome(ConflictCounts):
    """What a commit did, counted in conflicts (pairs).

    `rows` counts the conflict rows that were found. `position` is the k of `[k/N]`: how many prefixes the run and the
    runs that it continues have committed. When the same root run repeats a commit, the outcome counts what the chain of
    runs did in all.
    """

    position: int
    rows: int
    unchanged: int
    write_seconds: float
