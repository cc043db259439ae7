"""What `doctor` tries of the alerts: as far as they go without being sent, against real servers on this machine."""

import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
import trustme

from conflict_assets.automation import channels
from conflict_assets.automation.channel_trials import try_mail_server, try_webhook
from conflict_assets.automation.channels import AlertError
from conflict_assets.running.diagnosis import diagnose
from conflict_assets.settings import read_settings
from conflict_assets_tests.automation.test_mail import bare_environment, security, server, settings_for, trusted

__all__ = ["bare_environment", "security", "server", "trusted"]

SECRET = "token-of-the-address"  # noqa: S105 - of the test's own server


@contextmanager
def answering(answer=b"", context=None):
    """A server that says something to each client, or speaks TLS; its port, and what its clients have said."""
    said, over = [], threading.Event()

    def serve():
        while not over.is_set():
            try:
                client, _ = listening.accept()
                with context.wrap_socket(client, server_side=True) if context else client as talking:
                    talking.sendall(answer)
                    said.append(talking.recv(10_000))
            except OSError:  # the client has gone, or the test is over
                continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], said
        over.set()
        thread.join()


@pytest.fixture
def tls(tmp_path):
    """A TLS context for `localhost`, by an authority whose certificate lies in `authority.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def webhook(scheme, host, port):
    return read_settings(alert_webhook_url=f"{scheme}://{host}:{port}/{SECRET}")


def refused(attempt, settings):
    with pytest.raises(AlertError) as caught:
        attempt(settings)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("trusted")
def test_a_login_is_tried_and_no_mail_is_sent(server, security):
    try_mail_server(settings_for(server.port, security))
    assert server.messages == []
    wrong = settings_for(server.port, security, alert_smtp_password="wrong-one")  # noqa: S106 - wrong
    assert refused(try_mail_server, wrong) == (
        "The mail server refuses ALERT_SMTP_USER with ALERT_SMTP_PASSWORD. Check both."
    )


@pytest.mark.usefixtures("trusted")
def test_a_password_that_mail_servers_can_t_take_is_told_without_it(server, security):
    said = refused(try_mail_server, settings_for(server.port, security, alert_smtp_password="geheimß"))  # noqa: S106 - wrong
    assert said == "ALERT_SMTP_USER or ALERT_SMTP_PASSWORD holds a letter beyond ASCII, which no mail server takes."


def test_a_mail_server_of_an_unknown_authority_is_told_with_what_trusts_it(server, security):
    said = refused(try_mail_server, settings_for(server.port, security))
    assert said.startswith("The mail server's certificate is not trusted: unable to get local issuer certificate. ")
    assert said.endswith("A private authority: SSL_CERT_FILE.")


def test_a_mail_server_whose_name_is_not_known_is_told_so(security):
    settings = settings_for(25, security, alert_smtp_host="mail.invalid")
    assert refused(try_mail_server, settings).startswith("The mail server can't be found: its name is not known here.")


@pytest.mark.parametrize(
    ("security", "greeting", "said"),
    [
        ("ssl", b"220 here\r\n", "The mail server does not speak TLS there (WRONG_VERSION_NUMBER). Check ALERT_SMTP_H"),
        ("starttls", b"220 here\r\n250 a\r\n", "The mail server can't do what an alert needs: STARTTLS extension not"),
        ("starttls", b"421 busy\r\n", "The mail server answers 421 for now."),
        ("starttls", b"554 go away\r\n", "The mail server refuses the alert (SMTPConnectError)."),
    ],
    ids=["no TLS", "no STARTTLS", "busy", "refusing"],
)
def test_what_stands_at_another_port_is_told(security, greeting, said):
    with answering(greeting) as (port, _):
        assert refused(try_mail_server, settings_for(port, security)).startswith(said)


@pytest.mark.parametrize("attempt", ["mail", "webhook"])
def test_a_server_that_says_nothing_is_given_up_at_once(attempt, monkeypatch):
    monkeypatch.setattr(channels, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if attempt == "mail":
            assert "can't be reached (TimeoutError)" in refused(try_mail_server, settings_for(port, "ssl"))
        else:
            assert "can't be reached (TimeoutError)" in refused(try_webhook, webhook("https", "localhost", port))


def test_a_webhook_is_connected_to_and_told_nothing():
    with answering() as (port, said):
        try_webhook(webhook("http", "127.0.0.1", port))
    assert said in ([], [b""])


def test_a_webhook_by_tls_is_held_to_its_certificate(tls, tmp_path, monkeypatch):
    with answering(context=tls) as (port, said):
        untrusted = refused(try_webhook, webhook("https", "localhost", port))
        assert untrusted.startswith("The webhook's certificate is not trusted: unable to get local issuer certificate.")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        try_webhook(webhook("https", "localhost", port))
        misnamed = refused(try_webhook, webhook("https", "127.0.0.1", port))
        assert "not trusted: IP address mismatch. Check ALERT_WEBHOOK_URL." in misnamed
    assert b"".join(said) == b""


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (("https", "chat.invalid", 443), "The webhook can't be found: its name is not known here."),
        (("http", "127.0.0.1", 1), "The webhook can't be reached (ConnectionRefusedError). Check ALERT_WEBHOOK_URL."),
    ],
    ids=["no name", "nobody"],
)
def test_a_webhook_that_is_away_is_told_by_the_cause(address, said):
    assert refused(try_webhook, webhook(*address)).startswith(said)


def test_a_webhook_without_tls_is_told_so():
    with answering(b"HTTP/1.1 400 no\r\n\r\n") as (port, _):
        said = refused(try_webhook, webhook("https", "localhost", port))
    assert said.startswith("The webhook does not speak TLS there (")


def test_a_webhook_is_tried_through_the_proxy_that_alerts_go_through(monkeypatch):
    with answering(b"HTTP/1.1 403 no\r\n\r\n") as (port, said):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert "can't be reached (OSError)" in refused(try_webhook, webhook("https", "chat.invalid", 443))
    assert said[0].startswith(b"CONNECT chat.invalid:443 ")


@pytest.mark.usefixtures("trusted")
def test_the_doctor_tries_each_channel_that_is_set_whatever_else_is_wrong(server, security, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings = settings_for(
        server.port, security, conflicts_data_dir="/proc/x", alert_webhook_url="http://127.0.0.1:1/x"
    )
    found = {finding.part: finding for finding in diagnose(settings)}
    assert found["alerts"].text == f"e-mail to 2 addresses by localhost:{server.port} and a webhook"
    assert (found["mail server"].healthy, found["webhook"].healthy) == (True, False)
    assert "can't be reached" in found["webhook"].text
    assert [part for part in ("folders", "source", "store", "dagster") if found[part].healthy] == ["source"]
