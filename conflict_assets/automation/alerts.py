"""What is said of a failed run and of a late night, and the sensors that say it where the settings name somebody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dagster import (
    DagsterInstance,
    DagsterRun,
    DefaultSensorStatus,
    RunFailureSensorContext,
    SensorDefinition,
    run_failure_sensor,
)

from conflict_assets.automation.channels import post_webhook, send_mail
from conflict_assets.automation.failures import failed_prefixes
from conflict_assets.automation.jobs import NIGHTLY_JOB
from conflict_assets.automation.lateness import LateNight, late_night_sensor
from conflict_assets.report.lines import failure_line
from conflict_assets.settings import Settings


@dataclass(frozen=True)
class Alert:
    """A failed run or a late night in words; `text` is what chat programs show. Prefixes are those not done."""

    kind: Literal["failed", "late"]
    subject: str
    text: str
    job: str
    run_id: str | None
    failed_prefixes: tuple[str, ...]
    url: str | None


def failure_alert(instance: DagsterInstance, run: DagsterRun, settings: Settings) -> Alert:
    """Say which prefixes of a run failed and how they are repeated."""
    prefixes = failed_prefixes(instance, run)
    said = failure_line(prefixes) if prefixes else f"Job {run.job_name} failed."
    return Alert(
        kind="failed",
        subject=f"Visit conflicts: {run.job_name} failed",
        text=_with_url(f"Run {run.run_id}: {said}", url := _url(settings, f"runs/{run.run_id}")),
        job=run.job_name,
        run_id=run.run_id,
        failed_prefixes=prefixes,
        url=url,
    )


def late_alert(late: LateNight, settings: Settings) -> Alert:
    """Say what is missing at the night's due time, and what is known of its run."""
    url = _url(settings, f"runs/{late.run.run_id}" if late.run else "assets/visit_conflicts")
    return Alert(
        kind="late",
        subject=f"Visit conflicts: the night of {late.night.date} is late",
        text=_with_url(late.line, url),
        job=NIGHTLY_JOB,
        run_id=late.run.run_id if late.run else None,
        failed_prefixes=late.prefixes,
        url=url,
    )


def _url(settings: Settings, page: str) -> str | None:
    return f"{settings.dagster_url.rstrip('/')}/{page}" if settings.dagster_url else None


def _with_url(text: str, url: str | None) -> str:
    return f"{text} {url}" if url else text


def alert_sensors(settings: Settings) -> list[SensorDefinition]:
    """The sensors that the settings ask for; none unless an address is set."""
    channels: dict[str, Callable[[Alert], None]] = {}
    if settings.alert_recipients:
        channels["email"] = lambda alert: send_mail(alert.subject, alert.text, settings)
    if settings.alert_webhook_url is not None:
        channels["webhook"] = lambda alert: post_webhook(alert, settings)
    return [sensor for name, send in channels.items() for sensor in _sensors_of(name, send, settings)]


def _sensors_of(channel: str, send: Callable[[Alert], None], settings: Settings) -> list[SensorDefinition]:
    """Two for each channel: one that can't deliver must not make another repeat itself."""

    @run_failure_sensor(
        name=f"alert_by_{channel}",
        default_status=DefaultSensorStatus.RUNNING,
        description=f"Tells of failed runs by {channel}.",
    )
    def failed(context: RunFailureSensorContext) -> None:
        send(failure_alert(context.instance, context.dagster_run, settings))

    late = late_night_sensor(
        name=f"late_night_by_{channel}",
        description=f"Tells of late nights by {channel}.",
        tell=lambda found: send(late_alert(found, settings)),
        settings=settings,
    )
    return [failed, late]
