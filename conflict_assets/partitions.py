"""SSN prefixes are the partitions of the platform.

People name some of them in selections such as `04` and `17-30`.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

MIN_PREFIX_LENGTH = 1
MAX_PREFIX_LENGTH = 3


def all_prefixes(length: int) -> tuple[str, ...]:
    """Every prefix of `length` digits, in order: 2 gives `00` to `99`."""
    return prefixes_between("0" * length, "9" * length)


def prefixes_between(first: str, last: str) -> tuple[str, ...]:
    """Every prefix of a range, in order, both ends included."""
    return tuple(f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1))


def are_all_prefixes(prefixes: Collection[str], length: int) -> bool:
    """Whether different prefixes of `length` digits are all that there are."""
    return len(prefixes) == int(10**length)


def parse_prefixes(selections: Iterable[str], length: int) -> tuple[str, ...]:
    """Turn selections such as `04` and `17-30` into sorted prefixes.

    Each prefix appears once.

    Raises:
        ValueError: a selection is neither a prefix nor a range of prefixes of this length.
    """
    known = all_prefixes(length)
    chosen: set[str] = set()
    for selection in selections:
        first, dash, last = selection.strip().partition("-")
        if not dash:
            last = first
        if first not in known or last not in known or first > last:
            raise ValueError(
                f"prefix {selection!r} is unknown; allowed: {length} digit(s), {known[0]} to {known[-1]}, "
                f"or a range such as {known[1]}-{known[4]}"
            )
        chosen.update(prefixes_between(first, last))
    return tuple(sorted(chosen))


def range_name(first: str, last: str) -> str:
    """A range as people write it: `04`, or `17-30`."""
    return first if first == last else f"{first}-{last}"


def contiguous_ranges(prefixes: Sequence[str]) -> list[tuple[str, str]]:
    """Split sorted prefixes into (first, last) ranges without gaps.

    One Dagster run can cover each range.
    """
    if not prefixes:
        return []
    breaks = [
        0,
        *(i for i, (a, b) in enumerate(pairwise(prefixes), 1) if int(b) != int(a) + 1),
        len(prefixes),
    ]
    return [(prefixes[start], prefixes[end - 1]) for start, end in pairwise(breaks)]
