"""Names that users see, with their labels: an enum that carries what pages say of each."""

from enum import StrEnum
from typing import Self


class LabelledName(StrEnum):
    """A name with its label on a page, its definition, and a sentence about a visit.

    The definition completes the sentence "the visit ..." or "when ..." in docs/rules.md, which is written from it. In
    the explanation, fields in braces stand for columns of the visit, the dates of the window (`first`, `last`) and the
    policy.
    """

    label: str
    definition: str
    explanation: str

    def __new__(cls, name: str, label: str, definition: str, explanation: str = "") -> Self:
        """Make a member that is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label = label
        member.definition = definition
        member.explanation = explanation
        return member
