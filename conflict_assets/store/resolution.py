"""The reasons why conflicts have gone.

They come from what the source says of a conflict's two visits.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.reasons import InactiveReason

_EXCLUDED = {str(InactiveReason.EXCLUDED_AGENCY), str(InactiveReason.EXCLUDED_SSN)}
_INACTIVE = {str(reason) for reason in InactiveReason}


def reasons_of(left_out: pa.Table, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return why each pair of visit ids has gone.

    The reason is `excluded`, `inactive` or else `gone`. `left_out` holds the `visit_id` and the `outcome` of visits
    that are out.
    """
    outcomes = _outcomes(left_out, {visit for pair in pairs for visit in pair})
    return [_reason(outcomes.get(low, set()) | outcomes.get(high, set())) for low, high in pairs]


def _outcomes(left_out: pa.Table, visits: set[str]) -> dict[str, set[str]]:
    """Return why each of these visits is out, for those that are out.

    One id may belong to two SSNs.
    """
    ids = left_out["visit_id"].cast(pa.string())
    table = left_out.filter(pc.is_in(ids, pa.array(sorted(visits), pa.string())))
    found: dict[str, set[str]] = {}
    for visit, outcome in zip(table["visit_id"].to_pylist(), table["outcome"].to_pylist(), strict=True):
        found.setdefault(visit, set()).add(outcome)
    return found


def _reason(outcomes: set[str]) -> str:
    if outcomes & _EXCLUDED:
        return "excluded"
    return "inactive" if outcomes & _INACTIVE else "gone"
