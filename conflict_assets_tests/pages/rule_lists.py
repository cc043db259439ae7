"""The reasons, notes, rules and statuses, as the page of the rules lists them."""

from collections.abc import Iterable

from conflict_assets.domain.labelled_names import LabelledName
from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.rules import Rule
from conflict_assets.domain.statuses import Status
from conflict_assets_tests.pages.regions import table

FIRST_HOLDS = (Status.WHITELISTED, Status.IGNORED, Status.RESOLVED, Status.EXPIRED, Status.NEW, Status.OPEN)
"""The statuses in the order in which the store's views ask for them."""


def reasons_list() -> str:
    """The reasons in the order in which they are checked."""
    duplicate, *rejections = RejectReason
    groups = {"duplicate": [duplicate], "inactive": list(InactiveReason), "rejected": rejections}
    rows = [
        ("" if place else kind, f"`{reason}`", reason.definition)
        for kind, reasons in groups.items()
        for place, reason in enumerate(reasons)
    ]
    return table(("", "reason", "the visit"), *rows)


def notes_list() -> str:
    """The notes."""
    return table(("note", "the visit"), *_definitions(Note))


def rules_list() -> str:
    """The rules by number."""
    rows = [(str(rule.value), f"`{rule.flag}`", rule.label, rule.bases, rule.definition) for rule in Rule]
    return table(("rule", "flag", "in words", "bases", "holds when"), *rows)


def statuses_list() -> str:
    """The statuses, the first that fits first."""
    assert set(FIRST_HOLDS) == set(Status)
    return table(("status", "when"), *_definitions(FIRST_HOLDS))


def _definitions(names: Iterable[LabelledName]) -> list[tuple[str, str]]:
    return [(f"`{name}`", name.definition) for name in names]
