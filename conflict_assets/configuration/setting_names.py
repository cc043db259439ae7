"""The names of the settings, and likely misspellings of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

FILE_SUFFIX = "_FILE"
"""The end of a variable that names a file with a secret.

The content of the file of `NAME_FILE` is the value of `NAME`. Only secrets have it.
"""

OUR_BEGINNINGS = ("CONFLICTS_", "CONFLICT_")
"""Beginnings of names that no other program uses for its variables."""

OTHERS = frozenset({"SOURCES"})
"""Variables of other programs that look like a misspelling of ours."""

ALIKE = 0.9
SUGGESTED = 0.8


@dataclass(frozen=True)
class SettingNames:
    """All names that may be set, in capitals, and which hold secrets."""

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
        """Return the known name that is most like this one.

        The result is None if none is much like it.
        """
        found = get_close_matches(name, sorted(self.known), n=1, cutoff=SUGGESTED)
        return found[0] if found else None

    def remedy(self, name: str) -> str | None:
        """Return what to do about a likely misspelling of a known name.

        The result is None where the name is like none of ours.
        """
        bare = name.removesuffix(FILE_SUFFIX)
        if bare != name and bare in self.plain:
            return f"only a secret may be in a file. Set {bare} itself"
        near = self.nearest(name)
        return f"did you mean {near}? Write it so, or remove it" if near else None

    def misspelled(self, environment: Iterable[str]) -> list[str]:
        """Return a sentence about each misspelled name in the environment.

        Only names that are meant to be ours are considered.
        """
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
        # One slip removes at most one letter and adds at most one, so few names are left to compare.
        return any(
            len(own ^ theirs) <= 2 and abs(len(known) - len(name)) <= 1 and _is_one_slip(known, name)  # noqa: PLR2004 - said above
            for known, theirs in letters.items()
        )


def _is_one_slip(known: str, name: str) -> bool:
    """Return whether two names differ by one slip.

    A letter may be missing, too many, replaced, or in another place. All other letters are the same.
    """
    matcher = SequenceMatcher(None, known, name, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return max(len(known), len(name)) - same <= 1 and matcher.ratio() > ALIKE
