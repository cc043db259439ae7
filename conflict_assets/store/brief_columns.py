"""The columns of a brief export.

They are what a person needs to decide on a conflict. No client's name is among them. Expressions are SQL over the
columns of `conflict_visit_maps`. A column without an expression is the column of that name in the view.
"""

from dataclasses import dataclass

from conflict_assets.domain.rules import Rule

DECISION = "decision"
REASON = "decision_reason"

_ACTUAL = "{side}visit_start_time IS NOT NULL AND {side}visit_end_time IS NOT NULL"
_RULES = " ".join(f"WHEN {rule.value} THEN '{rule.value} {rule.label}'" for rule in Rule)


@dataclass(frozen=True)
class BriefColumn:
    """A column of the brief export.

    `meaning` is None where the comment on the view's column explains the column.
    """

    name: str
    expression: str | None = None
    meaning: str | None = None


def _sides(name: str, expression: str | None = None, meaning: str | None = None) -> list[BriefColumn]:
    """Return a column for the visit and for the other visit."""
    return [
        BriefColumn(
            f"{side}{name}",
            expression and expression.replace("{side}", side),
            meaning and ("Of the other visit: " if side else "") + meaning,
        )
        for side in ("", "con_")
    ]


BRIEF_COLUMNS = (
    BriefColumn("pair_id"),
    BriefColumn("status"),
    BriefColumn("rule", f"CASE rule {_RULES} END", "The number of the rule that holds, and the rule in words"),
    BriefColumn("ssn"),
    *_sides("aide_name"),
    *_sides("visit_id"),
    *_sides("provider_id"),
    *_sides("provider_name"),
    *_sides("visit_date"),
    *_sides(
        "basis",
        f"CASE WHEN {_ACTUAL} THEN 'actual' ELSE 'scheduled' END",
        "actual where both actual times are known, else scheduled: the times that the visit is judged by",
    ),
    *_sides(
        "starts_at",
        f"CASE WHEN {_ACTUAL} THEN {{side}}visit_start_time ELSE {{side}}sch_start_time END",
        "Start of the visit, as it was judged",
    ),
    *_sides(
        "ends_at",
        f"CASE WHEN {_ACTUAL} THEN {{side}}visit_end_time ELSE {{side}}sch_end_time END",
        "End of the visit, as it was judged",
    ),
    BriefColumn("overlap_minutes"),
    BriefColumn("minutes_between"),
    BriefColumn("distance_miles"),
    BriefColumn("eta_travel_minutes"),
    *_sides("contract"),
    BriefColumn("shift_amount"),
    BriefColumn("overlap_amount"),
    BriefColumn("first_detected_at"),
    BriefColumn("group_id"),
    BriefColumn(
        DECISION,
        meaning="To be filled in: whitelisted, ignored or cleared. Empty while nobody has decided, else what holds",
    ),
    BriefColumn(REASON, meaning="To be filled in: why. Else the reason of the decision that holds"),
)
