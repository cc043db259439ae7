"""The rules between settings, and the rules that all settings share.

The shared rules apply before each setting is checked by itself.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conflict_assets.settings import Settings

_SNOWFLAKE = "snowflake_"
_STORE = "conflicts_postgres_url"
_LINES_ALLOWED = "snowflake_private_key"
SURROGATES = ("\udc80", "\udcff")
"""What Python makes of the environment's bytes that are not UTF-8."""

_KEYS = ("snowflake_private_key", "snowflake_private_key_path")
_MAIL_NEEDS = ("alert_email_from", "alert_smtp_host", "alert_smtp_password")
_MAIL_ONLY = (*_MAIL_NEEDS, "alert_smtp_port", "alert_smtp_user")


def is_of_real_data(name: str, value: object) -> bool:
    """Return whether a setting means a real source or a real store.

    Even an empty setting does, since its value may have been lost.
    """
    return value is not None and (name.startswith(_SNOWFLAKE) or name == _STORE)


def tidied(name: str, value: Any, *, is_secret: bool) -> Any:
    """Return a text without the white space around it.

    White space that may belong to a secret stays. A text of white space alone becomes empty.

    Raises:
        ValueError: a character of it can't be seen (the end of a line, a tab, a zero-width space), or its bytes are
            not UTF-8.
    """
    if not isinstance(value, str) or not value.strip():
        return value.strip() if isinstance(value, str) else value
    text = value if is_secret else value.strip()
    if not text.isprintable() and name != _LINES_ALLOWED:
        found, allowed = ("holds a character that can't be seen: a line break, a tab or the like", "those that can")
        if any(SURROGATES[0] <= each <= SURROGATES[1] for each in text):
            found, allowed = "is not in UTF-8", "text that is"
        raise ValueError(
            f"{name.upper()} {found}; allowed: {allowed}. Write it anew, without copying, in the environment or in "
            ".env."
        )
    return text


def check_source(settings: "Settings") -> None:
    """Refuse an incomplete Snowflake, and two sources of which none is chosen.

    Raises:
        ValueError: with what is set, and what to do.
    """
    if settings.source_kind == "snowflake":
        _check_snowflake(settings)
    elif settings.source is None:
        given = _named(settings, [name for name in type(settings).model_fields if name.startswith(_SNOWFLAKE)])
        if given:
            raise ValueError(
                f"{_listed(given)} set, but SNOWFLAKE_ACCOUNT is not; set it to read Snowflake, or set SOURCE=duckdb "
                "to read a DuckDB file."
            )


def _check_snowflake(settings: "Settings") -> None:
    if not (settings.snowflake_account and settings.snowflake_user):
        raise ValueError("Snowflake is the source, but SNOWFLAKE_ACCOUNT or SNOWFLAKE_USER is not set; set both")
    if settings.source is None and settings.source_file is not None:
        raise ValueError(
            "SNOWFLAKE_ACCOUNT and SOURCE_FILE are set, and a run reads one of the two; allowed: SOURCE=snowflake or "
            "SOURCE=duckdb beside them. Set SOURCE, or unset one of the two"
        )
    _check_login(settings)


def _check_login(settings: "Settings") -> None:
    """Require one way to log in.

    It is a password, a private key, or an authenticator.
    """
    given = _named(settings, ["snowflake_password", *_KEYS])
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are set; allowed: one of them. Unset the others")
    if not given and settings.snowflake_authenticator is None:
        raise ValueError(
            "Snowflake is the source, but nothing logs in to it; set SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY, "
            "SNOWFLAKE_PRIVATE_KEY_PATH or SNOWFLAKE_AUTHENTICATOR"
        )
    if (settings.snowflake_token is not None) != (settings.snowflake_authenticator == "oauth"):
        raise ValueError("SNOWFLAKE_TOKEN and SNOWFLAKE_AUTHENTICATOR=oauth go together; set both or neither")
    _check_key(settings)


def _check_key(settings: "Settings") -> None:
    if settings.snowflake_private_key_password is not None and not _named(settings, _KEYS):
        raise ValueError(
            f"SNOWFLAKE_PRIVATE_KEY_PASSWORD is set, but no key; set {' or '.join(key.upper() for key in _KEYS)}"
        )
    file = settings.snowflake_key_file
    if file is not None and not (file.is_file() and os.access(file, os.R_OK)):
        raise ValueError(
            f"SNOWFLAKE_PRIVATE_KEY_PATH is {file}, which is no file that can be read; allowed: the path of a PEM "
            "file. Change it in the environment or in .env."
        )


def check_mail(settings: "Settings") -> None:
    """Refuse recipients without a mail server, and a server without recipients.

    Raises:
        ValueError: with what is missing.
    """
    if settings.alert_email_to is None:
        given = _named(settings, _MAIL_ONLY)
        if given:
            raise ValueError(
                f"{_listed(given)} set, but ALERT_EMAIL_TO is not: nobody would get an e-mail; set all of them or none"
            )
        return
    missing = [name.upper() for name in _MAIL_NEEDS if getattr(settings, name) is None]
    if missing:
        raise ValueError(f"ALERT_EMAIL_TO is set, but {' and '.join(missing)} is not; set all of them or none")


def _named(settings: "Settings", names: Sequence[str]) -> list[str]:
    """Return those of the settings that somebody has set, as variables."""
    given = settings.model_fields_set
    return [name.upper() for name in names if name in given and getattr(settings, name) is not None]


def _listed(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
