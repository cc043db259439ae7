"""The guard against a half-loaded source.

Far fewer visits than last time stop a run before any commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from conflict_assets.source.protocol import SourceError

_NAMED_PREFIXES = 10


class HalfLoadedSource(SourceError):  # noqa: N818 - the state that it names, as users meet it
    """The source holds so few visits that it must be incomplete.

    No conflict may be resolved by it.
    """


@dataclass(frozen=True)
class PrefixVolume:
    """The number of visits that a prefix has.

    `seen` counts all of them. `usable` counts the active ones, and those left out only because a user excluded them.
    """

    seen: int
    usable: int


def refuse_empty_source(current: Mapping[str, PrefixVolume], without_ssn: int, *, allow_drop: bool = False) -> None:
    """Stop a run over all prefixes when no prefix has a visit.

    An empty source is an error, not an empty night. `without_ssn` counts the visits that have no prefix, as they lack a
    good SSN. A source that holds only visits without a prefix is not empty, and passes with `allow_drop`.

    Raises:
        HalfLoadedSource: no prefix has a visit.
    """
    if any(volume.seen for volume in current.values()):
        return
    if not without_ssn:
        raise HalfLoadedSource(
            "The source holds no visits at all; allowed: at least one. Check that the warehouse has been loaded and "
            "that the settings name the right database and schema."
        )
    if not allow_drop:
        raise HalfLoadedSource(
            f"None of the source's {without_ssn:,} visits has a good SSN; allowed: at least one of nine digits. "
            'Nothing has been committed. Check that DIMCAREGIVER has been loaded, and what its "SSN" holds; if it is '
            "right so, run once with --allow-visit-drop or ALLOW_VISIT_DROP=true."
        )


def check_for_half_load(
    previous: Mapping[str, PrefixVolume],
    current: Mapping[str, PrefixVolume],
    *,
    whole_source: bool = True,
    total_floor: float = 0.8,
    prefix_floor: float = 0.5,
    prefix_minimum: int = 1000,
) -> None:
    """Compare volumes with the last run's, by prefix and in total.

    Only prefixes of `current` count. A run over some prefixes (`whole_source` False) may see a few visits come and go.
    Its total is compared when it was more than `prefix_minimum`, or when nothing is left of it.

    Raises:
        HalfLoadedSource: less than `total_floor` of the last total, or less than `prefix_floor` of a prefix that had
            more than `prefix_minimum`; by visits seen or by usable visits.
    """
    known = {prefix: volume for prefix, volume in previous.items() if prefix in current}
    findings = [
        finding
        for measure, name in (("seen", "visits"), ("usable", "usable visits"))
        for finding in _findings(
            name,
            {prefix: getattr(volume, measure) for prefix, volume in known.items()},
            {prefix: getattr(current[prefix], measure) for prefix in known},
            (total_floor, prefix_floor, prefix_minimum),
            least_total=0 if whole_source else prefix_minimum,
        )
    ]
    if findings:
        raise HalfLoadedSource(
            f"The source looks half-loaded: {'; '.join(findings)}. Nothing has been committed. Load the warehouse "
            "and run again; if the drop is real, run once with --allow-visit-drop or ALLOW_VISIT_DROP=true."
        )


def _findings(
    name: str,
    before: Mapping[str, int],
    now: Mapping[str, int],
    floors: tuple[float, float, int],
    *,
    least_total: int,
) -> list[str]:
    total_floor, prefix_floor, prefix_minimum = floors
    findings = []
    total, last_total = sum(now.values()), sum(before.values())
    if total < total_floor * last_total and (last_total > least_total or not total):
        findings.append(f"{total:,} {name} in all, {last_total:,} last time (allowed: {total_floor:.0%} or more)")
    fallen = [
        f"{prefix} ({before[prefix]:,} to {now[prefix]:,})"
        for prefix in sorted(before)
        if before[prefix] > prefix_minimum and now[prefix] < prefix_floor * before[prefix]
    ]
    if fallen:
        more = f" and {len(fallen) - _NAMED_PREFIXES} more" if len(fallen) > _NAMED_PREFIXES else ""
        named = ", ".join(fallen[:_NAMED_PREFIXES])
        findings.append(f"{name} under {prefix_floor:.0%} of last time in prefix {named}{more}")
    return findings
