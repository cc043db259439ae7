"""One table of what step 0 of the rules makes of texts, SSNs and ZIP codes: all who read visits obey it."""

BLANK = tuple(
    map(
        chr,
        [
            *range(0x21),
            *range(0x7F, 0xA1),
            0x1680,
            *range(0x2000, 0x200E),
            0x2028,
            0x2029,
            0x202F,
            0x205F,
            0x3000,
            0xFEFF,
        ],
    )
)
"""Each character that may not stand at an end of a trimmed text."""

KEPT = (
    "!",
    "~",
    "\u00a1",
    "\u00ad",
    "\u180e",
    "\u200e",
    "\u200f",
    "\u2027",
    "\u202a",
    "\u2060",
    "\u3001",
    "é",
    "日",
    "\U0001d4b1",
)
"""Characters beside those, some of which can't be seen either."""

SSNS: dict[str, str | None] = {
    "041234567": "041234567",
    "041-23-4567": "041234567",
    "0-4-1-2-3-4-5-6-7": "041234567",
    "-041234567-": "041234567",
    "041 23 4567": "041234567",
    "041\u00a023\u20094567": "041234567",
    "041\r234567\n": "041234567",
    "\u200b041234567\0": "041234567",
    "\ufeff041-23-4567\r\n": "041234567",
    "\x1c041234567\x7f": "041234567",
    "041\u200b234567": "041\u200b234567",
    "041\x00234567": "041\x00234567",
    "041\x1f234567": "041\x1f234567",
    "041\u2013234567": "041\u2013234567",
    "41234567": "41234567",
    "\uff10\uff1141234567": "\uff10\uff1141234567",
    " - ": None,
    "\r\n": None,
    "\u2028\u200b": None,
    "": None,
}
"""SSNs as they are written in a column of text, and what they are; None: missing."""

NUMBERS: dict[int, str] = {
    123456789: "123456789",
    41234567: "041234567",
    1234567: "001234567",
    234567: "234567",
    0: "0",
    1234567890: "1234567890",
}
"""SSNs in a column of whole numbers: two zeros may have been lost, not three."""

ZIPS: dict[str, str | None] = {
    "10458": "10458",
    " 10458 ": "10458",
    "10458\r": "10458",
    "10458-1234": "10458",
    "104581234": "10458",
    "10458-": "10458",
    "NY 10458": "10458",
    "NY-10458": "10458",
    "Apt 2 10458": "10458",
    "Apt 123 10458": "10458",
    "10 458-1234": "10458",
    "1 0 4 5 8": None,
    "12-10458": None,
    "00501": "00501",
    "501": "00501",
    "8901": "08901",
    "8901-0001": "08901",
    "501-": "00501",
    "50": None,
    "5-01": None,
    "\uff11\uff10\uff14\uff15\uff18": None,
    "none": None,
    "-": None,
    "": None,
}
"""ZIP codes as they are written, and what they are; None: missing."""
