"""Texts that a spreadsheet may take for formulas.

A mark in the CSV prevents that.
"""

import re

FORMULA = r"\A[=+\-@\t\r\n]"
"""How a text begins that a spreadsheet may take for a formula."""

GUARD = "'"
"""The mark that a CSV has before a text that may be taken for a formula."""

_GUARDED = re.compile(r"'[=+\-@\t\r\n]")


def unguarded(text: str) -> str:
    """Return a text as it was before a CSV guarded it.

    Any other text stays as it is.
    """
    return text[1:] if _GUARDED.match(text) else text
