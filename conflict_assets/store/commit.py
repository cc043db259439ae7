"""What one run brings for one prefix, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from conflict_assets.domain.policy import DetectionPolicy


@dataclass(frozen=True, kw_only=True)
class PrefixCommit:
    """Everything a run has found for one prefix.

    `as_of` is the snapshot's time (aware), `new_since` the instant at which its date began in the schedule's zone:
    conflicts that were first detected since then are new. The window is `first_date` to `last_date`, both in.
    `conflicts` holds both rows of every conflict, `visits` each visit that is in one. `left_out` gives (`visit_id`,
    `outcome`) why other visits are out; it is asked when a conflict has gone. `policy` is what pairs were judged by.
    `counts` are the source's counts of visits; a prefix whose `contested` is 0 gets no position.
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
    """Earlier runs that this one goes on with: positions are counted over what they and it have committed."""


@dataclass(frozen=True, kw_only=True)
class CommitOutcome:
    """What a commit did, in conflicts (pairs); `rows` counts the conflict rows that were found.

    `position` is the k of `[k/N]`: how many prefixes the run, and those that it goes on with, have committed.
    Repeated by the same root run, a commit reports what the chain of runs did in all.
    """

    position: int
    conflicts: int
    rows: int
    new: int
    changed: int
    resolved: int
    reopened: int
    unchanged: int
    write_seconds: float
