"""Alerts by e-mail, against a real mail server on this machine."""

import html
import socket

import pytest
from dagster import DagsterInstance

from conflict_assets.automation import channels
from conflict_assets.automation.alerts import alert_sensors
from conflict_assets.automation.channels import AlertError, send_mail
from conflict_assets.settings import Settings, read_settings
from conflict_assets_tests.automation import failing_night
from conflict_assets_tests.automation.mail_server import PASSWORD, USER, mail_server

TO = "first@example.com, second@example.com"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("conflict_assets.settings.project_folder", lambda: tmp_path)
    monkeypatch.setattr(channels, "WAIT_SECONDS", 0)


@pytest.fixture(params=["ssl", "starttls"])
def security(request):
    return request.param


@pytest.fixture
def server(tmp_path, security):
    with mail_server(tmp_path, security) as running:
        yield running


@pytest.fixture
def trusted(server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))


def settings_for(port, security, **others):
    given = {
        "alert_email_to": TO,
        "alert_email_from": USER,
        "alert_smtp_host": "localhost",
        "alert_smtp_port": port,
        "alert_smtp_security": security,
        "alert_smtp_password": PASSWORD,
    }
    return read_settings(**given | others)


@pytest.mark.usefixtures("trusted")
def test_a_failed_run_is_told_to_all_recipients_with_its_prefixes_and_their_remedy(server, security):
    settings = settings_for(server.port, security, dagster_url="https://dagster.example/")
    sensor = next(each for each in alert_sensors(settings) if each.name == "alert_by_email")
    with DagsterInstance.ephemeral() as instance:
        cursor = failing_night.tick(sensor, instance, None)
        run_id = failing_night.fail_a_night(instance)
        cursor = failing_night.tick(sensor, instance, cursor)
        failing_night.tick(sensor, instance, cursor)
    (message,) = server.messages
    assert server.recipients == [["first@example.com", "second@example.com"]]
    assert server.logged_in == [True]
    assert (message["To"], message["From"]) == (TO, USER)
    assert message["Subject"] == "Visit conflicts: nightly_conflicts failed"
    text = " ".join(html.unescape(message.get_content().partition("<!--")[0]).split())
    assert text == (
        f"Run {run_id}: Failed prefixes: 04-05. Repeat them with: conflict-assets run --prefix 04-05 "
        f"https://dagster.example/runs/{run_id}"
    )
    for secret in (PASSWORD, failing_night.PASSWORD, failing_night.SSN):
        assert secret not in str(message)


def test_a_server_of_an_unknown_authority_gets_no_login_and_no_mail(server, security):
    with pytest.raises(AlertError, match="certificate is not trusted"):
        send_mail("Subject", "Text", settings_for(server.port, security))
    assert server.messages == []


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_an_error_that_does_not_tell_it(server, security):
    with pytest.raises(AlertError, match="refuses ALERT_SMTP_USER") as caught:
        send_mail("Subject", "Text", settings_for(server.port, security, alert_smtp_password="wrong-one"))  # noqa: S106 - wrong
    assert "wrong-one" not in str(caught.value)
    assert server.messages == []


def test_a_server_that_says_nothing_is_given_up(security, monkeypatch):
    monkeypatch.setattr(channels, "SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(AlertError, match="mail server can't be reached"),
    ):
        send_mail("Subject", "Text", settings_for(silent.getsockname()[1], security))


def test_a_server_that_is_away_is_an_error(security):
    with pytest.raises(AlertError, match=r"can't be reached \(ConnectionRefusedError\). Check ALERT_SMTP_HOST"):
        send_mail("Subject", "Text", settings_for(1, security))
