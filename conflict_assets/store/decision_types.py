"""Decisions, and the pairs that they are about, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from re import fullmatch

from conflict_assets.domain.conflict_ids import DIGEST_DIGITS, pair_id
from conflict_assets.domain.normalization import trimmed


class DecisionValue(StrEnum):
    """What is decided.

    `CLEARED` takes a decision back.
    """

    WHITELISTED = "whitelisted"
    IGNORED = "ignored"
    CLEARED = "cleared"


class Origin(StrEnum):
    """Where a decision comes from.

    An import never overwrites a person's decision.
    """

    PERSON = "person"
    IMPORT = "import"


@dataclass(frozen=True)
class Pair:
    """A conflict by its name.

    The visit ids are known when the conflict was named by them. `visit_id` is the smaller one.
    """

    pair_id: str
    visit_id: str | None = None
    con_visit_id: str | None = None

    def __str__(self) -> str:
        """Return the name that was given."""
        return self.pair_id if self.visit_id is None else f"{self.visit_id},{self.con_visit_id}"


@dataclass(frozen=True)
class Decision:
    """One decision about one conflict, and why."""

    pair: Pair
    value: DecisionValue
    reason: str


@dataclass(frozen=True)
class DecisionOutcome:
    """The outcome of writing decisions.

    `written` counts the decisions that were written. `unchanged` counts the decisions that are the same as what is
    stored and, of an import, those that a person has decided.
    """

    given: int
    written: int
    unchanged: int
    unseen: tuple[Pair, ...] = ()
    """The imported decisions about conflicts that the store does not hold."""


@dataclass(frozen=True, kw_only=True)
class MadeDecision:
    """One decision about a pair, as somebody made it.

    `holds` is true for the decision that counts.
    """

    pair_id: str
    decision: str
    reason: str
    decided_by: str
    decided_at: datetime
    holds: bool


def pair_of_visits(visit_id: str, con_visit_id: str) -> Pair:
    """Return the conflict of two visits, named as the engine names it.

    The visits may be given in either order.

    Raises:
        ValueError: an id is empty, or the two are the same.
    """
    low, high = sorted((trimmed(visit_id), trimmed(con_visit_id)))
    if not low or low == high:
        raise ValueError(f"a conflict has two different visits; found {visit_id!r} and {con_visit_id!r}")
    return Pair(pair_id(low, high), low, high)


def parse_pair(text: str) -> Pair:
    """Read a conflict's name.

    The name is its `pair_id`, or its two visit ids with a comma between them.

    Raises:
        ValueError: the text is neither.
    """
    given = trimmed(text)
    if fullmatch(rf"[0-9a-fA-F]{{{DIGEST_DIGITS}}}", given):
        return Pair(given.lower())
    visit, comma, con_visit = given.partition(",")
    if not comma:
        raise ValueError(
            f"pair {given!r} is neither a pair_id ({DIGEST_DIGITS} hex digits) nor two visit ids with a comma between"
        )
    return pair_of_visits(visit, con_visit)
