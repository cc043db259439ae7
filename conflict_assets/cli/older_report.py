"""What a command says after decisions: that the report is older than they are."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Console

from conflict_assets.report.report_files import latest_report_time
from conflict_assets.settings import load_settings
from conflict_assets.store.decision_types import DecisionOutcome

out = Console(highlight=False, soft_wrap=True)


def say_report_is_older(outcome: DecisionOutcome) -> None:
    """Warn if the newest report on this machine lacks these decisions."""
    settings = load_settings()
    made_at = latest_report_time(settings)
    if outcome.written and made_at is not None and made_at < datetime.now(tz=UTC):
        zone = ZoneInfo(settings.schedule_time_zone)
        out.print(
            f"The report of {made_at.astimezone(zone):%Y-%m-%d %H:%M} is older than this; "
            "make it anew with: conflict-assets report"
        )
