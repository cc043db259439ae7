"""The table of wrong and unusual settings, docs/settings-errors.md: this module, run as a program, writes it.

Each case is read as a command reads its settings; what is let through goes on to the source.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from conflict_assets import settings
from conflict_assets.domain import masking
from conflict_assets.source.descriptions import described_source
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.source_factory import visit_source
from conflict_assets.store.store_factory import described_store
from conflict_assets_tests.configuration.settings_cases import CASES, FOLDER, Case

PAGE = Path(__file__).parents[2] / "docs" / "settings-errors.md"
SHOWN_FOLDER = "/project"
ORDINARY = {"PATH": "/usr/bin", "HOME": "/root"}

HEAD = """\
# What wrong and unusual settings are answered with

Each row is tried by the tests: they fail when an answer is another one, when a secret is in it (here always
`Hunter-22`), or when generated visits could appear although somebody has tried to name a real source or a real store.
`make generated` writes this page. The project's folder is `/project` here, and ⏎ is the end of a line. Exit code 2
means that nothing was started; the row then shows the whole message. With 0 the settings are taken, and the row shows
which source and store they mean.
"""


class Answer(NamedTuple):
    """What a command says to a case, with which code it ends, and whether visits could be generated."""

    text: str
    code: int
    generates: bool


def answer_to(case: Case) -> Answer:
    """Read the settings of a case in a folder of its own."""
    with _arranged(case) as folder:
        found = _answer()
        assert not list(folder.rglob("*.duckdb"))
    return found._replace(text=found.text.replace(str(folder), SHOWN_FOLDER))


def _answer() -> Answer:
    try:
        found = settings.read_settings()
        if found.source_kind == "duckdb" and not found.may_generate:
            with visit_source(found).open(run_id="case"):
                raise AssertionError("there is no such source")
    except (settings.SettingsError, SourceError) as error:
        return Answer(str(error), 2, generates=False)
    text = f"read: {described_source(found)}; {described_store(found)}"
    return Answer(text, 0, generates=found.may_generate)


@contextmanager
def _arranged(case: Case) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="settings-") as name:
        folder = Path(name)
        for file, content in case.files.items():
            (folder / file).write_text(content, encoding="utf-8")
        write_env(case, folder)
        with (
            mock.patch.object(settings, "project_folder", return_value=folder),
            mock.patch.object(masking, "_known", set()),
            mock.patch.dict(os.environ, ORDINARY | variables(case, folder), clear=True),
        ):
            yield folder


def write_env(case: Case, folder: Path) -> None:
    """Put the `.env` of a case into a folder."""
    file = folder / ".env"
    if case.is_folder:
        file.mkdir()
    elif case.link:
        file.symlink_to(case.link)
    elif case.written:
        written = case.written
        text = written.replace(FOLDER, str(folder)).encode() if isinstance(written, str) else written
        file.write_bytes(text)


def variables(case: Case, folder: Path) -> dict[str, str]:
    """The environment of a case."""
    lines = filter(None, case.environment.split("\n"))
    return {name: value.replace(FOLDER, str(folder)) for name, _, value in (line.partition("=") for line in lines)}


def page() -> str:
    """The whole page, anew."""
    parts = [HEAD]
    for heading, cases in CASES.items():
        rows = "\n".join(_row(case) for case in cases)
        parts.append(f"## {heading}\n\n| written | where | answer | exit code |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(case: Case) -> str:
    answer = answer_to(case)
    shown = case.shown.replace(FOLDER, SHOWN_FOLDER)
    return f"| {_code(shown)} | {case.place} | {_cell(answer.text)} | {answer.code} |"


def _code(text: str) -> str:
    return f"`` {_escaped(text)} ``" if "`" in text else f"`{_escaped(text)}`"


def _cell(text: str) -> str:
    # As code: it may hold what Markdown would take for its own.
    return _code(text)


def _escaped(text: str) -> str:
    for sign, shown in {"|": "\\|", "\n": " ⏎ ", "\t": "⇥", "\u200b": "␣(zero width)"}.items():
        text = text.replace(sign, shown)
    return text.strip() or "(nothing)"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
