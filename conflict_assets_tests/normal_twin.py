"""The twins' own reading of step 0 of the rules: what a text, an SSN and a ZIP code are once they are normal.

Written from the rules alone, by Python's knowledge of Unicode, one character at a time.
"""

import unicodedata

DIGITS = "0123456789"
ZERO_WIDTH = "\u200b\u200c\u200d\ufeff"


def is_white_space(character: str) -> bool:
    """Whether Unicode calls it white space; Python counts four separators among the control characters too."""
    return character.isspace() and character not in "\x1c\x1d\x1e\x1f"


def is_blank(character: str) -> bool:
    """Whether it may not stand at an end of a trimmed text."""
    return is_white_space(character) or character in ZERO_WIDTH or unicodedata.category(character) == "Cc"


def text(value: object) -> str | None:
    """A trimmed text; None when nothing is left of it."""
    left = list("" if value is None else str(value))
    while left and is_blank(left[0]):
        left.pop(0)
    while left and is_blank(left[-1]):
        left.pop()
    return "".join(left) or None


def ssn(value: object) -> str | None:
    """A trimmed SSN without dashes and white space; a number of seven or eight digits gets its zeros back."""
    written = f"{value:09d}" if isinstance(value, int) and 10**6 <= value < 10**9 else value
    return "".join(each for each in text(written) or "" if each != "-" and not is_white_space(each)) or None


def zip_code(value: object) -> str | None:
    """The digits before the first dash, else the first five in a row; two of the five may have been lost."""
    said = "" if value is None else str(value)
    digits = "".join(each for each in said.split("-")[0] if each in DIGITS) if "-" in said else ""
    runs = "".join(each if each in DIGITS else " " for each in said).split()
    for fewest in (5, 3):
        digits = digits or next((run for run in runs if len(run) >= fewest), "")
    return digits[:5].rjust(5, "0") if len(digits) >= 3 else None
