"""Mask full SSNs and secrets in texts that people or logs read.

They must not leave the rows and the settings.
"""

import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote

MASK = "***"

# What may stand between the groups of an SSN: white space and dashes of all kinds, dots, and what no one sees.
_BETWEEN = (
    r"(?:[\s._/+\-\u00ad\u2010-\u2015\u2212\u200b-\u200d\u2060\ufe58\ufe63\uff0d\ufeff]"
    r"|%2[0DdEe]|\\[nrt]|\\u00[aA][0dD]|\\u20[0-9a-fA-F]{2}){0,3}"
)
# Ids of runs and statements, digests and pictures hold nine digits in a row by chance.
_NO_SSN = re.compile(
    r"((?<![0-9A-Za-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9A-Za-z])"
    r"|data:[\w/+.\-]{1,100};base64,[A-Za-z0-9+/=]+)"
)
# The look-behinds follow the first digit, so that a search skips all other text quickly. A digit before it may be the
# end of an escape.
_SSN = re.compile(
    r"\d(?:(?<!\d\d)|(?<=%[0-9A-Fa-f]{2}\d)|(?<=\\x[0-9A-Fa-f]{2}\d)|(?<=\\u[0-9A-Fa-f]{4}\d))"
    rf"\d\d{_BETWEEN}\d\d{_BETWEEN}(\d{{4}})(?!\d)"
)

_EXAMPLE = "user:password@"
_NAMES = ("password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "api_key", "private_key", "signature")
_WORD = re.compile(r"[^\s'\"<>]+")
_NAMED_SECRET = re.compile(
    rf"((?:{'|'.join(_NAMES)})['\"]?(?:\s*[=:]\s*|\s+(?=')))"
    r"(?:'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|[^\s&,;'\"]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(bearer\s+)[\w.~+/\-]+=*", re.IGNORECASE)
_JWT = re.compile(r"(?<![\w\-])eyJ[\w\-]++\.[\w\-]++\.[\w\-]*")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL)
LEAST_SECRET = 6
"""Characters of a secret that is known again wherever it stands; a shorter one would be found in any word."""

_known: set[str] = set()


class MaskedError(Exception):
    """An error whose message shows neither a full SSN nor a secret.

    It may quote any driver, database or file.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(masked(text))


def masked(text: str) -> str:
    """Return a text with its full SSNs and secrets masked.

    An SSN becomes `***-**-1234` and a secret becomes `***`. This is for every text that others have written.
    """
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    if "PRIVATE KEY" in text:
        text = _PEM.sub(MASK, text)
    if "://" in text and "@" in text:
        text = _WORD.sub(lambda found: _without_login(found[0]), text)
    small = text.lower()
    if any(name in small for name in _NAMES):
        text = _NAMED_SECRET.sub(rf"\1{MASK}", text)
    if "bearer" in small or "eyj" in small:
        text = _JWT.sub(MASK, _BEARER.sub(rf"\1{MASK}", text))
    return mask_ssns(text)


def _without_login(url: str) -> str:
    """Return a word without the login of a URL in it.

    The login is everything before the last @, because a password may hold an @, / or # that is not encoded.
    """
    start, end = url.find("://") + len("://"), url.rfind("@")
    if not len("://") <= start <= end or url[start : end + 1] == _EXAMPLE:
        return url
    return f"{url[:start]}{MASK}{url[end:]}"


def mask_ssns(text: str) -> str:
    """Return a text with all that looks like a full SSN masked.

    An SSN becomes `***-**-1234`.
    """
    if _SSN.search(text) is None:
        return text
    parts = _NO_SSN.split(text)
    parts[::2] = [_SSN.sub(r"***-**-\1", part) for part in parts[::2]]
    return "".join(parts)


def mask_ssn(ssn: object) -> str:
    """Return an SSN as `***-**-1234`.

    Nothing is shown of a value that is not nine digits.
    """
    text = str(ssn or "")
    return f"***-**-{text[-4:]}" if re.fullmatch("[0-9]{9}", text) else "***-**-****" if text else "none"


def mask_all(value: object, mask: Callable[[str], str] = masked) -> object:
    """Mask every text in a value that was read from JSON.

    Its keys stay as they are.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: mask_all(each, mask) for key, each in value.items()}
    return [mask_all(each, mask) for each in value] if isinstance(value, list) else value


def know_secrets(values: Iterable[str]) -> None:
    """Register secrets of the settings, which `masked` then finds anywhere.

    What URLs among them hide is registered too.
    """
    for value in values:
        for secret in (value, *_hidden_in(value)):
            if _can_be_told_from_words(secret):
                _known.update({secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]})


def _hidden_in(url: str) -> list[str]:
    """Return the secrets in a URL or a connection string.

    They are its password, as it is and decoded, and what follows the host of a web address.
    """
    scheme, has_scheme, rest = url.partition("://")
    if not has_scheme:
        return [found[1].strip("'") for found in re.finditer(r"password\s*=\s*('(?:\\.|[^'\\])*'|\S+)", url)]
    password = rest.rpartition("@")[0].partition(":")[2]
    found = [password, unquote(password)]
    if scheme in {"http", "https"}:
        path, _, query = rest.partition("/")[2].partition("?")
        found += [path.strip("/"), query]
    return found


def _can_be_told_from_words(secret: str) -> bool:
    """Whether a secret differs from the words of a usual message.

    A message may hold a word such as `postgres` or a host's name by itself.
    """
    is_word = secret.isalpha() and (secret.islower() or secret.istitle() or secret.isupper())
    return len(secret) >= LEAST_SECRET and not is_word
