"""Names that users see, with their labels: an enum that carries what pages say of each."""

from enum import StrEnum
from typing import Self


class LabelledName(StrEnum):
    """A name with its label on a page, and a sentence about a visit.

    Fields in braces stand for columns of the visit, the dates of the window (`first`, `last`) and the policy.
    """

    label: str
    explanation: str

    def __new__(cls, name: str, label: str, explanation: str = "") -> Self:
        """Make a member that is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label = label
        member.explanation = explanation
        return member
