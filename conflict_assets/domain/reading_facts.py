"""How a snapshot was read from the source: in full, or by what has changed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

FULL, INCREMENTAL = "full", "incremental"


@dataclass(frozen=True, kw_only=True)
class ReadingFacts:
    """How a snapshot was read.

    `kind` is `full` or `incremental`, and `why` says why it was not incremental, or which run it carries over.
    `full_as_of` is when all of it was last read. `conditions` holds whatever else must be equal for a later night to
    carry anything over. `share` is the share of the visits that are in changed cells.
    """

    kind: str = FULL
    why: str = ""
    full_as_of: datetime | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)
    cells: int = 0
    cells_changed: int = 0
    share: float = 1.0
    rows_read: int = 0
    rows_carried: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return these facts as a manifest holds them."""
        return asdict(self) | {"full_as_of": self.full_as_of and self.full_as_of.isoformat()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "ReadingFacts":
        """Take the facts from a manifest."""
        as_of = found.get("full_as_of")
        return cls(**{**found, "full_as_of": datetime.fromisoformat(as_of) if as_of else None})
