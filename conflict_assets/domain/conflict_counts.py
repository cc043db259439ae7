"""How many conflicts there are, and how many differ from before."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class ConflictCounts:
    """The conflicts (pairs) that were found, and what has happened to conflicts.

    `new` ones were never found before, and `reopened` ones were resolved meanwhile. `changed` ones were stored
    otherwise. `resolved` ones were no longer found.
    """

    conflicts: int = 0
    new: int = 0
    changed: int = 0
    resolved: int = 0
    reopened: int = 0

    @property
    def differs(self) -> bool:
        """Whether any conflict is another than before."""
        return bool(self.new or self.changed or self.resolved or self.reopened)

    @property
    def by_name(self) -> dict[str, int]:
        """The counts alone, by their names."""
        return {each.name: getattr(self, each.name) for each in fields(ConflictCounts)}

    def __add__(self, other: "ConflictCounts") -> "ConflictCounts":
        return ConflictCounts(**{name: count + other.by_name[name] for name, count in self.by_name.items()})
