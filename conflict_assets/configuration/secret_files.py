"""Secrets in files: `NAME_FILE` names a file with the value of `NAME`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from conflict_assets.configuration.setting_names import FILE_SUFFIX
from conflict_assets.domain.masking import MaskedError


class SecretFileError(MaskedError):
    """A `NAME_FILE` can't be used.

    The message names the variable, what was found and what to do.
    """


class SecretFiles(PydanticBaseSettingsSource):
    """A reader of the secrets of `names` from files.

    The environment or `.env` names the files.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        names: Iterable[str],
        places: Iterable[PydanticBaseSettingsSource],
        *,
        folder: Path,
    ) -> None:
        super().__init__(settings_cls)
        self._names = sorted(names)
        self._folder = folder
        # `.env_vars` of both is what they found, by name in small letters.
        self._places = [place.env_vars for place in places if isinstance(place, EnvSettingsSource)]

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base's
        """Return the content of the field's file, if one is named."""
        return self._content(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return every secret that is in a file.

        Raises:
            SecretFileError: a file can't be read or is empty, or the variable is set beside its file.
        """
        found = {name: self._content(name) for name in self._names}
        return {name: value for name, value in found.items() if value is not None}

    def _content(self, name: str) -> str | None:
        variable = name.upper()
        # The environment comes first and wins, as it does for every other setting.
        for place in self._places:
            file, value = place.get(f"{name}{FILE_SUFFIX.lower()}"), place.get(name)
            if file == "":
                raise SecretFileError(f"{variable}{FILE_SUFFIX} is empty; allowed: the path of a file. Or unset it.")
            if file and value:
                raise SecretFileError(f"{variable} and {variable}{FILE_SUFFIX} are both set; keep one of the two.")
            if value:
                return None
            if file:
                return _read(f"{variable}{FILE_SUFFIX}", Path(file), self._folder)
        return None


def _read(variable: str, file: Path, folder: Path) -> str:
    """Return the content of a file. A relative path counts from the folder."""
    try:
        file = file.expanduser()
        content = (folder / file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last: a ~ of nobody
        reason = error.strerror if isinstance(error, OSError) else "it is no text, or of no user"
        # Somebody may have written the secret itself instead of its file: no log may show it.
        found = f"names {file}, which can't be read" if file.is_absolute() else "names no file that can be read"
        raise SecretFileError(
            f"{variable} {found}: {reason}. Name a file that the platform's user may read, or unset the variable."
        ) from None
    if not content:
        raise SecretFileError(f"{variable} names {file}, which is empty. Write the secret into it.")
    return content
