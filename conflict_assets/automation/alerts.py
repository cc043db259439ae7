"""Alerts of failed runs and late nights, with the sensors that send them.

There are sensors only where the settings name a recipient.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from dagster import (
    DagsterInstance,
    DagsterRun,
    DefaultSensorStatus,
    RunFailureSensorContext,
    SensorDefinition,
    make_email_on_run_failure_sensor,
    run_failure_sensor,
)

from conflict_assets.automation.channels import mail_port, post_webhook, send_mail
from conflict_assets.automation.failed_prefixes import failed_prefixes
from conflict_assets.automation.jobs import NIGHTLY_JOB
from conflict_assets.automation.lateness import LateNight, late_night_sensor
from conflict_assets.output.log_lines import failure_line
from conflict_assets.settings import Settings


@dataclass(frozen=True)
class Alert:
    """A failed run or a late night in words.

    Chat programs show `text`. The prefixes are those that are not done.
    """

    kind: Literal["failed", "late"]
    subject: str
    text: str
    job: str
    run_id: str | None
    failed_prefixes: tuple[str, ...]
    url: str | None


def failure_alert(instance: DagsterInstance, run: DagsterRun, settings: Settings) -> Alert:
    """Report which prefixes of a run failed and how they are repeated."""
    prefixes = failed_prefixes(instance, run)
    said = failure_line(prefixes) if prefixes else f"Job {run.job_name} failed."
    return Alert(
        kind="failed",
        subject=failure_subject(run),
        text=_with_url(f"Run {run.run_id}: {said}", url := _url(settings, f"runs/{run.run_id}")),
        job=run.job_name,
        run_id=run.run_id,
        failed_prefixes=prefixes,
        url=url,
    )


def failure_subject(run: DagsterRun) -> str:
    """Return the subject of an e-mail about a failed run."""
    return f"Visit conflicts: {run.job_name} failed"


def late_alert(late: LateNight, settings: Settings) -> Alert:
    """Report what is missing at the night's due time.

    The alert also says what is known of the night's run.
    """
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
    """Return the sensors that the settings ask for.

    There are none unless an address is set. Each channel has two sensors of its own: a channel that can't deliver must
    not make another one repeat its alerts.
    """
    sensors: list[SensorDefinition] = []
    if settings.alert_recipients:
        by_email = partial(_send_by_email, settings=settings)
        sensors += [_failed_by_email(settings), _late("email", by_email, settings)]
    if settings.alert_webhook_url is not None:
        to_webhook = partial(post_webhook, settings=settings)
        sensors += [_failed("webhook", to_webhook, settings), _late("webhook", to_webhook, settings)]
    return sensors


def _send_by_email(alert: Alert, *, settings: Settings) -> None:
    send_mail(alert.subject, alert.text, settings)


def _failed_by_email(settings: Settings) -> SensorDefinition:
    """Return Dagster's own e-mail sensor, whose body is HTML."""
    password = settings.alert_smtp_password
    return make_email_on_run_failure_sensor(
        email_from=settings.alert_email_from or "",
        email_password=password.get_secret_value() if password else "",
        email_to=list(settings.alert_recipients),
        email_body_fn=lambda context: html.escape(failure_alert(context.instance, context.dagster_run, settings).text),
        email_subject_fn=lambda context: failure_subject(context.dagster_run),
        smtp_host=settings.alert_smtp_host or "",
        smtp_type=settings.alert_smtp_security.upper(),
        smtp_port=mail_port(settings),
        smtp_user=settings.alert_smtp_user,
        name="alert_by_email",
        default_status=DefaultSensorStatus.RUNNING,
    )


def _failed(channel: str, send: Callable[[Alert], None], settings: Settings) -> SensorDefinition:
    @run_failure_sensor(
        name=f"alert_by_{channel}",
        default_status=DefaultSensorStatus.RUNNING,
        description=f"Tells of failed runs by {channel}.",
    )
    def failed(context: RunFailureSensorContext) -> None:
        send(failure_alert(context.instance, context.dagster_run, settings))

    return failed


def _late(channel: str, send: Callable[[Alert], None], settings: Settings) -> SensorDefinition:
    return late_night_sensor(
        name=f"late_night_by_{channel}",
        description=f"Tells of late nights by {channel}.",
        tell=lambda found: send(late_alert(found, settings)),
        settings=settings,
    )
