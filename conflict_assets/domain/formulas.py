"""Texts that a spreadsheet may take for formulas, and the mark in a CSV that keeps them from it."""

import re

FORMULA = r"\A[=+\-@\t\r\n]"
"""How a text begins that a spreadsheet may take for a formula."""

GUARD = "'"
"""What a CSV has before such a text."""

_GUARDED = re.compile(r"'[=+\-@\t\r\n]")


def unguarded(text: str) -> str:
    """Return a text as it was before a CSV guarded it; any other text stays as it is."""
    return text[1:] if _GUARDED.match(text) else text
