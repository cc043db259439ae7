"""What must not leave the rows: full Social Security numbers in texts that people or logs read."""

import re

_SSN = re.compile(r"(?<![0-9A-Za-z])[0-9]{3}[- ]?[0-9]{2}[- ]?([0-9]{4})(?![0-9A-Za-z])")


def mask_ssns(text: str) -> str:
    """Return the text with all that looks like a full SSN as `***-**-1234`; for messages of drivers, which quote."""
    return _SSN.sub(r"***-**-\1", text)


def mask_ssn(ssn: object) -> str:
    """Return an SSN as `***-**-1234`, whatever it is; of one that is not nine digits nothing is shown."""
    text = str(ssn or "")
    return f"***-**-{text[-4:]}" if re.fullmatch("[0-9]{9}", text) else "***-**-****" if text else "none"
