"""Every page and region that is written from the code, but those that need a store or try each wrong setting."""

from collections.abc import Callable, Mapping
from pathlib import Path

import conflict_assets
from conflict_assets_tests.pages.check_lists import checks_list, complaints_list
from conflict_assets_tests.pages.command_list import commands_page
from conflict_assets_tests.pages.regions import with_lists
from conflict_assets_tests.pages.rule_lists import notes_list, reasons_list, rules_list, statuses_list
from conflict_assets_tests.pages.setting_lists import env_example, settings_list

PROJECT = Path(conflict_assets.__file__).parents[1]
LISTS: Mapping[str, Callable[[], str]] = {
    "settings": settings_list,
    "reasons": reasons_list,
    "notes": notes_list,
    "rules": rules_list,
    "statuses": statuses_list,
    "checks": checks_list,
    "complaints": complaints_list,
}
WHOLE: Mapping[str, Callable[[], str]] = {"docs/commands.md": commands_page, ".env.example": env_example}
WITH_REGIONS = ("docs/settings.md", "docs/rules.md", "docs/checks.md")


def generated() -> dict[Path, str]:
    """What each of these pages is to be."""
    lists = {name: make() for name, make in LISTS.items()}
    pages = {PROJECT / name: make() for name, make in WHOLE.items()}
    for name in WITH_REGIONS:
        page = PROJECT / name
        pages[page] = with_lists(page.read_text(encoding="utf-8"), lists)
    return pages
