"""The distribution of prefixes over steps.

A step must be worth its start, and every worker must have one.
"""

from collections.abc import Mapping, Sequence

from conflict_assets.partitions import contiguous_ranges, prefixes_between


def pack_prefixes(visits: Mapping[str, int], *, workers: int, visits_per_step: int) -> list[tuple[str, ...]]:
    """Distribute prefixes over steps by their contested visits.

    Neighbours share a step, so that the names of steps are easy to read. Small prefixes share a step until it is worth
    its start (250,000 visits: five seconds of work for half a second of start). The workers end together: there are as
    many steps as workers or a multiple of that, as long as there are prefixes. Every prefix is in exactly one step.
    """
    if not visits:
        return []
    total = sum(visits.values())
    rounds = max(1, -(-total // (visits_per_step * workers)))
    steps = min(len(visits), rounds * workers)
    if steps == len(visits):
        return [(prefix,) for prefix in sorted(visits)]
    packs: dict[int, list[str]] = {}
    before = 0
    for prefix in sorted(visits):
        middle = before + visits[prefix] / 2
        packs.setdefault(min(int(middle * steps / total), steps - 1) if total else 0, []).append(prefix)
        before += visits[prefix]
    return [tuple(pack) for _, pack in sorted(packs.items())]


def mapping_key(prefixes: Sequence[str]) -> str:
    """Name a step after its prefixes, such as `04` or `04_17to30`.

    The name has only letters that Dagster allows.
    """
    ranges = contiguous_ranges(sorted(prefixes))
    return "_".join(first if first == last else f"{first}to{last}" for first, last in ranges)


def prefixes_of(key: str) -> tuple[str, ...]:
    """Read a step's prefixes back from its name."""
    prefixes: list[str] = []
    for run in key.split("_"):
        first, _, last = run.partition("to")
        prefixes += prefixes_between(first, last or first)
    return tuple(prefixes)
