"""What one run brings for one prefix, and the outcome of its commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.domain.policy import DetectionPolicy


@dataclass(frozen=True)
class Basis:
    """An earlier content, of which only the visits of some SSNs have changed since."""

    content: str
    ssns: pa.Array


@dataclass(frozen=True, kw_only=True)
class CommitOrigin:
    """What a commit of one prefix rests on: a run, a snapshot and a policy.

    `as_of` is the snapshot's time (aware). `new_since` is the instant at which the snapshot's date began in the
    schedule's zone: conflicts that were first detected since then are new. The window is `first_date` to `last_date`,
    both included. `policy` is the policy by which pairs are judged. `counts` holds the source's counts of visits. A
    prefix whose `contested` is 0 gets no position. `content` stands for the visits and for the code that judges them:
    where it is the same, the same rows are found under the same policy. None stands for nothing. `basis` says from what
    content it differs by a few SSNs, if that is known.
    """

    prefix: str
    run_id: str
    root_run_id: str
    as_of: datetime
    new_since: datetime
    first_date: date
    last_date: date
    policy: DetectionPolicy
    counts: Mapping[str, int]
    batches_total: int
    resumed: Sequence[str] = ()
    """Earlier runs that this run continues. Positions are counted over the commits of all of them."""
    content: str | None = None
    basis: Basis | None = None
    detect_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PrefixCommit(CommitOrigin):
    """Everything that a run has found for one prefix.

    `conflicts` holds both rows of every conflict, and `visits` holds each visit that is in a conflict. `left_out`
    returns (`visit_id`, `outcome`): why other visits are out. It is called when a conflict has gone.
    """

    conflicts: pa.Table
    visits: pa.Table
    left_out: Callable[[], pa.Table]


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
