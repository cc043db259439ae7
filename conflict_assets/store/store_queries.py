"""What several queries of the store have in common."""

from conflict_assets.domain.statuses import OPEN_STATUSES

OPEN = f"resolved_at IS NULL AND status IN ({', '.join(repr(str(status)) for status in OPEN_STATUSES)})"

MOST_DOLLARS = 1e290
"""The largest amount that sums count.

A rate may be any number. Sums of amounts up to this one fit into a number, however many they are.
"""


def capped(column: str) -> str:
    """Return the SQL of an amount that is small enough to be summed.

    A missing amount stays missing.
    """
    return f"CASE WHEN {column} > {MOST_DOLLARS} THEN {MOST_DOLLARS} ELSE {column} END"
