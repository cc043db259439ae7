"""Alerts by webhook, against a real HTTP server on this machine, and who gets which."""

import json
import socket
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from dagster import DagsterInstance

from conflict_assets.automation import channels
from conflict_assets.automation.alerts import Alert, alert_sensors
from conflict_assets.automation.channels import AlertError, post_webhook
from conflict_assets.settings import Settings, SettingsError, read_settings
from conflict_assets_tests.automation import failing_night

ALERT = Alert("failed", "A subject", "Run 1: Failed prefixes: 04.", "nightly_conflicts", "1", ("04",), None)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("conflict_assets.settings.project_folder", lambda: tmp_path)
    monkeypatch.setattr(channels, "WAIT_SECONDS", 0)


class Webhook:
    """Answers with the number in its path; `/500/200` first with 500, then with 200."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.received: list[dict[str, object]] = []


@pytest.fixture
def webhook():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answers = [int(part) for part in self.path.split("/") if part.isdigit()] or [200]
            self.send_response(answers[min(len(hook.received), len(answers)) - 1])
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        hook = Webhook(http.server_port)
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield hook
        http.shutdown()
        thread.join()


def test_nothing_is_sent_unless_it_is_set():
    assert alert_sensors(read_settings()) == []


def test_a_failed_run_is_posted_once_with_its_prefixes_and_without_its_error(webhook):
    settings = read_settings(alert_webhook_url=f"{webhook.url}/token-in-the-address")
    sensor = next(each for each in alert_sensors(settings) if each.name == "alert_by_webhook")
    with DagsterInstance.ephemeral() as instance:
        cursor = failing_night.tick(sensor, instance, None)
        run_id = failing_night.fail_a_night(instance)
        cursor = failing_night.tick(sensor, instance, cursor)
        failing_night.tick(sensor, instance, cursor)
    (got,) = webhook.received
    assert got == {
        "kind": "failed",
        "subject": "Visit conflicts: nightly_conflicts failed",
        "text": f"Run {run_id}: Failed prefixes: 04-05. Repeat them with: conflict-assets run --prefix 04-05",
        "job": "nightly_conflicts",
        "run_id": run_id,
        "failed_prefixes": ["04", "05"],
        "url": None,
    }


def test_a_webhook_that_refuses_is_an_error_at_once_and_without_its_address(webhook):
    with pytest.raises(AlertError, match="answers 404") as caught:
        post_webhook(ALERT, read_settings(alert_webhook_url=f"{webhook.url}/404"))
    assert "127.0.0.1" not in str(caught.value)
    assert len(webhook.received) == 1


def test_a_webhook_with_a_fault_that_passes_gets_the_alert(webhook):
    post_webhook(ALERT, read_settings(alert_webhook_url=f"{webhook.url}/500/503/200"))
    assert len(webhook.received) == 3


def test_a_webhook_whose_fault_stays_is_an_error(webhook):
    with pytest.raises(AlertError, match="answers 500"):
        post_webhook(ALERT, read_settings(alert_webhook_url=f"{webhook.url}/500"))
    assert len(webhook.received) == channels.ATTEMPTS


def test_a_webhook_that_is_away_is_an_error_without_its_address():
    with pytest.raises(AlertError, match=r"can't be reached") as caught:
        post_webhook(ALERT, read_settings(alert_webhook_url="http://127.0.0.1:1/secret"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://h/services/hunter2 x", "https://u:a@hunter2@h/", "http://h:hunter2/x", "http://[hunter2/x"]
)
def test_a_webhook_s_address_that_is_none_is_an_error_without_it(address):
    with pytest.raises((SettingsError, AlertError), match="ALERT_WEBHOOK_URL") as error:
        post_webhook(ALERT, read_settings(alert_webhook_url=address))
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


def test_a_webhook_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(channels, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/secret"
        with pytest.raises(AlertError, match=r"can't be reached \(TimeoutError\)") as caught:
            post_webhook(ALERT, read_settings(alert_webhook_url=url))
    assert "secret" not in str(caught.value)


def test_each_channel_has_sensors_that_run_by_themselves():
    settings = read_settings(
        alert_webhook_url="https://chat.example/x",
        alert_email_to="a@example.com, b@example.com",
        alert_email_from="night@example.com",
        alert_smtp_host="mail.example.com",
        alert_smtp_password="not-a-password",  # noqa: S106 - as it says
    )
    assert settings.alert_recipients == ("a@example.com", "b@example.com")
    sensors = {sensor.name: sensor.default_status.value for sensor in alert_sensors(settings)}
    assert sensors == {
        "alert_by_email": "RUNNING",
        "late_night_by_email": "RUNNING",
        "alert_by_webhook": "RUNNING",
        "late_night_by_webhook": "RUNNING",
    }


def test_half_a_mail_server_is_refused_with_what_is_missing():
    with pytest.raises(SettingsError, match="ALERT_EMAIL_FROM and ALERT_SMTP_HOST and ALERT_SMTP_PASSWORD is not"):
        read_settings(alert_email_to="a@example.com")
