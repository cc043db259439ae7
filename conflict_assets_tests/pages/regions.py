"""Generated regions of hand-written pages: what stands between two markers."""

import re
from collections.abc import Mapping

_REGION = re.compile(r"(<!-- generated: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_lists(page: str, lists: Mapping[str, str]) -> str:
    """The page with each of its regions filled anew from the list of its name."""
    return _REGION.sub(lambda found: f"{found[1]}\n{lists[found[2]].strip()}\n\n{found[3]}", page)


def regions(page: str) -> list[str]:
    """The names of a page's regions."""
    return [found[2] for found in _REGION.finditer(page)]


def table(*rows: tuple[str, ...]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *body = ["| " + " | ".join(_cell(cell) for cell in row).strip() + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
