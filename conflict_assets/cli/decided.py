"""What the commands that write decisions have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Console

from conflict_assets.report.report_files import latest_report_time
from conflict_assets.settings import Settings, load_settings
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets.store.decisions import DecisionOutcome
from conflict_assets.store.store_factory import conflict_store

out = Console(highlight=False, soft_wrap=True)


@contextmanager
def prepared_store(settings: Settings) -> Iterator[ConflictStore]:
    """Open the store with its tables up to date."""
    with conflict_store(settings) as store:
        store.prepare()
        yield store


def say_report_is_older(outcome: DecisionOutcome) -> None:
    """Warn if the newest report on this machine lacks these decisions."""
    settings = load_settings()
    made_at = latest_report_time(settings.data_dir)
    if outcome.written and made_at is not None and made_at < datetime.now(tz=UTC):
        zone = ZoneInfo(settings.schedule_time_zone)
        out.print(
            f"The report of {made_at.astimezone(zone):%Y-%m-%d %H:%M} is older than this; "
            "make it anew with: conflict-assets report"
        )
