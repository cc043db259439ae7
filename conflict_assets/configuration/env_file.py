"""The settings in `.env`, read strictly.

No line of the file is ever left out in silence.
"""

import os
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from pydantic_settings import BaseSettings, EnvSettingsSource

from conflict_assets.configuration.setting_names import SettingNames
from conflict_assets.domain.masking import MaskedError

KEY_OF_LINES = "SNOWFLAKE_PRIVATE_KEY"
"""The one setting whose value may have several lines: a PEM key."""

READ_BY_DAGSTER = "DAGSTER_POSTGRES_URL"
"""The setting that Dagster takes from the environment.

Dagster's UI puts `.env` into the environment, with `${...}` replaced.
"""

_LINE_END = re.compile(r"\r\n|\n|\r")
_ASSIGNED = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?P<value>.*)", re.DOTALL)
_NAME_OF_A_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CURLY_QUOTES = ("“", "”", "„", "\u2018", "\u2019", "«", "»")
_ALLOWED = "allowed: NAME=value, where a quoted value ends with its quote on the same line, or a comment after #"


class EnvFileError(MaskedError):
    """`.env` can't be read as it is.

    The message names each line, what was found and what to do, and no value.
    """


class EnvFile(EnvSettingsSource):
    """The settings that `.env` sets."""

    def __init__(self, settings_cls: type[BaseSettings], file: Path, names: SettingNames) -> None:
        self._file = file
        self._names = names
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in read_env_file(self._file, self._names).items()}

    def own_environment(self, environment: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return the environment without the values of this file.

        Dagster's UI has put those values there, with `${...}` replaced.
        """
        marked = {name for name, value in self.env_vars.items() if value and "${" in value}
        replaced = {name.lower(): value for name, value in (dotenv_values(self._file) if marked else {}).items()}
        return {
            name: value for name, value in environment.items() if not (name in marked and value == replaced.get(name))
        }


def read_env_file(file: Path, names: SettingNames) -> dict[str, str]:
    """Return what the file sets, by name in capitals.

    Values are exactly as they are written. The result is empty where there is no file.

    Raises:
        EnvFileError: a sentence for each line that can't be read or sets no setting.
    """
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    faults: list[str] = []
    for binding in parse_stream(StringIO(_text(file))):
        if binding.key is None and not binding.error:
            continue  # a comment, or the end
        line, name = _line(binding), (binding.key or "").upper()
        fault = _fault(binding, names)
        if fault is None and name in lines:
            fault = f"{name} is set again, after line {lines[name]}; allowed: once. Remove one of the two"
        if fault is not None:
            faults.append(f"{file}, line {line}: {fault}.")
        else:
            values[name], lines[name] = binding.value or "", line
    if faults:
        raise EnvFileError("\n".join(faults))
    return values


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(file):
            return ""
        raise EnvFileError(
            f"{file} can't be read: {error.strerror}; allowed: a text file that this user may read. "
            "Mend it, or remove it to set nothing there."
        ) from None
    try:
        text = data.decode("utf-8")
        end = text.find("\0")
    except UnicodeDecodeError as error:
        text, end = "", error.start
    if end < 0:
        return text
    line = data[:end].count(b"\n") + 1
    raise EnvFileError(
        f"{file}, line {line}: the text is not in UTF-8 (in UTF-16, perhaps); allowed: UTF-8. Save the file so."
    )


def _line(binding: Binding) -> int:
    """Return the line number of an assignment.

    The parser counts from the blank lines before it.
    """
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return int(binding.original.line) + len(_LINE_END.findall(blank))


def _fault(binding: Binding, names: SettingNames) -> str | None:
    """Return what is wrong with a line, if anything.

    The text never shows the line's value. It shows the name only where that can't be a part of a secret.
    """
    if binding.error:
        return _unreadable(binding, names)
    name = (binding.key or "").upper()
    if name not in names.known:
        return _unknown(binding.key or "", names, has_value=binding.value is not None)
    if binding.value is None:
        return f"{name} has no = and no value; allowed: {name}=value, or {name}= for unset"
    return _unusable(name, binding, names)


def _unusable(name: str, binding: Binding, names: SettingNames) -> str | None:
    """Return what is wrong with how a value is written, if anything."""
    value = binding.value or ""
    if _LINE_END.search(value) and not _is_key_of_lines(name, value, names):
        return f"the value of {name} goes on after the end of the line; {_ALLOWED}. Close its quote"
    if _has_half_a_quote(binding):
        return f"the value of {name} has a quote at one end only, or a curly one; {_ALLOWED}"
    if name == READ_BY_DAGSTER and "${" in value:
        return f"{name} holds ${{, which Dagster replaces when it reads this file, too. Write it as %24%7B"
    return None


def _unreadable(binding: Binding, names: SettingNames) -> str:
    found = _ASSIGNED.match(binding.original.string)
    if found is None or not _may_be_shown(found["name"], names):
        return f"the line can't be read; {_ALLOWED}"
    if found["value"].startswith(("'", '"')):
        return f"the quote of {found['name'].upper()} is not closed, or something follows it; {_ALLOWED}"
    return f"the value of {found['name'].upper()} can't be read; {_ALLOWED}"


def _unknown(key: str, names: SettingNames, *, has_value: bool) -> str:
    remedy = names.remedy(key.upper())
    if remedy is not None:
        return f"{key} is no setting; {remedy}"
    if has_value and _NAME_OF_A_VARIABLE.fullmatch(key):
        return (
            f"{key} is no setting, and .env holds settings only (.env.example lists all). "
            "Set what other programs read in the environment"
        )
    return f"what is there is no setting; {_ALLOWED}. .env.example lists all settings"


def _may_be_shown(name: str, names: SettingNames) -> bool:
    """Return whether a name can't be a line of a secret.

    Lines of a key are not in capitals throughout.
    """
    return bool(_NAME_OF_A_VARIABLE.fullmatch(name)) or names.nearest(name.upper()) is not None


def _is_key_of_lines(name: str, value: str, names: SettingNames) -> bool:
    """Return whether a value of several lines is a PEM key.

    Otherwise it is an open quote that takes other settings in.
    """
    taken_in = (line.partition("=")[0].removeprefix("export ").strip().upper() for line in value.splitlines())
    return name == KEY_OF_LINES and names.known.isdisjoint(taken_in)


def _has_half_a_quote(binding: Binding) -> bool:
    found = _ASSIGNED.match(binding.original.string)
    value = binding.value or ""
    if found is None or found["value"].startswith(("'", '"')):
        return False
    return value.endswith(("'", '"')) or value.startswith(_CURLY_QUOTES)
