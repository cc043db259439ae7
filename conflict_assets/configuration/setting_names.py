"""The names of the settings, and which other names are meant to be one of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

FILE_SUFFIX = "_FILE"
"""`NAME_FILE` names a file whose content is the value of `NAME`; only secrets have it."""

OUR_BEGINNINGS = ("CONFLICTS_", "CONFLICT_")
"""No other program has variables that begin so."""

OTHERS = frozenset({"SOURCES"})
"""Variables of other programs that look like a misspelling of ours."""

ALIKE = 0.9
SUGGESTED = 0.8


@dataclass(frozen=True)
class SettingNames:
    """All names that may be set, in capitals, and those of them that hold secrets."""

    plain: frozenset[str]
    secrets: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str], secrets: Collection[str]) -> "SettingNames":
        """Take the settings' own names, in small letters."""
        every = {name.upper() for name in names}
        hidden = {name.upper() for name in secrets}
        return cls(plain=frozenset(every - hidden), secrets=frozenset(hidden))

    @property
    def known(self) -> frozenset[str]:
        """Every name that is read."""
        return self.plain | self.secrets | {f"{name}{FILE_SUFFIX}" for name in self.secrets}

    def nearest(self, name: str) -> str | None:
        """The name that is most like this one, if any is much like it."""
        found = get_close_matches(name, sorted(self.known), n=1, cutoff=SUGGESTED)
        return found[0] if found else None

    def remedy(self, name: str) -> str | None:
        """What to do about an unknown name that is meant to be one of ours; nothing where none is meant."""
        bare = name.removesuffix(FILE_SUFFIX)
        if bare != name and bare in self.plain:
            return f"only a secret may be in a file. Set {bare} itself"
        near = self.nearest(name)
        return f"did you mean {near}? Write it so, or remove it" if near else None

    def misspelled(self, environment: Iterable[str]) -> list[str]:
        """What is wrong with names of the environment that are meant to be ours, a sentence each."""
        known = self.known
        letters = {name: frozenset(name) for name in known}
        strange = sorted({name.upper() for name in environment} - known - OTHERS)
        return [self._told(name) for name in strange if self._is_meant(name, letters)]

    def _told(self, name: str) -> str:
        remedy = self.remedy(name) or "allowed: those in .env.example. Write the one that is meant, or remove it"
        return f"{name} in the environment is no setting; {remedy}."

    def _is_meant(self, name: str, letters: dict[str, frozenset[str]]) -> bool:
        bare = name.removesuffix(FILE_SUFFIX)
        if name.startswith(OUR_BEGINNINGS) or (bare != name and bare in self.plain):
            return True
        own = frozenset(name)
        # One slip takes at most one letter away and brings at most one: that leaves few to compare.
        return any(
            len(own ^ theirs) <= 2 and abs(len(known) - len(name)) <= 1 and _is_one_slip(known, name)  # noqa: PLR2004 - said above
            for known, theirs in letters.items()
        )


def _is_one_slip(known: str, name: str) -> bool:
    """Whether a letter is missing, too many, another one, or in another place: but for that, all are the same."""
    matcher = SequenceMatcher(None, known, name, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return max(len(known), len(name)) - same <= 1 and matcher.ratio() > ALIKE
