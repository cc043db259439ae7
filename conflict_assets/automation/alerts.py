"""What is said of a failed run, and to whom: by e-mail and to a webhook, each only where the settings name it."""

import html
import json
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass

from dagster import (
    DagsterInstance,
    DagsterRun,
    DefaultSensorStatus,
    RunFailureSensorContext,
    SensorDefinition,
    make_email_on_run_failure_sensor,
    run_failure_sensor,
)

from conflict_assets.automation.failures import failed_prefixes
from conflict_assets.report.lines import failure_line
from conflict_assets.settings import Settings

WEBHOOK_SECONDS = 10
_PORTS = {"ssl": 465, "starttls": 587}


class AlertError(Exception):
    """An alert could not be delivered; the address, a secret, is not told."""


@dataclass(frozen=True)
class Alert:
    """A failed run in words; `text` is what chat programs show."""

    text: str
    job: str
    run_id: str
    failed_prefixes: tuple[str, ...]
    url: str | None


def alert_of(instance: DagsterInstance, run: DagsterRun, settings: Settings) -> Alert:
    """Say which prefixes of a run failed and how they are repeated."""
    prefixes = failed_prefixes(instance, run)
    url = f"{settings.dagster_url.rstrip('/')}/runs/{run.run_id}" if settings.dagster_url else None
    said = failure_line(prefixes) if prefixes else f"Job {run.job_name} failed."
    return Alert(f"Run {run.run_id}: {said}" + (f" {url}" if url else ""), run.job_name, run.run_id, prefixes, url)


def alert_sensors(settings: Settings) -> list[SensorDefinition]:
    """The sensors that the settings ask for; none unless an address is set."""
    sensors = []
    if settings.alert_recipients:
        sensors.append(_email_sensor(settings))
    if settings.alert_webhook_url is not None:
        sensors.append(_webhook_sensor(settings))
    return sensors


def _email_sensor(settings: Settings) -> SensorDefinition:
    def body(context: RunFailureSensorContext) -> str:
        return html.escape(alert_of(context.instance, context.dagster_run, settings).text)

    def subject(context: RunFailureSensorContext) -> str:
        return f"Visit conflicts: {context.dagster_run.job_name} failed"

    password = settings.alert_smtp_password
    return make_email_on_run_failure_sensor(
        email_from=settings.alert_email_from or "",
        email_password=password.get_secret_value() if password else "",
        email_to=list(settings.alert_recipients),
        email_body_fn=body,
        email_subject_fn=subject,
        smtp_host=settings.alert_smtp_host or "",
        smtp_type=settings.alert_smtp_security.upper(),
        smtp_port=settings.alert_smtp_port or _PORTS[settings.alert_smtp_security],
        smtp_user=settings.alert_smtp_user,
        name="alert_by_email",
        default_status=DefaultSensorStatus.RUNNING,
    )


def _webhook_sensor(settings: Settings) -> SensorDefinition:
    @run_failure_sensor(
        name="alert_by_webhook",
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells a webhook of failed runs.",
    )
    def sensor(context: RunFailureSensorContext) -> None:
        post(alert_of(context.instance, context.dagster_run, settings), settings)

    return sensor


def post(alert: Alert, settings: Settings) -> None:
    """Send an alert to the webhook.

    Raises:
        AlertError: nobody takes it.
    """
    address = settings.alert_webhook_url.get_secret_value() if settings.alert_webhook_url else ""
    body = json.dumps(asdict(alert)).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - held to http(s) by the settings
    try:
        with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):  # noqa: S310 - likewise
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise AlertError(f"The webhook answers {error.code}. Check ALERT_WEBHOOK_URL.") from None
    except OSError as error:
        raise AlertError(f"The webhook can't be reached ({type(error).__name__}). Check ALERT_WEBHOOK_URL.") from None
