"""The times at which the night must be done.

They make the freshness policy that the UI shows, and the alerts use the same times.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dagster import AssetsDefinition, AssetSpec, FreshnessPolicy

from conflict_assets.configuration.setting_values import NIGHT_STARTS
from conflict_assets.settings import Settings, load_settings


@dataclass(frozen=True)
class Night:
    """A night with the date on which it starts.

    `start` and `due` are the instants between which the night must be done.
    """

    date: date
    start: datetime
    due: datetime


def last_due_night(now: datetime, settings: Settings) -> Night:
    """Return the last night whose due time has passed."""
    zone = ZoneInfo(settings.schedule_time_zone)
    today = now.astimezone(zone).date()
    night = _night(today, settings, zone)
    return night if night.due <= now else _night(today - timedelta(days=1), settings, zone)


def _night(day: date, settings: Settings, zone: ZoneInfo) -> Night:
    def at(clock: str) -> datetime:
        return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)

    return Night(day, at(NIGHT_STARTS), at(settings.night_due))


def every_day_at(clock: str) -> str:
    """Return the line of cron for a time of the day, such as `02:00`."""
    moment = time.fromisoformat(clock)
    return f"{moment.minute} {moment.hour} * * *"


def night_policy(settings: Settings) -> FreshnessPolicy:
    """Return the policy by which the UI judges whether an asset is fresh.

    An asset is fresh when it was materialized since the start of the last night that is due.
    """
    start, due = time.fromisoformat(NIGHT_STARTS), time.fromisoformat(settings.night_due)
    return FreshnessPolicy.cron(
        deadline_cron=every_day_at(settings.night_due),
        lower_bound_delta=timedelta(hours=due.hour - start.hour, minutes=due.minute - start.minute),
        timezone=settings.schedule_time_zone,
    )


def due_every_night(assets: AssetsDefinition) -> AssetsDefinition:
    """Give the assets the night's freshness policy.

    `graph_asset` has no parameter for a freshness policy.
    """
    policy = night_policy(load_settings())

    def with_policy(spec: AssetSpec) -> AssetSpec:
        return spec.replace_attributes(freshness_policy=policy)

    return assets.map_asset_specs(with_policy)
