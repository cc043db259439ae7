"""Normalize texts, SSNs and ZIP codes: step 0 of the rules.

Texts are trimmed, and SSNs and ZIP codes get their normal form.
"""

import re

Ranges = tuple[tuple[int, int], ...]
"""Characters by their code points: first and last of each range."""

WHITE_SPACE: Ranges = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)
"""Unicode's property White_Space (PropList.txt)."""

_ZERO_WIDTH: Ranges = ((0x200B, 0x200D), (0xFEFF, 0xFEFF))
_CONTROL: Ranges = ((0x00, 0x1F), (0x7F, 0x9F))

BLANK: Ranges = (*WHITE_SPACE, *_ZERO_WIDTH, *_CONTROL)
"""What a trimmed text has at neither end: white space, zero-width and control characters."""

SSN_DIGITS, ZIP_DIGITS = 9, 5
MOST_ZEROS_LOST = 2
"""Numbers lose the zeros that an SSN or a ZIP code begins with. Up to two lost zeros are believable."""

PLACEHOLDER_SSNS = ("000000000", "999999999")
"""Valid SSNs that thousands of unrelated caregivers share. They are always excluded."""


def characters(ranges: Ranges) -> str:
    """Return the characters of ranges, in their order."""
    return "".join(chr(point) for first, last in ranges for point in range(first, last + 1))


BLANKS = characters(BLANK)
DASHES_AND_WHITE_SPACE = f"-{characters(WHITE_SPACE)}"


def trimmed(text: str) -> str:
    """Return a text without the blanks at its ends.

    A text that is empty then is missing.
    """
    return text.strip(BLANKS)


def normal_ssn(text: str) -> str:
    """Return an SSN trimmed, without dashes and white space."""
    return trimmed(text).translate(dict.fromkeys(map(ord, DASHES_AND_WHITE_SPACE)))


def is_valid_ssn(ssn: str) -> bool:
    """Whether a normal SSN is exactly nine ASCII digits."""
    return len(ssn) == SSN_DIGITS and ssn.isascii() and ssn.isdigit()


def with_lost_zeros(number: str, digits: int) -> str:
    """Return a whole number with the zeros that it has lost, if it should have so many digits.

    A number that lacks more than is believable stays as it is.
    """
    return number.rjust(digits, "0") if digits - len(number) <= MOST_ZEROS_LOST else number


def normal_zip_code(text: str) -> str:
    """Return the five digits of a ZIP code, with lost zeros restored.

    The result is empty when there are too few digits.
    """
    before, dash, _ = text.partition("-")
    digits = "".join(re.findall("[0-9]", before)) if dash else ""
    for pattern in ("[0-9]{5}", "[0-9]{3,4}"):
        found = re.search(pattern, text)
        digits = digits or (found[0] if found else "")
    return digits[:ZIP_DIGITS].zfill(ZIP_DIGITS) if len(digits) >= ZIP_DIGITS - MOST_ZEROS_LOST else ""
