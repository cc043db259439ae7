"""Alerts, against a real HTTP server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conflict_assets.automation.alerts import Alert, AlertError, alert_sensors, post
from conflict_assets.settings import Settings, SettingsError, read_settings

ALERT = Alert("Run 1: Failed prefixes: 04.", "nightly_conflicts", "1", ("04",), None)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("conflict_assets.settings.project_folder", lambda: tmp_path)


@pytest.fixture
def server():
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(404 if self.path == "/gone" else 200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}", received
        http.shutdown()
        thread.join()


def test_nothing_is_sent_unless_it_is_set():
    assert alert_sensors(read_settings()) == []


def test_a_webhook_gets_the_prefixes_and_the_words(server):
    url, received = server
    post(ALERT, read_settings(alert_webhook_url=url))
    (got,) = received
    assert got["text"] == ALERT.text
    assert got["failed_prefixes"] == ["04"]


def test_a_webhook_that_refuses_is_an_error_without_its_address(server):
    with pytest.raises(AlertError, match="answers 404") as caught:
        post(ALERT, read_settings(alert_webhook_url=f"{server[0]}/gone"))
    assert "127.0.0.1" not in str(caught.value)


def test_a_webhook_that_is_away_is_an_error_without_its_address():
    with pytest.raises(AlertError, match="can't be reached") as caught:
        post(ALERT, read_settings(alert_webhook_url="http://127.0.0.1:1/secret"))
    assert "secret" not in str(caught.value)


def test_each_channel_is_a_sensor_that_runs_by_itself():
    settings = read_settings(
        alert_webhook_url="https://chat.example/x",
        alert_email_to="a@example.com, b@example.com",
        alert_email_from="night@example.com",
        alert_smtp_host="mail.example.com",
        alert_smtp_password="not-a-password",  # noqa: S106 - as it says
    )
    assert settings.alert_recipients == ("a@example.com", "b@example.com")
    sensors = {sensor.name: sensor.default_status.value for sensor in alert_sensors(settings)}
    assert sensors == {"alert_by_email": "RUNNING", "alert_by_webhook": "RUNNING"}


def test_half_a_mail_server_is_refused_with_what_is_missing():
    with pytest.raises(SettingsError, match="ALERT_EMAIL_FROM and ALERT_SMTP_HOST and ALERT_SMTP_PASSWORD is not"):
        read_settings(alert_email_to="a@example.com")
